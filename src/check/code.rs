//! What the app's code does with PHP's sessions. PHP itself reads the code: a name in a comment or a string calls nothing.

use super::overrides::Override;
use super::steps;
use crate::app::own_files::{Files, text_of};
use crate::config::environment::Environment;
use crate::php::Php;
use std::path::{Path, PathBuf};

#[derive(Debug, Default)]
pub(super) struct Code {
    pub(super) starts_session: bool,
    /// The calls that move sessions elsewhere, or that the code could not be read.
    pub(super) overrides: Vec<Override>,
}

/// Words of all that moves sessions elsewhere: `session_save_path()`, `ini_set('session.save_handler', …)`, …
const MOVES: &[&str] = &["save_path", "save_handler", "session_module_name"];

pub(super) struct Places<'a> {
    pub(super) app_dir: &'a Path,
    /// The app's own files. Packages contain calls that move sessions without running them.
    pub(super) own: &'a Files,
    /// Code that runs before every page.
    pub(super) always_run: &'a [PathBuf],
    /// Whether to look for a call that starts a session in `vendor` as well.
    pub(super) with_packages: bool,
}

impl Places<'_> {
    /// Has PHP read what may have such calls.
    pub(super) fn read(&self, environment: &Environment, php: &Php) -> Code {
        let files = self.files();
        if files.is_empty() {
            return Code::default();
        }
        if !php.cli.loads("tokenizer") {
            return self.unread(&files, "PHP has no tokenizer extension");
        }
        let Ok(mut calls) = steps::calls(environment, &files) else {
            return self.unread(&files, "PHP did not get through the app's code");
        };
        let starts_session = calls.iter().any(|call| call.what.starts_with("session_start("));
        calls.retain(|call| call.what != "session_start()" && self.runs(&call.file));
        Code { starts_session, overrides: calls }
    }

    /// What the words in the files suggest, wherever they stand.
    fn unread(&self, files: &[PathBuf], why: &str) -> Code {
        let names = |file: &Path, words: &[&str]| {
            let text = text_of(file).to_ascii_lowercase();
            words.iter().any(|word| text.contains(word))
        };
        let suspects = files.iter().filter(|file| self.runs(file) && names(file, MOVES));
        let what = format!("{why}: the check has not searched this file");
        let place = |file: &PathBuf| Override { file: file.clone(), line: 1, what: what.clone() };
        Code {
            starts_session: files.iter().any(|file| names(file, &["session_start"])),
            overrides: suspects.map(place).collect(),
        }
    }

    fn runs(&self, file: &Path) -> bool {
        self.own.paths.binary_search_by(|path| path.as_path().cmp(file)).is_ok()
            || self.always_run.iter().any(|path| path == file)
    }

    /// The files to read. Most have nothing to do with sessions.
    fn files(&self) -> Vec<PathBuf> {
        let names = |path: &PathBuf, word| text_of(path).to_ascii_lowercase().contains(word);
        let own = self.own.paths.iter().filter(|path| is_php(path)).chain(self.always_run);
        let mut files: Vec<PathBuf> = own.filter(|path| names(path, "session")).cloned().collect();
        if self.with_packages {
            let packages = Files::of_packages(self.app_dir).paths.into_iter();
            files.extend(packages.filter(|path| is_php(path) && names(path, "session_start")));
        }
        files
    }
}

fn is_php(path: &Path) -> bool {
    path.extension().is_some_and(|it| ["php", "phtml", "inc"].iter().any(|known| it == *known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::write;
    use std::os::unix::fs::symlink;

    const CALL: &str = "<?php if (true) { Session_Start(); }";

    fn to_read(app_dir: &Path, always_run: &[PathBuf], with_packages: bool) -> Vec<String> {
        let own = Files::of_app(app_dir);
        let files = Places { app_dir, own: &own, always_run, with_packages }.files();
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        files.iter().map(name).collect()
    }

    /// Without PHP's tokenizer.
    #[test]
    fn words_tell_what_cannot_be_read() {
        let app = tempfile::tempdir().unwrap();
        let files = [("index.php", CALL), ("path.php", "<?php // session_save_path('/tmp');")];
        for (name, text) in files {
            write(&app.path().join(name), text).unwrap();
        }
        let own = Files::of_app(app.path());
        let places =
            Places { app_dir: app.path(), own: &own, always_run: &[], with_packages: false };
        let code = places.unread(&places.files(), "why");
        assert!(code.starts_session);
        let suspects: Vec<&Path> = code.overrides.iter().map(|it| it.file.as_path()).collect();
        assert_eq!(suspects, [app.path().join("path.php")]);
        assert!(!places.unread(&[app.path().join("path.php")], "why").starts_session);
    }

    #[test]
    fn php_reads_only_files_that_may_have_such_calls() {
        let (app, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (name, text) in [
            ("public/index.php", CALL),
            ("public/path.inc", "<?php session_save_path('/tmp');"),
            ("public/other.php", "<?php echo 1;"),
            ("notes.txt", CALL),
            ("node_modules/x.php", CALL),
        ] {
            write(&app.path().join(name), text).unwrap();
        }
        for (name, text) in [
            ("symfony/NativeSessionStorage.php", CALL),
            ("symfony/path.php", "<?php session_save_path('/tmp');"),
            ("recaptcha/examples/login.php", CALL),
        ] {
            write(&elsewhere.path().join(name), text).unwrap();
        }
        // A buildpack for Composer may have put a link in its place.
        symlink(elsewhere.path(), app.path().join("vendor")).unwrap();
        let own = ["index.php", "path.inc"];
        assert_eq!(to_read(app.path(), &[], false), own);
        let with_packages = [&own[..], &["NativeSessionStorage.php"]].concat();
        assert_eq!(to_read(app.path(), &[], true), with_packages);
        let always_run = elsewhere.path().join("symfony/path.php");
        let with_it = [&own[..], &["path.php"]].concat();
        assert_eq!(to_read(app.path(), &[always_run, "/nowhere.php".into()], false), with_it);
    }
}
