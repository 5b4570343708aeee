//! What the launcher is about to start.

use super::build_record::{SESSION_CHECK, SESSION_PROXY};
use std::fs;
use std::path::Path;

/// What the launcher is about to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Started {
    /// `session-check`, which reports problems itself. A failing exec.d program would stop the launcher before it can.
    SessionCheck,
    /// The session proxy as its own process.
    SessionProxy,
    /// `session-proxy status`.
    ProxyStatus,
    /// A process of the app.
    App,
}

impl Started {
    /// Read from the command line of the parent, the launcher: it tells exec.d programs nothing.
    pub(super) fn now() -> Self {
        let parent = std::os::unix::process::parent_id();
        let command = fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default();
        Self::by(&String::from_utf8_lossy(&command))
    }

    /// `session-check`, `launcher session-check --json`, `launcher 'session-check --json'`, `launcher sh -c 'session-check
    /// || …'`; `session-proxy`, `launcher session-proxy`, `launcher session-proxy status --json`.
    fn by(command: &str) -> Self {
        let words = command.split(['\0', ' ', '\n', '\t', ';', '&', '|', '(', ')']);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let is = |word: &str, program: &str| Path::new(word).ends_with(program);
        if words.iter().any(|word| is(word, SESSION_CHECK)) {
            return Self::SessionCheck;
        }
        // A shell that starts the proxy beside the app has more words after it.
        match words.iter().position(|word| is(word, SESSION_PROXY)).map(|at| &words[at + 1..]) {
            Some([]) => Self::SessionProxy,
            Some(["status", ..]) => Self::ProxyStatus,
            _ => Self::App,
        }
    }
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
            assert_eq!(Started::by(command), Started::SessionCheck, "{command}");
        }
    }

    #[test]
    fn the_session_proxy_is_known_and_its_status() {
        for (command, expected) in [
            ("/cnb/process/session-proxy\0", Started::SessionProxy),
            ("/cnb/lifecycle/launcher\0session-proxy\0", Started::SessionProxy),
            ("launcher\0--\0/layers/x/session/bin/session-proxy\0", Started::SessionProxy),
            ("launcher\0session-proxy\0status\0--json\0", Started::ProxyStatus),
            ("launcher\0sh\0-c\0session-proxy status || true\0", Started::ProxyStatus),
            ("launcher\0sh\0-c\0session-proxy & php -S 0.0.0.0:8080\0", Started::App),
        ] {
            assert_eq!(Started::by(command), expected, "{command}");
        }
    }

    #[test]
    fn anything_else_is_of_the_app() {
        for command in ["", "/cnb/process/web\0", "launcher\0php\0my-session-check.php\0"] {
            assert_eq!(Started::by(command), Started::App, "{command}");
        }
    }
}
