//! Places that may override the buildpack's settings after PHP has read the ini files: php-fpm's pools, the web
//! servers' files, and the app's own code. PHP's command line, which the check runs, ignores them.

use super::fpm;
use crate::app::own_files::{Files, MAX_FILES, text_of};
use crate::config::environment::Environment;
use crate::php::fpm::directive;
use crate::variable::Variable;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const SAVE_HANDLER: &str = "session.save_handler";
const SAVE_PATH: &str = "session.save_path";

/// A line that may change where sessions are kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Override {
    pub(crate) file: PathBuf,
    /// The line's number, from 1.
    pub(crate) line: usize,
    pub(crate) what: String,
}

pub(super) struct Search<'a> {
    /// `/proc`: a running php-fpm names its configuration there.
    pub(super) proc: &'a Path,
    pub(super) environment: &'a Environment,
    pub(super) configuration_dir: &'a Path,
    pub(super) app_dir: &'a Path,
    pub(super) own: &'a Files,
    /// The expected save handler: setting it is no override.
    pub(super) handler: &'a str,
}

impl Search<'_> {
    /// Searches php-fpm's configuration and the app's own files, besides those `found` in its code.
    pub(super) fn overrides(&self, mut found: Vec<Override>) -> Vec<Override> {
        for file in fpm::files(self.proc, self.environment, self.configuration_dir) {
            found.extend(self.in_lines(&file, fpm::setting));
        }
        found.extend(self.own.paths.iter().flat_map(|path| self.in_file(path)));
        if !self.own.complete {
            let what =
                format!("more than {MAX_FILES} files: the check has not searched all of them");
            found.push(Override { file: self.app_dir.to_owned(), line: 1, what });
        }
        found.sort();
        found.dedup();
        found
    }

    fn in_file(&self, path: &Path) -> Vec<Override> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match name.rsplit('.').next() {
            // Other ini files are PHP's own, read before ours.
            _ if name == ".user.ini" => self.in_lines(path, directive),
            Some("conf" | "htaccess") => self.in_lines(path, of_web_server),
            _ => Vec::new(),
        }
    }

    fn in_lines(
        &self,
        path: &Path,
        setting: impl Fn(&str) -> Option<(&str, &str)>,
    ) -> Vec<Override> {
        let mut found = Vec::new();
        for (index, line) in text_of(path).lines().enumerate() {
            let Some((name, value)) = setting(line) else { continue };
            let what = match name {
                SAVE_HANDLER if value != self.handler => format!("{name} = {value}"),
                SAVE_PATH if !value.contains(Variable::SavePath.name()) => name.to_owned(),
                _ => continue,
            };
            found.push(Override { file: path.to_owned(), line: index + 1, what });
        }
        found
    }
}

/// A PHP setting in a file of Apache or nginx, or in a php-fpm pool.
fn of_web_server(line: &str) -> Option<(&str, &str)> {
    if line.trim_start().starts_with(['#', ';']) {
        return None;
    }
    let name = [SAVE_HANDLER, SAVE_PATH].into_iter().find(|name| line.contains(name))?;
    let (_, value) = line.split_once(name)?;
    let value = value.trim_start_matches([']', ' ', '\t', '=', '"', '\'']);
    Some((name, value.split(['"', '\'', ' ', ';']).next().unwrap_or_default().trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn overrides(files: &[(&str, &str)]) -> Vec<(String, usize, String)> {
        let app = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = app.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let fpm = format!("PHP_FPM_PATH={}", app.path().join("base.conf-of-fpm").display());
        let (name, value) = fpm.split_once('=').unwrap();
        let search = Search {
            // The machine of the test may run a php-fpm of its own.
            proc: Path::new("/nowhere"),
            environment: &[(name, value)].into_iter().collect(),
            configuration_dir: Path::new("/nowhere/cli"),
            app_dir: app.path(),
            own: &Files::of_app(app.path()),
            handler: "redis",
        };
        let found = search.overrides(Vec::new()).into_iter();
        found
            .map(|it| (it.file.file_name().unwrap().to_string_lossy().into(), it.line, it.what))
            .collect()
    }

    #[test]
    fn places_are_named_by_file_and_line() {
        for (file, text, line, what) in [
            (
                "pool.conf",
                "[www]\n\nphp_admin_value[session.save_handler] = files",
                3,
                "session.save_handler = files",
            ),
            (
                "nginx.conf",
                "fastcgi_param PHP_VALUE \"session.save_handler=files\";",
                1,
                "session.save_handler = files",
            ),
            ("web/.user.ini", "session.save_path = /tmp", 1, "session.save_path"),
            (
                ".htaccess",
                "php_value session.save_handler files",
                1,
                "session.save_handler = files",
            ),
        ] {
            let name = file.rsplit('/').next().unwrap().to_owned();
            assert_eq!(overrides(&[(file, text)]), [(name, line, what.to_owned())], "{file}");
        }
        let fpm = ("base.conf-of-fpm", "include=pools/*.conf-of-fpm");
        let pool = ("pools/www.conf-of-fpm", "php_value[session.save_path] = /var/lib/php/session");
        let expected = ("www.conf-of-fpm".to_owned(), 1, "session.save_path".to_owned());
        assert_eq!(overrides(&[fpm, pool]), [expected]);
    }

    #[test]
    fn what_changes_nothing_is_no_override() {
        for (file, text) in [
            ("vendor/x/.htaccess", "php_value session.save_handler files"),
            ("notes.txt", "session.save_path"),
            ("pool.conf", ";php_value[session.save_handler] = files"),
            ("pool.conf", "php_value[session.save_handler] = redis"),
            ("pool.conf", "php_value[session.save_path] = \"$PHP_SESSION_SAVE_PATH\""),
            (".user.ini", "; session.save_handler = files\nsession.gc_maxlifetime = 60"),
            ("php.ini.d/x.ini", "session.save_handler = files"),
            ("httpd.conf", "# php_value session.save_handler files"),
        ] {
            assert_eq!(overrides(&[(file, text)]), [], "{file}: {text}");
        }
    }
}
