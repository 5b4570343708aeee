//! Whether anything in the app starts PHP's sessions: an app that has its own, or none, says nothing about PHP's.

use super::php_code::starts_session;
use super::steps::Setting;
use crate::frameworks::known::{Framework, Kind};
use crate::frameworks::session_use::SessionUse;
use std::fs;
use std::path::{Path, PathBuf};

/// The maximum number of PHP files to search.
const MAX_FILES: usize = 50_000;
/// Folders of packages with code that no page runs.
const SHOWN_ONLY: [&str; 7] = ["tests", "Tests", "test", "examples", "example", "demo", "docs"];
/// Larger files are not code.
const MAX_BYTES: u64 = 1024 * 1024;

/// Whether there is a reason to believe that the app starts PHP's sessions, or a framework's in the service: its
/// framework, `session.auto_start`, or a call in its code, in `vendor`, or in the code that every page runs.
pub(super) fn is_likely(
    app_dir: &Path,
    framework: Option<&(Framework, SessionUse)>,
    settings: &[Setting],
    always_run: &[PathBuf],
) -> bool {
    let by_framework = match framework {
        // It has no sessions of its own: its app may start PHP's.
        Some((framework, SessionUse::Php)) => framework.kind != Kind::Slim,
        Some((_, SessionUse::Variables(_))) => true,
        _ => false,
    };
    by_framework
        || settings.iter().any(|setting| setting.name == "session.auto_start")
        || always_run.iter().any(|file| in_file(file))
        || in_folders(app_dir)
}

fn in_folders(app_dir: &Path) -> bool {
    // The app's own code first. A buildpack for Composer may have put a link in the place of `vendor`.
    let mut folders = vec![app_dir.join("vendor"), app_dir.to_owned()];
    let is_shown_only = |path: &Path| {
        path.starts_with(app_dir.join("vendor"))
            && path.file_name().is_some_and(|name| SHOWN_ONLY.iter().any(|it| name == *it))
    };
    let (mut seen, mut entries) = (0, Vec::new());
    while let Some(folder) = folders.pop() {
        entries.clear();
        entries.extend(folder.read_dir().into_iter().flatten().flatten());
        for entry in &entries {
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            if kind.is_dir() && path != app_dir.join("vendor") && !is_shown_only(&path) {
                folders.push(path);
            } else if kind.is_file() && is_php(&path) {
                seen += 1;
                if in_file(&path) {
                    return true;
                }
            }
        }
        if seen > MAX_FILES {
            break;
        }
    }
    false
}

fn is_php(path: &Path) -> bool {
    path.extension().is_some_and(|it| ["php", "phtml", "inc"].iter().any(|known| it == *known))
}

fn in_file(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return false;
    }
    let code = String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
    // Most files have nothing to do with sessions.
    code.to_ascii_lowercase().contains("session_start") && starts_session(&code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::write;
    use std::os::unix::fs::symlink;

    const CALL: &str = "<?php if (true) { session_start(); }";

    fn app(files: &[(&str, &str)]) -> tempfile::TempDir {
        let app = tempfile::tempdir().unwrap();
        for (name, text) in files {
            write(&app.path().join(name), text).unwrap();
        }
        app
    }

    fn likely(files: &[(&str, &str)], framework: Option<(Kind, SessionUse)>) -> bool {
        let framework = framework.map(|(kind, used)| (Framework { kind, version: None }, used));
        is_likely(app(files).path(), framework.as_ref(), &[], &[])
    }

    #[test]
    fn a_call_anywhere_in_the_code_is_a_reason() {
        assert!(likely(&[("public/index.php", CALL)], None));
        assert!(likely(&[("vendor/symfony/NativeSessionStorage.php", CALL)], None));
        for (file, text) in [
            (
                "index.php",
                "<?php // session_start();\n$x->session_start(); echo 'session_start()';",
            ),
            ("session.php", "<?php function session_start($x) {}"),
            ("notes.txt", CALL),
            ("vendor/recaptcha/examples/login.php", CALL),
        ] {
            assert!(!likely(&[(file, text)], None), "{file}: {text}");
        }
        let (elsewhere, app) = (app(&[("a/b.php", CALL)]), app(&[("index.php", "<?php echo 1;")]));
        assert!(!is_likely(app.path(), None, &[], &[]));
        assert!(is_likely(app.path(), None, &[], &[elsewhere.path().join("a/b.php")]));
        symlink(elsewhere.path(), app.path().join("vendor")).unwrap();
        assert!(is_likely(app.path(), None, &[], &[]));
    }

    #[test]
    fn so_is_a_framework_that_uses_them() {
        assert!(likely(&[], Some((Kind::Yii, SessionUse::Php))));
        assert!(likely(&[], Some((Kind::Laravel, SessionUse::Variables(Vec::new())))));
        for (kind, used) in [(Kind::Slim, SessionUse::Php), (Kind::WordPress, SessionUse::None)] {
            assert!(!likely(&[], Some((kind, used))), "{kind:?}");
        }
    }
}
