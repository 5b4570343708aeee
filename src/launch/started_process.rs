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

    /// `session-check`, `launcher session-check --json`, `launcher sh -c 'session-check || …'`; `session-proxy`,
    /// `launcher -- session-proxy status`. What starts something else as well is of the app: `sh -c 'session-check; php …'`
    /// must not start without a service.
    fn by(command: &str) -> Self {
        let mut words: Vec<&str> = command.split('\0').filter(|word| !word.is_empty()).collect();
        if words.first().is_some_and(|word| is(word, LAUNCHER)) {
            words.remove(0);
        }
        words.retain(|word| *word != "--");
        let script = match words[..] {
            [script] => script,
            [shell, option, script, ..] if is_shell(shell) && option.ends_with('c') => script,
            _ => return Self::of_command(words.into_iter()).unwrap_or(Self::App),
        };
        let script = unquoted(script);
        let mut started = script
            .split(['\n', ';', '&', '|', '(', ')', '{', '}'])
            .filter_map(|command| Self::of_command(command.split_whitespace()));
        match started.next() {
            Some(first) if started.all(|other| other == first) => first,
            _ => Self::App,
        }
    }

    /// What one command of a shell starts; `None` for what only tells or tests something.
    fn of_command<'a>(words: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut words = words.skip_while(|word| is_prefix(word));
        let program = words.next()?;
        Some(match words.next() {
            _ if is(program, SESSION_CHECK) => Self::SessionCheck,
            None if is(program, SESSION_PROXY) => Self::SessionProxy,
            Some("status") if is(program, SESSION_PROXY) => Self::ProxyStatus,
            _ if HARMLESS.contains(&program) || program.starts_with('>') => return None,
            _ => Self::App,
        })
    }
}

const LAUNCHER: &str = "launcher";
/// A shell's script without what is quoted: an argument, such as the URL of a page.
fn unquoted(script: &str) -> String {
    let mut open = None;
    let is_plain = |c: &char| match open {
        None if matches!(c, '\'' | '"') => {
            open = Some(*c);
            false
        }
        None => true,
        Some(quote) => {
            open = open.filter(|_| *c != quote);
            false
        }
    };
    script.chars().filter(is_plain).collect()
}

/// Words of a shell that start nothing of the app.
const HARMLESS: [&str; 13] = [
    "test", "[", "true", "false", ":", "exit", "echo", "printf", "sleep", "set", "fi", "done",
    "esac",
];
/// Words before a command.
const PREFIXES: [&str; 14] = [
    "exec", "command", "env", "time", "timeout", "nice", "!", "if", "then", "else", "elif",
    "while", "until", "do",
];

/// Whether a word stands before a command: `exec`, `timeout 60`, `env NAME=value`.
fn is_prefix(word: &str) -> bool {
    let is_number = word.starts_with(|c: char| c.is_ascii_digit());
    PREFIXES.contains(&word) || word.starts_with('-') || word.contains('=') || is_number
}

fn is_shell(word: &str) -> bool {
    ["sh", "bash", "dash", "ash"].iter().any(|shell| is(word, shell))
}

fn is(word: &str, program: &str) -> bool {
    Path::new(word).ends_with(program)
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
            "launcher\0session-check --json >/tmp/report 2>&1 || true\0",
            "launcher\0--\0bash\0-ec\0until timeout 60 session-check; do sleep 5; done\0",
            "launcher\0session-check\0--url\0http://127.0.0.1:8080/?a&b;c\0",
            "launcher\0sh\0-c\0exec session-check --url 'http://127.0.0.1:8080/?a&b'\0",
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
        for command in [
            "",
            "/cnb/process/web\0",
            "launcher\0php\0my-session-check.php\0",
            "launcher\0sh\0-c\0session-check || true; exec php -S 0.0.0.0:8080\0",
            "launcher\0session-check && php-fpm\0",
            "launcher\0bash\0-c\0php worker.php & session-check\0",
            "launcher\0sh\0-c\0if session-check; then exec apache2-foreground; fi\0",
            "launcher\0php\0artisan\0run\0session-check\0",
            "launcher\0echo\0session-check\0",
            "launcher\0session-check; echo \"it's\"; php-fpm\0",
            "launcher\0sh\0-c\0session-proxy status; exec php-fpm\0",
            "launcher\0sh\0-c\0session-proxy status && session-check\0",
        ] {
            assert_eq!(Started::by(command), Started::App, "{command}");
        }
    }
}
