//! The folders that PHP reads ini files from.

use super::ini_file::IniFile;
use libcnb::Env;
use std::path::Path;

/// The folders that PHP reads ini files from, separated by `:`. An empty element stands for the compiled-in folder.
pub const PHP_INI_SCAN_DIR: &str = "PHP_INI_SCAN_DIR";

/// The value of `PHP_INI_SCAN_DIR` for a launch: the folders in `env`, each once, followed by those of `ini_files`
/// in `layer`, the session layer. A launcher inside a launcher inherits what the outer one set, and adds the
/// layers' folders again: PHP would load each extension twice, and the inner launch may need other ini files than
/// the outer one.
pub(super) fn for_launch(env: &Env, layer: &Path, ini_files: &[IniFile]) -> String {
    let before = env.get_string_lossy(PHP_INI_SCAN_DIR).unwrap_or_default();
    let base = layer.join(IniFile::Base.folder());
    let mut folders: Vec<String> = Vec::new();
    for folder in before.split(':') {
        let of_another_launch = Path::new(folder).starts_with(layer) && Path::new(folder) != base;
        if !of_another_launch && !folders.iter().any(|known| known == folder) {
            folders.push(folder.to_owned());
        }
    }
    folders.extend(ini_files.iter().map(|it| layer.join(it.folder()).display().to_string()));
    folders.join(":")
}

/// The folders of `recorded`, the build's value, that PHP no longer reads ini files from.
pub(crate) fn no_longer_read(recorded: &str, now: &str) -> Vec<String> {
    let missing = recorded.split(':').filter(|folder| !now.split(':').any(|it| it == *folder));
    let named = |folder: &str| if folder.is_empty() { "PHP's own" } else { folder }.to_owned();
    let mut named: Vec<String> = missing.map(named).collect();
    named.dedup();
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn for_launch_after(before: &str, ini_files: &[IniFile]) -> String {
        let mut env = Env::new();
        env.insert(PHP_INI_SCAN_DIR, before);
        for_launch(&env, Path::new("/layer"), ini_files)
    }

    #[test]
    fn ini_files_are_added_and_the_compiled_in_folder_stays() {
        assert_eq!(for_launch(&Env::new(), Path::new("/l"), &[IniFile::Login]), ":/l/login.d");
        assert_eq!(
            for_launch_after("/x::/layer/conf.d", &[IniFile::Login, IniFile::Cluster]),
            "/x::/layer/conf.d:/layer/login.d:/layer/cluster.d"
        );
    }

    #[test]
    fn a_launcher_inside_a_launcher_adds_nothing_and_keeps_nothing_of_the_outer_ones_launch() {
        let outer = for_launch_after(":/paketo:/layer/conf.d", &[IniFile::Login]);
        let inner = format!("{outer}:/paketo:/layer/conf.d");
        assert_eq!(for_launch_after(&inner, &[IniFile::Login]), outer);
        assert_eq!(for_launch_after(&inner, &[]), ":/paketo:/layer/conf.d");
    }

    #[test]
    fn what_is_replaced_rather_than_appended_to_is_named() {
        for (recorded, now, expected) in [
            ("", ":/layer/conf.d", &[][..]),
            ("", "/x:/layer/conf.d", &["PHP's own"]),
            ("/php/etc:/php/etc:/app", "/php/etc:/app:/layer/conf.d", &[]),
            ("/php/etc:/php/etc:/app", "/x", &["/php/etc", "/app"]),
        ] {
            assert_eq!(no_longer_read(recorded, now), expected, "{recorded} {now}");
        }
    }
}
