//! What php-fpm's pools say: the number of workers, each of which needs a connection to the session service, and
//! whether the app sees the environment.

use crate::config::environment::Environment;
use crate::php::fpm::{PHP_FPM_PATH, directive};
use crate::system::files::{entries_with, read_text};
use glob::glob;
use std::path::{Path, PathBuf};

/// The maximum number of workers, if php-fpm's configuration is in a place that Debian, Paketo or the app uses.
pub(super) fn fpm_workers(environment: &Environment, app_dir: &Path) -> Option<u32> {
    let sum = |files: Vec<PathBuf>| {
        texts_of(files).iter().filter_map(|(_, text)| workers_in(text)).reduce(u32::saturating_add)
    };
    let debian = || glob("/etc/php/*/fpm/pool.d/*.conf").into_iter().flatten().flatten();
    sum(own_files(environment, app_dir)).or_else(|| sum(debian().collect()))
}

/// The pool, from the app or a buildpack, that hides the environment from the app: php-fpm does so unless a pool
/// says `clear_env = no`.
pub(super) fn clearing_pool(environment: &Environment, app_dir: &Path) -> Option<PathBuf> {
    let texts = texts_of(own_files(environment, app_dir));
    let is_pool = |text: &str| text.lines().filter_map(directive).any(|(name, _)| name == "pm");
    let keeps_it = |text: &str| {
        let no = ["no", "0", "off", "false"];
        let mut directives = text.lines().filter_map(directive);
        directives.any(|(name, it)| name == "clear_env" && no.contains(&&*it.to_ascii_lowercase()))
    };
    if texts.iter().any(|(_, text)| keeps_it(text)) {
        return None;
    }
    texts.into_iter().find(|(_, text)| is_pool(text)).map(|(file, _)| file)
}

fn own_files(environment: &Environment, app_dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    files.extend(environment.text(PHP_FPM_PATH).ok().flatten().map(PathBuf::from));
    files.extend(entries_with(&app_dir.join(".php.fpm.d"), "conf"));
    files.extend(entries_with(app_dir, "conf"));
    files
}

fn texts_of(files: Vec<PathBuf>) -> Vec<(PathBuf, String)> {
    files.into_iter().filter_map(|file| read_text(&file).ok().map(|text| (file, text))).collect()
}

/// Within a pool the last line counts.
fn workers_in(text: &str) -> Option<u32> {
    let mut pools = vec![None];
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            pools.push(None);
        } else if let (Some(("pm.max_children", value)), Some(pool)) =
            (directive(line), pools.last_mut())
        {
            *pool = value.parse::<u32>().ok();
        }
    }
    pools.into_iter().flatten().reduce(u32::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_workers_of_all_pools_count() {
        let app = tempfile::tempdir().unwrap();
        let fpm = app.path().join("fpm.conf");
        fs::write(
            &fpm,
            "[global]\n; pm.max_children = 99\n[www]\npm.max_children = 5\npm.max_children=12 ; per replica\n[admin]\npm.max_children = 3\n",
        )
        .unwrap();
        assert_eq!(fpm_workers(&Environment::default(), app.path()), Some(15));
        fs::create_dir(app.path().join(".php.fpm.d")).unwrap();
        fs::write(app.path().join(".php.fpm.d/user.conf"), "[b]\npm.max_children = 5").unwrap();
        assert_eq!(fpm_workers(&Environment::default(), app.path()), Some(20));
    }
}
