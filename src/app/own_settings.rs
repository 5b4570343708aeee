//! What the app itself sets and the session proxy cannot follow: how long a request waits for a lock, as PHP's handlers count
//! their tries, and only they know how many are left; and which of Memcached's protocols PHP speaks, its keys, and how it
//! spreads them.

use std::path::Path;

/// The settings, a part of their names.
const SETTINGS: [&str; 10] = [
    "redis.session.lock_retries",
    "redis.session.lock_wait_time",
    "memcached.sess_binary_protocol",
    "memcached.sess_binary",
    "memcached.sess_consistent_hash",
    "memcached.sess_number_of_replicas",
    "memcached.sess_prefix",
    "memcached.sess_lock_retries",
    "memcached.sess_lock_wait_min",
    "memcached.sess_lock_wait_max",
];
/// Folders of what the app stores.
const STORED: [&str; 3] = ["storage", "cache", "var"];

/// The first of these settings in a file of the app. `file` is relative to the app.
pub(super) fn setting_in(file: &Path, text: &str) -> Option<&'static str> {
    if !may_set(file) {
        return None;
    }
    let is_comment = |line: &&str| line.trim_start().starts_with(['#', ';', '*', '/']);
    text.lines()
        .filter(|line| !is_comment(line))
        .find_map(|line| SETTINGS.into_iter().find(|setting| line.contains(setting)))
}

fn may_set(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str());
    let is_known = matches!(extension, Some("php" | "phtml" | "inc" | "ini" | "conf"));
    let folders = file.parent().into_iter().flat_map(Path::iter);
    (is_known || file.ends_with(".htaccess")) && !folders.into_iter().any(is_foreign)
}

fn is_foreign(folder: &std::ffi::OsStr) -> bool {
    // `.php.ini.d` and `.php.fpm.d` are Paketo's folders for an app's own settings.
    let bytes = folder.as_encoded_bytes();
    let hidden = bytes.starts_with(b".") && !bytes.starts_with(b".php");
    hidden || STORED.iter().any(|stored| folder == *stored)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            (".user.ini", "memcached.sess_binary_protocol = Off", "memcached.sess_binary_protocol"),
            ("a.php", "ini_set('memcached.sess_prefix', 'a.');", "memcached.sess_prefix"),
            (".htaccess", "php_value redis.session.lock_retries 3", "redis.session.lock_retries"),
        ] {
            assert_eq!(setting_in(Path::new(file), text), Some(setting), "{file}");
        }
    }

    #[test]
    fn others_code_comments_and_other_settings_count_for_nothing() {
        let code = "<?php ini_set('redis.session.lock_retries', 1);";
        for (file, text) in [
            ("storage/a/b.php", code),
            (".git/hooks/x.php", code),
            ("notes.txt", code),
            ("a.php", "<?php\n// ini_set('redis.session.lock_retries', 1);"),
            ("a.ini", "; redis.session.lock_retries = 1"),
            ("b.php", "<?php ini_set('redis.session.lock_expire', 5);"),
        ] {
            assert_eq!(setting_in(Path::new(file), text), None, "{file}");
        }
    }
}
