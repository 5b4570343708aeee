//! Ini files that are not ours and set where sessions are kept: Paketo's session handlers write such files, password
//! included.

use super::fpm::directive;
use super::ini_file::IniFile;
use crate::system::files::{entries, entries_with, read_text};
use std::path::{Path, PathBuf};

const SAVE_HANDLER: &str = "session.save_handler";
const SAVE_PATH: &str = "session.save_path";

/// An ini file that PHP reads after ours and that sets where sessions are kept: it wins. `layer` is the session layer,
/// `scan_dirs` the value of `PHP_INI_SCAN_DIR`.
pub(crate) fn session_ini_read_after(layer: &Path, scan_dirs: &str) -> Option<PathBuf> {
    let base = layer.join(IniFile::Base.folder());
    let folders = scan_dirs.split(':').map(Path::new).skip_while(|folder| *folder != base);
    let mut files =
        folders.filter(|folder| !folder.starts_with(layer)).flat_map(|it| entries_with(it, "ini"));
    files.find(|file| sets(file, |name, _| [SAVE_HANDLER, SAVE_PATH].contains(&name)))
}

/// The ini files that other buildpacks' layers pass to PHP at launch and that name a server for sessions: these may contain
/// its password. PHP's own `files` are no server. `layers` is our layers folder.
#[must_use]
pub fn session_inis_of_other_layers(layers: &Path) -> Vec<PathBuf> {
    let Some(all) = layers.parent() else { return Vec::new() };
    let others = entries(all).into_iter().filter(|buildpack| buildpack != layers);
    let mut found: Vec<PathBuf> = others
        .flat_map(|buildpack| entries(&buildpack))
        .flat_map(|layer| [layer.join("env.launch"), layer.join("env")])
        .flat_map(|env| entries(&env))
        .filter(|file| file.file_stem().is_some_and(|name| name == super::PHP_INI_SCAN_DIR))
        .filter_map(|file| read_text(&file).ok())
        .flat_map(|value| {
            value.split(':').map(|folder| PathBuf::from(folder.trim())).collect::<Vec<_>>()
        })
        .flat_map(|folder| entries_with(&folder, "ini"))
        .filter(|file| sets(file, is_of_server))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn is_of_server(name: &str, value: &str) -> bool {
    match name {
        SAVE_HANDLER => !matches!(value, "" | "files"),
        // `N;MODE;/path` is a folder, `tcp://host:6379` and `host:11211` are servers.
        SAVE_PATH => value.contains(':'),
        _ => false,
    }
}

/// Whether the file has such a setting, by its name and value.
fn sets(file: &Path, is_such: impl Fn(&str, &str) -> bool) -> bool {
    let text = read_text(file).unwrap_or_default();
    text.lines().filter_map(directive).any(|(name, value)| is_such(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::write;

    #[test]
    fn only_files_that_name_a_server_are_suspected_of_its_password() {
        let root = tempfile::tempdir().unwrap();
        let (ours, theirs) = (root.path().join("ours"), root.path().join("theirs"));
        let folder = theirs.join("config");
        let value = format!("{}:/nowhere", folder.display());
        write(&folder.join("env.launch/PHP_INI_SCAN_DIR.append"), value).unwrap();
        write(&ours.join("session/env.launch/PHP_INI_SCAN_DIR.append"), "/nowhere").unwrap();
        for (text, is_suspect) in [
            ("session.name = X\n; session.save_path = tcp://h\n", false),
            // As in php-dist's own file, and in many apps'.
            ("session.save_handler = files\n", false),
            ("session.save_handler = \"files\"\nsession.save_path = \"2;0600;/tmp\"\n", false),
            ("session.save_path =\n", false),
            ("[session]\n  session.save_path=\"tcp://h\"\n", true),
            ("session.save_path = h:11211", true),
            ("session.save_handler = memcached", true),
        ] {
            // The second file of the folder counts as much as the first.
            let ini = folder.join("z.ini");
            write(&folder.join("a.ini"), "session.save_handler = files\n").unwrap();
            write(&ini, text).unwrap();
            let expected: &[PathBuf] = if is_suspect { &[ini] } else { &[] };
            assert_eq!(session_inis_of_other_layers(&ours), expected, "{text}");
        }
    }

    #[test]
    fn what_php_reads_after_ours_wins() {
        let root = tempfile::tempdir().unwrap();
        let (layer, theirs) = (root.path().join("session"), root.path().join("theirs"));
        let ini = theirs.join("redis.ini");
        let base = layer.join(IniFile::Base.folder());
        write(&base.join("ours.ini"), "session.save_path = y\n").unwrap();
        let read_after = |folders: &[&Path]| {
            let folders: Vec<String> = folders.iter().map(|it| it.display().to_string()).collect();
            session_ini_read_after(&layer, &folders.join(":"))
        };
        for text in ["session.save_path = x\n", "session.save_handler = files\n"] {
            write(&ini, text).unwrap();
            assert_eq!(read_after(&[Path::new(""), &base, &theirs]), Some(ini.clone()), "{text}");
        }
        assert_eq!(read_after(&[&theirs, &base]), None);
        assert_eq!(read_after(&[&theirs]), None, "PHP does not read ours");
    }
}
