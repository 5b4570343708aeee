//! The app's own files, without third-party code: what the build finds in them that users should know.

use super::own_settings;
use crate::frameworks::store_variables::PREFIX;
use std::fs;
use std::path::{Path, PathBuf};
use store_client::Secret;

const FOREIGN: [&str; 3] = ["vendor", "node_modules", ".git"];
/// Folders of packages with code that no page runs.
const SHOWN_ONLY: [&str; 7] = ["tests", "Tests", "test", "examples", "example", "demo", "docs"];
/// The maximum number of files to search.
pub(crate) const MAX_FILES: usize = 20_000;
const MAX_FILES_OF_PACKAGES: usize = 100_000;
/// Larger files are neither code nor configuration.
const MAX_BYTES: u64 = 1024 * 1024;
/// A shorter password may be any word of the app.
const SHORTEST_PASSWORD: usize = 8;
/// A folder with the file `type` and one of these is a service binding.
const CREDENTIALS: [&str; 6] = ["password", "host", "hostname", "uri", "url", "servers"];

pub(crate) struct Files {
    /// In order.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) complete: bool,
}

impl Files {
    pub(crate) fn of_app(app_dir: &Path) -> Self {
        Self::below(app_dir, &FOREIGN, MAX_FILES)
    }

    /// The code of the packages that Composer has installed.
    pub(crate) fn of_packages(app_dir: &Path) -> Self {
        Self::below(&app_dir.join("vendor"), &SHOWN_ONLY, MAX_FILES_OF_PACKAGES)
    }

    fn below(folder: &Path, skipped: &[&str], most: usize) -> Self {
        let mut paths = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir().into_iter().flatten().flatten() {
                let (path, name) = (entry.path(), entry.file_name());
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_folder && !skipped.iter().any(|skipped| name == *skipped) {
                    folders.push(path);
                } else if path.is_file() {
                    paths.push(path);
                }
            }
            if paths.len() > most {
                break;
            }
        }
        paths.sort();
        Self { complete: paths.len() <= most, paths }
    }
}

/// The text of a file; none if it is too large to be code or configuration.
pub(crate) fn text_of(path: &Path) -> String {
    if path.metadata().is_ok_and(|metadata| metadata.len() > MAX_BYTES) {
        return String::new();
    }
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// What the build finds in the app's own files. The paths are relative to the app.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AppFindings {
    /// Folders that look like service bindings.
    pub(crate) bindings: Vec<PathBuf>,
    /// Other files that contain the bound service's password.
    pub(crate) passwords: Vec<PathBuf>,
    /// Whether a file names a variable that tells the app where sessions are.
    pub(crate) reads_store_variables: bool,
    /// What the session proxy cannot follow, as `setting (file)`: the first.
    pub(crate) own_setting: Option<String>,
}

impl AppFindings {
    /// Searches the app's own files. `secrets` are those of the service bound to the build.
    pub(crate) fn search(app_dir: &Path, secrets: &[&Secret]) -> Self {
        let secrets = secrets.iter().map(|secret| secret.expose());
        let secrets: Vec<&str> =
            secrets.filter(|secret| secret.len() >= SHORTEST_PASSWORD).collect();
        let mut found = Self::default();
        for path in Files::of_app(app_dir).paths {
            let relative = path.strip_prefix(app_dir).unwrap_or(&path);
            let folder = path.parent().unwrap_or(app_dir);
            if path.ends_with("type") && is_binding(folder) {
                found.bindings.extend(relative.parent().map(Path::to_owned));
            }
            let text = text_of(&path);
            found.reads_store_variables |= text.contains(PREFIX);
            if found.own_setting.is_none() {
                let setting = own_settings::setting_in(relative, &text);
                found.own_setting =
                    setting.map(|setting| format!("{setting} ({})", relative.display()));
            }
            if secrets.iter().any(|secret| text.contains(secret)) {
                found.passwords.push(relative.to_owned());
            }
        }
        found.passwords.retain(|file| !found.bindings.iter().any(|it| file.parent() == Some(it)));
        found
    }
}

fn is_binding(folder: &Path) -> bool {
    CREDENTIALS.iter().any(|name| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::write;

    fn found(files: &[(&str, &str)]) -> AppFindings {
        let app = tempfile::tempdir().unwrap();
        for (name, text) in files {
            write(&app.path().join(name), text).unwrap();
        }
        AppFindings::search(app.path(), &[&Secret::new("p&ss-word"), &Secret::new("redis")])
    }

    #[test]
    fn what_must_not_be_in_the_app_is_named() {
        let found = found(&[
            ("bindings/redis-sessions/type", "redis"),
            ("bindings/redis-sessions/password", "p&ss-word"),
            ("config/.env", "REDIS_PASSWORD=p&ss-word\n"),
            ("vendor/x/y.php", "p&ss-word"),
            ("index.php", "redis"),
            ("icons/type", "svg"),
        ]);
        assert_eq!(found.bindings, [Path::new("bindings/redis-sessions")]);
        assert_eq!(found.passwords, [Path::new("config/.env")]);
    }

    #[test]
    fn code_that_reads_our_variables_is_known() {
        let reads = "<?php new Redis(getenv('PHP_SESSION_STORE_HOST'));";
        assert!(found(&[("src/a.php", reads)]).reads_store_variables);
        assert_eq!(
            found(&[("src/a.php", "<?php"), ("vendor/a.php", reads)]),
            AppFindings::default()
        );
    }

    #[test]
    fn the_wait_for_a_lock_is_the_apps_own() {
        let sets = "<?php\nini_set('redis.session.lock_retries', 1);";
        let own_setting = found(&[("b/b.php", sets), ("a.php", sets)]).own_setting;
        assert_eq!(own_setting.as_deref(), Some("redis.session.lock_retries (a.php)"));
        assert_eq!(found(&[("vendor/a/b.php", sets)]).own_setting, None);
    }
}
