//! How long a request waits for a lock, where the app says so itself. phpredis counts its tries, and only PHP knows how
//! many are left: the session proxy, which waits in its place, cannot follow.

use std::fs;
use std::path::Path;

/// phpredis' settings for the wait.
const SETTINGS: [&str; 2] = ["redis.session.lock_retries", "redis.session.lock_wait_time"];
/// Folders of third-party code, and of what the app stores.
const FOREIGN: [&str; 5] = ["vendor", "node_modules", "storage", "cache", "var"];
/// The most files to look into: an app's own code has far fewer.
const MAX_FILES: usize = 20_000;
/// Larger files are not code.
const MAX_BYTES: u64 = 1024 * 1024;

/// The first of the app's own files that sets how long to wait for a lock, as `setting (file)`.
pub(crate) fn lock_wait_of_app(app_dir: &Path) -> Option<String> {
    let mut folders = vec![app_dir.to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let entries = folder.read_dir().into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| (entry.path(), entry.file_type())).collect();
        paths.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (path, kind) in paths {
            let Ok(kind) = kind else { continue };
            if kind.is_dir() && !is_foreign(&path) {
                folders.push(path);
            } else if kind.is_file() && may_set(&path) {
                seen += 1;
                if let Some(setting) = setting_in(&path) {
                    let file = path.strip_prefix(app_dir).unwrap_or(&path);
                    return Some(format!("{setting} ({})", file.display()));
                }
            }
        }
        if seen > MAX_FILES {
            return None;
        }
    }
    None
}

fn is_foreign(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default();
    // `.php.ini.d` and `.php.fpm.d` are Paketo's folders for an app's own settings.
    let hidden =
        name.as_encoded_bytes().starts_with(b".") && !name.as_encoded_bytes().starts_with(b".php");
    hidden || FOREIGN.iter().any(|foreign| name == *foreign)
}

fn may_set(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str());
    let is_known = matches!(extension, Some("php" | "phtml" | "inc" | "ini" | "conf"));
    is_known || file.ends_with(".htaccess")
}

fn setting_in(file: &Path) -> Option<&'static str> {
    if fs::metadata(file).ok()?.len() > MAX_BYTES {
        return None;
    }
    let text = fs::read(file).ok()?;
    let text = String::from_utf8_lossy(&text);
    let is_comment = |line: &&str| line.trim_start().starts_with(['#', ';', '*', '/']);
    text.lines()
        .filter(|line| !is_comment(line))
        .find_map(|line| SETTINGS.into_iter().find(|setting| line.contains(setting)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Option<String> {
        let app = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = app.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        lock_wait_of_app(app.path())
    }

    #[test]
    fn a_setting_is_found_in_the_apps_own_code_and_configuration() {
        let code = "<?php\nini_set('redis.session.lock_retries', 1);";
        let ini = "redis.session.lock_wait_time = 20000";
        for (file, text, setting) in [
            ("htdocs/index.php", code, "redis.session.lock_retries"),
            (".user.ini", ini, "redis.session.lock_wait_time"),
            (".php.ini.d/own.ini", ini, "redis.session.lock_wait_time"),
            (
                "php-fpm.conf",
                "php_value[redis.session.lock_retries] = 3",
                "redis.session.lock_retries",
            ),
            (".htaccess", "php_value redis.session.lock_retries 3", "redis.session.lock_retries"),
        ] {
            assert_eq!(found(&[(file, text)]), Some(format!("{setting} ({file})")));
        }
    }

    #[test]
    fn others_code_comments_and_other_settings_count_for_nothing() {
        let code = "<?php ini_set('redis.session.lock_retries', 1);";
        for (file, text) in [
            ("vendor/a/b.php", code),
            (".git/hooks/x.php", code),
            ("notes.txt", code),
            ("a.php", "<?php\n// ini_set('redis.session.lock_retries', 1);"),
            ("a.ini", "; redis.session.lock_retries = 1"),
            ("b.php", "<?php ini_set('redis.session.lock_expire', 5);"),
        ] {
            assert_eq!(found(&[(file, text)]), None, "{file}");
        }
    }
}
