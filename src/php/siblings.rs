//! PHP's other programs (SAPIs) beside `php`: what is installed, and with which configuration.

use super::scan_dirs::PHP_INI_SCAN_DIR;
use crate::system::files::entries;
use libcnb::Env;
use std::path::{Path, PathBuf};

/// The configurations of the other programs, if they are next to that of the cli: Debian compiles
/// `/etc/php/8.2/<program>` into each, and enables extensions separately for each.
pub(super) fn siblings(of_cli: &Path) -> Vec<(String, PathBuf)> {
    let (Some(parent), true) = (of_cli.parent(), of_cli.ends_with("cli")) else {
        return Vec::new();
    };
    let mut others = entries(parent);
    others.retain(|path| path != of_cli && path.join("conf.d").is_dir());
    let named = |path: PathBuf| Some((path.file_name()?.to_str()?.to_owned(), path));
    others.into_iter().filter_map(named).collect()
}

/// PHP's other programs in the same prefix. Where PHP was not split into packages, all have the configuration of `php`.
pub(super) fn programs_beside(php: &Path) -> Vec<&'static str> {
    let Some(prefix) = php.parent().and_then(Path::parent) else { return Vec::new() };
    // Alpine's are php83 and php-fpm83.
    let file_name = php.file_name().unwrap_or_default().to_string_lossy();
    let suffix = file_name.strip_prefix("php").unwrap_or_default();
    let known = [("cgi", "bin/php-cgi"), ("fpm", "sbin/php-fpm")];
    let there =
        known.into_iter().filter(|(_, path)| prefix.join(format!("{path}{suffix}")).is_file());
    there.map(|(name, _)| name).collect()
}

/// Environment and options that make the cli read the configuration of another program.
pub(super) fn with_configuration_of(env: &Env, configuration: &Path) -> (Env, Vec<String>) {
    let compiled_in = configuration.join("conf.d").display().to_string();
    let scan_dirs = env.get_string_lossy(PHP_INI_SCAN_DIR).unwrap_or_default();
    let folders = scan_dirs.split(':').map(|dir| if dir.is_empty() { &compiled_in } else { dir });
    let folders: Vec<&str> = folders.collect();
    let mut env = env.clone();
    env.insert(PHP_INI_SCAN_DIR, folders.join(":"));
    let options = if env.contains_key("PHPRC") {
        Vec::new()
    } else {
        vec!["-c".to_owned(), configuration.display().to_string()]
    };
    (env, options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_layer_the_other_programs_are_beside_php() {
        let layer = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = layer.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        let php = write("bin/php");
        assert_eq!(programs_beside(&php), [""; 0]);
        write("sbin/php-fpm");
        write("bin/php-cgi83");
        assert_eq!(programs_beside(&php), ["fpm"]);
        assert_eq!(programs_beside(&write("bin/php83")), ["cgi"]);
    }

    #[test]
    fn another_programs_configuration_takes_the_place_of_the_compiled_in_one() {
        let scan_dir = |value: Option<&str>| {
            let mut env = Env::new();
            if let Some(value) = value {
                env.insert(PHP_INI_SCAN_DIR, value);
            }
            let (env, options) = with_configuration_of(&env, Path::new("/etc/php/8.2/fpm"));
            assert_eq!(options, ["-c", "/etc/php/8.2/fpm"]);
            env.get_string_lossy(PHP_INI_SCAN_DIR).unwrap()
        };
        assert_eq!(scan_dir(None), "/etc/php/8.2/fpm/conf.d");
        assert_eq!(scan_dir(Some(":/d")), "/etc/php/8.2/fpm/conf.d:/d");
        assert_eq!(scan_dir(Some("/x")), "/x");
    }
}
