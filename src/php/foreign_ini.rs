//! Other buildpacks' ini files that set where sessions are kept: Paketo's session handlers write these, password
//! included.

use super::ini_file::IniFile;
use crate::system::files::read_text;
use std::path::{Path, PathBuf};

const SETTINGS: [&str; 2] = ["session.save_handler", "session.save_path"];

/// An ini file of another buildpack that PHP reads after ours and that sets where sessions are kept: it wins. `layer` is
/// the session layer, `scan_dirs` the value of `PHP_INI_SCAN_DIR`.
#[must_use]
pub(crate) fn session_ini_read_after(layer: &Path, scan_dirs: &str) -> Option<PathBuf> {
    let base = layer.join(IniFile::Base.folder());
    let folders = scan_dirs.split(':').map(Path::new).skip_while(|folder| *folder != base);
    folders.filter(|folder| !folder.starts_with(layer)).find_map(session_ini_in)
}

/// The first ini file in the folder that sets where sessions are kept.
fn session_ini_in(folder: &Path) -> Option<PathBuf> {
    let entries = folder.read_dir().ok()?.flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "ini"))
        .collect();
    files.sort();
    files.into_iter().find(|file| read_text(file).is_ok_and(|text| sets_sessions(&text)))
}

/// The ini files that other buildpacks' layers pass to PHP at launch. `layers` is our layers folder.
#[must_use]
pub fn session_inis_of_other_layers(layers: &Path) -> Vec<PathBuf> {
    let Some(all) = layers.parent() else { return Vec::new() };
    let folders = |folder: &Path| {
        folder
            .read_dir()
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect::<Vec<_>>()
    };
    let others = folders(all).into_iter().filter(|buildpack| buildpack != layers);
    let mut found: Vec<PathBuf> = others
        .flat_map(|buildpack| folders(&buildpack))
        .flat_map(|layer| [layer.join("env.launch"), layer.join("env")])
        .flat_map(|env| folders(&env))
        .filter(|file| file.file_stem().is_some_and(|name| name == super::PHP_INI_SCAN_DIR))
        .filter_map(|file| read_text(&file).ok())
        .flat_map(|value| {
            value.split(':').map(|folder| PathBuf::from(folder.trim())).collect::<Vec<_>>()
        })
        .filter_map(|folder| session_ini_in(&folder))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn sets_sessions(ini: &str) -> bool {
    let names = ini.lines().filter_map(|line| Some(line.split_once('=')?.0.trim()));
    names.into_iter().any(|name| SETTINGS.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::write;

    #[test]
    fn only_a_file_that_sets_where_sessions_are_counts() {
        let root = tempfile::tempdir().unwrap();
        let (ours, theirs) = (root.path().join("ours"), root.path().join("theirs"));
        let ini = theirs.join("config/redis.ini");
        let value = format!("{}:/nowhere", theirs.join("config").display());
        write(&theirs.join("config/env.launch/PHP_INI_SCAN_DIR.append"), value).unwrap();
        write(&ours.join("session/env.launch/PHP_INI_SCAN_DIR.append"), "/nowhere").unwrap();
        write(&ini, "session.name = X\n; session.save_path = x\n").unwrap();
        assert!(session_inis_of_other_layers(&ours).is_empty());
        write(&ini, "[session]\n  session.save_path=\"tcp://h\"\n").unwrap();
        assert_eq!(session_inis_of_other_layers(&ours), [ini]);
    }

    #[test]
    fn what_php_reads_after_ours_wins() {
        let root = tempfile::tempdir().unwrap();
        let (layer, theirs) = (root.path().join("session"), root.path().join("theirs"));
        let ini = theirs.join("redis.ini");
        write(&ini, "session.save_path = x\n").unwrap();
        let base = layer.join(IniFile::Base.folder());
        write(&base.join("ours.ini"), "session.save_path = y\n").unwrap();
        let read_after = |folders: &[&Path]| {
            let folders: Vec<String> = folders.iter().map(|it| it.display().to_string()).collect();
            session_ini_read_after(&layer, &folders.join(":"))
        };
        assert_eq!(read_after(&[Path::new(""), &base, &theirs]), Some(ini));
        assert_eq!(read_after(&[&theirs, &base]), None);
        assert_eq!(read_after(&[&theirs]), None, "PHP does not read ours");
    }
}
