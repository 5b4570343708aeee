//! Places in the app that may set what the buildpack has set: PHP's code and the web servers' files can
//! change session settings after the ini files were read.

use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders of other people's code, which has these calls for those who want them.
const FOREIGN: [&str; 3] = ["vendor", "node_modules", ".git"];
/// How many files are looked at.
const MAX_FILES: usize = 20_000;
/// Larger files are no code.
const MAX_BYTES: u64 = 1024 * 1024;

const IN_CODE: [&str; 5] = [
    "session_set_save_handler(",
    "session_module_name(",
    "session_save_path(",
    "ini_set('session.save_",
    "ini_set(\"session.save_",
];
const IN_CONFIGURATION: [&str; 2] = ["session.save_handler", "session.save_path"];

/// A line that may set the sessions' place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Override {
    /// The file.
    pub file: PathBuf,
    /// The line's number, from 1.
    pub line: usize,
    /// What stands there.
    pub what: &'static str,
}

/// Looks through the app's own files.
pub(super) fn find_overrides(app_dir: &Path) -> Vec<Override> {
    let mut found = Vec::new();
    let mut folders = vec![app_dir.to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !FOREIGN.iter().any(|foreign| name == *foreign) {
                folders.push(path);
            } else if kind.is_file() {
                seen += 1;
                found.extend(lines_of(&path));
            }
        }
        if seen > MAX_FILES {
            break;
        }
    }
    found.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    found
}

fn lines_of(path: &Path) -> Vec<Override> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let needles: &[&str] = match name.rsplit('.').next() {
        Some("php" | "phtml" | "inc") => &IN_CODE,
        Some("ini" | "conf" | "htaccess") => &IN_CONFIGURATION,
        _ => return Vec::new(),
    };
    if path.metadata().is_ok_and(|metadata| metadata.len() > MAX_BYTES) {
        return Vec::new();
    }
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let hit = |(index, line): (usize, &str)| {
        let what = needles.iter().find(|needle| line.contains(**needle))?;
        Some(Override { file: path.to_owned(), line: index + 1, what: what.trim_end_matches('(') })
    };
    text.lines().enumerate().filter_map(hit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_named_by_file_and_line_and_foreign_code_is_left_out() {
        let app = tempfile::tempdir().unwrap();
        for (file, text) in [
            ("index.php", "<?php\nsession_set_save_handler(new Mine);\n"),
            ("pool.conf", "[www]\n\nphp_admin_value[session.save_handler] = files\n"),
            (".user.ini", "session.save_path = /tmp\n"),
            ("vendor/x/y.php", "session_save_path('/x');"),
            ("notes.txt", "session.save_path"),
        ] {
            let path = app.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = find_overrides(app.path());
        let places: Vec<(String, usize, &str)> = found
            .iter()
            .map(|it| (it.file.file_name().unwrap().to_string_lossy().into(), it.line, it.what))
            .collect();
        assert_eq!(
            places,
            [
                (".user.ini".to_owned(), 1, "session.save_path"),
                ("index.php".to_owned(), 2, "session_set_save_handler"),
                ("pool.conf".to_owned(), 3, "session.save_handler"),
            ]
        );
    }
}
