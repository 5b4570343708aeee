//! What the launcher is about to start.

use super::record::SESSION_CHECK;
use std::fs;
use std::path::Path;

/// Whether the launcher starts `session-check`, which says itself what is wrong. A failing exec.d program would stop
/// the launcher before it can. The launcher runs an exec.d program as its child, and tells it nothing.
pub(super) fn starts_session_check() -> bool {
    let parent = std::os::unix::process::parent_id();
    let command = fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default();
    names_session_check(&String::from_utf8_lossy(&command))
}

/// `session-check`, `launcher session-check --json`, `launcher 'session-check --json'`, `launcher sh -c 'session-check
/// || …'`.
fn names_session_check(command: &str) -> bool {
    let mut words = command.split(['\0', ' ', '\n', '\t', ';', '&', '|', '(', ')']);
    words.any(|word| Path::new(word).ends_with(SESSION_CHECK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_check_is_known_however_it_is_started() {
        for command in [
            "session-check\0",
            "/cnb/process/session-check\0--json\0",
            "/cnb/lifecycle/launcher\0session-check\0",
            "launcher\0session-check --json\0",
            "launcher\0sh\0-c\0session-check || test $? = 2\0",
            "launcher\0/layers/x/session/bin/session-check\0",
        ] {
            assert!(names_session_check(command), "{command}");
        }
        for command in ["", "/cnb/process/web\0", "launcher\0php\0my-session-check.php\0"] {
            assert!(!names_session_check(command), "{command}");
        }
    }
}
