//! The folders that PHP reads ini files from.

use libcnb::Env;
use std::path::PathBuf;

/// The folders that PHP reads ini files from, separated by `:`. An empty element stands for the
/// folder that is compiled in.
pub const PHP_INI_SCAN_DIR: &str = "PHP_INI_SCAN_DIR";

/// The value of `PHP_INI_SCAN_DIR` that adds `dirs` to what `env` has.
#[must_use]
pub fn with_scan_dirs(env: &Env, dirs: &[PathBuf]) -> String {
    let before = env.get_string_lossy(PHP_INI_SCAN_DIR).unwrap_or_default();
    dirs.iter().fold(before, |value, dir| format!("{value}:{}", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scan_dirs_are_added_and_the_compiled_in_one_stays() {
        let dirs = [PathBuf::from("/a"), PathBuf::from("/b")];
        assert_eq!(with_scan_dirs(&Env::new(), &dirs), ":/a:/b");
        let mut env = Env::new();
        env.insert(PHP_INI_SCAN_DIR, "/x");
        assert_eq!(with_scan_dirs(&env, &dirs), "/x:/a:/b");
    }
}
