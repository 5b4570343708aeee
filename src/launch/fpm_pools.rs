//! What php-fpm's pools say: the number of workers, each of which needs a connection to the session service, and
//! whether the app sees the environment.

use crate::config::environment::Environment;
use crate::php::fpm::{PHP_FPM_PATH, directive};
use crate::system::files::{entries, entries_with, read_text};
use std::path::{Path, PathBuf};

const MAX_CHILDREN: &str = "pm.max_children";

/// The maximum number of workers, if php-fpm's configuration is in a place that Debian, Paketo or the app uses.
pub(super) fn fpm_workers(environment: &Environment, app_dir: &Path) -> Option<u32> {
    let mut files = own_files(environment, app_dir);
    if files.iter().all(|file| workers_in(file).is_none()) {
        let versions = entries(Path::new("/etc/php")).into_iter();
        files.extend(versions.flat_map(|it| entries_with(&it.join("fpm/pool.d"), "conf")));
    }
    files.iter().filter_map(|file| workers_in(file)).reduce(u32::saturating_add)
}

/// The pool, from the app or a buildpack, that hides the environment from the app: php-fpm does so unless a pool
/// says `clear_env = no`.
pub(super) fn clearing_pool(environment: &Environment, app_dir: &Path) -> Option<PathBuf> {
    let files = own_files(environment, app_dir);
    let texts: Vec<(&PathBuf, String)> =
        files.iter().filter_map(|file| Some((file, read_text(file).ok()?))).collect();
    let values = |text: &str, name: &str| -> Vec<String> {
        let directives = text.lines().filter_map(directive).filter(|(it, _)| *it == name);
        directives.map(|(_, value)| value.to_ascii_lowercase()).collect()
    };
    let keeps_it = |text: &str| {
        let no = ["no", "0", "off", "false"];
        values(text, "clear_env").iter().any(|value| no.contains(&value.as_str()))
    };
    if texts.iter().any(|(_, text)| keeps_it(text)) {
        return None;
    }
    let pool = texts.iter().find(|(_, text)| !values(text, "pm").is_empty());
    pool.map(|(file, _)| (*file).clone())
}

fn own_files(environment: &Environment, app_dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    files.extend(environment.text(PHP_FPM_PATH).ok().flatten().map(PathBuf::from));
    files.extend(entries_with(&app_dir.join(".php.fpm.d"), "conf"));
    files.extend(entries_with(app_dir, "conf"));
    files
}

/// Within a pool the last line counts.
fn workers_in(file: &Path) -> Option<u32> {
    let text = read_text(file).ok()?;
    let mut pools = vec![None];
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            pools.push(None);
        } else if let (Some((MAX_CHILDREN, value)), Some(pool)) =
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
        assert_eq!(workers_in(&fpm), Some(15));
        assert_eq!(fpm_workers(&Environment::default(), app.path()), Some(15));
        fs::create_dir(app.path().join(".php.fpm.d")).unwrap();
        fs::write(app.path().join(".php.fpm.d/user.conf"), "[b]\npm.max_children = 5").unwrap();
        assert_eq!(fpm_workers(&Environment::default(), app.path()), Some(20));
    }
}
