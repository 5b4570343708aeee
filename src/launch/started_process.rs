//! What the launcher is about to start, by its own command line: it tells exec.d programs nothing.

use super::build_record::{SESSION_CHECK, SESSION_PROXY};
use serde::Deserialize;
use std::fs;
use std::io::Read;
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
    /// PHP's command line. A worker there may fork, and the processes would then share the connection that PHP keeps for
    /// sessions: phpredis 5.3 mixes up the replies, and libmemcached aborts the process.
    Task,
    /// Another process of the app.
    App,
}

/// The launcher's own name; under any other it starts the process type of that name.
const LAUNCHER: &str = "launcher";
const SHELLS: [&str; 4] = ["sh", "bash", "dash", "ash"];
/// What serves pages, or starts what does, by the beginning of its name.
const WEB_SERVERS: [&str; 6] = ["php-fpm", "apache", "httpd", "nginx", "supervisord", "frankenphp"];
/// `php -S` is a web server.
const SERVES: &str = "-S";
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

/// The image's processes, as the lifecycle records them in `<layers>/config/metadata.toml`.
#[derive(Debug, Default, Deserialize)]
struct LauncherMetadata {
    #[serde(default)]
    processes: Vec<Process>,
}

#[derive(Debug, Deserialize)]
struct Process {
    r#type: String,
    command: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
}

impl Started {
    /// `layer` is the session layer, and the current folder the app's.
    pub(super) fn now(layer: &Path) -> Self {
        let parent = std::os::unix::process::parent_id();
        let command = fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default();
        let layers_dir = layer.ancestors().nth(2).unwrap_or(layer);
        let metadata = fs::read_to_string(layers_dir.join("config/metadata.toml")).ok();
        let metadata = metadata.and_then(|text| toml::from_str(&text).ok()).unwrap_or_default();
        Self::by(&String::from_utf8_lossy(&command), &metadata)
    }

    /// `session-check`, `launcher session-check --json`, `launcher sh -c 'session-check || …'`; `session-proxy`,
    /// `launcher -- session-proxy status`. What starts something else as well is of the app: `sh -c 'session-check; php …'`
    /// must not start without a service.
    fn by(command: &str, metadata: &LauncherMetadata) -> Self {
        let words = words_of(command, metadata);
        let commands = commands_in(&words);
        let mut started = commands.iter().filter_map(|command| Self::of_command(command));
        match started.next() {
            Some(first) if first != Self::App && started.all(|other| other == first) => first,
            _ if is_task(&commands) => Self::Task,
            _ => Self::App,
        }
    }

    /// What one command of a shell starts; `None` for what only tells or tests something.
    fn of_command(words: &[String]) -> Option<Self> {
        let mut words = words.iter().skip_while(|word| is_prefix(word));
        let program = words.next()?;
        Some(match words.next().map(String::as_str) {
            _ if is(program, SESSION_CHECK) => Self::SessionCheck,
            None if is(program, SESSION_PROXY) => Self::SessionProxy,
            Some("status") if is(program, SESSION_PROXY) => Self::ProxyStatus,
            _ if HARMLESS.contains(&program.as_str()) || program.starts_with('>') => return None,
            _ => Self::App,
        })
    }
}

/// What the launcher will start.
fn words_of(command: &str, metadata: &LauncherMetadata) -> Vec<String> {
    let words = command.split('\0').filter(|word| !word.is_empty() && *word != "--");
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    if words.first().is_some_and(|word| is(word, LAUNCHER)) {
        words.remove(0);
    }
    let name = words.first();
    let process =
        metadata.processes.iter().find(|it| name.is_some_and(|name| is(name, &it.r#type)));
    if let Some(Process { command, args, .. }) = process {
        words.splice(0..1, command.iter().chain(args).cloned());
    }
    words
}

/// The commands of a shell's script, or the only one.
fn commands_in(words: &[String]) -> Vec<Vec<String>> {
    let is_option = |word: &&String| word.starts_with('-') && word.ends_with('c');
    let script = match words {
        [script] => Some(script),
        [shell, ..] if SHELLS.iter().any(|name| is(shell, name)) => {
            words.iter().skip_while(|word| !is_option(word)).nth(1)
        }
        _ => None,
    };
    let Some(script) = script else { return vec![words.to_vec()] };
    let script = unquoted(script);
    let commands = script.split(['\n', ';', '&', '|', '(', ')', '{', '}']);
    commands.map(|command| command.split_whitespace().map(str::to_owned).collect()).collect()
}

/// A script without what is quoted: an argument, such as the URL of a page.
fn unquoted(script: &str) -> String {
    let (mut plain, mut rest) = (String::new(), script);
    while let Some(open) = rest.find(['\'', '"']) {
        plain += &rest[..open];
        let (quote, quoted) = rest[open..].split_at(1);
        rest = quoted.split_once(quote).map_or("", |(_, rest)| rest);
    }
    plain + rest
}

/// Whether a command is PHP's command line, and none serves pages.
fn is_task(commands: &[Vec<String>]) -> bool {
    let mut names = commands.iter().flatten().filter_map(|word| word.rsplit('/').next());
    let serves =
        |name: &str| name == SERVES || WEB_SERVERS.iter().any(|server| name.starts_with(server));
    let is_php = |name: &str| {
        let version = name.strip_prefix("php");
        version.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
    };
    !names.clone().any(serves)
        && (names.any(is_php)
            || commands.iter().flatten().next().is_some_and(|it| is_php_script(it)))
}

/// `artisan`, `bin/console`: a script that names PHP in its first line.
fn is_php_script(file: &str) -> bool {
    let mut start = [0; 64];
    let read = fs::File::open(file).and_then(|mut file| file.read(&mut start));
    let start = &start[..read.unwrap_or_default()];
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"#!") && line.windows(3).any(|part| part == b"php")
}

/// Whether a word stands before a command: `exec`, `timeout 60`, `env NAME=value`.
fn is_prefix(word: &str) -> bool {
    let is_number = word.starts_with(|c: char| c.is_ascii_digit());
    PREFIXES.contains(&word) || word.starts_with('-') || word.contains('=') || is_number
}

fn is(word: &str, program: &str) -> bool {
    Path::new(word).ends_with(program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Started::{App, ProxyStatus, SessionCheck, SessionProxy, Task};

    const METADATA: &str = r#"
        [[processes]]
        type = "web"
        command = ["supervisord", "-c"]
        args = ["/workspace/supervisord.conf"]
        [[processes]]
        type = "worker"
        command = ["php"]
        args = ["worker.php"]
        [[processes]]
        type = "serve"
        command = ["bash", "-c", "exec php -S 0.0.0.0:$PORT"]
    "#;

    fn assert_started(cases: &[(&str, Started)]) {
        let metadata = toml::from_str(METADATA).unwrap();
        for (command, expected) in cases {
            assert_eq!(Started::by(command, &metadata), *expected, "{command}");
        }
    }

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
            assert_started(&[(command, SessionCheck)]);
        }
    }

    #[test]
    fn the_session_proxy_is_known_and_its_status() {
        assert_started(&[
            ("/cnb/process/session-proxy\0", SessionProxy),
            ("/cnb/lifecycle/launcher\0session-proxy\0", SessionProxy),
            ("launcher\0--\0/layers/x/session/bin/session-proxy\0", SessionProxy),
            ("launcher\0session-proxy\0status\0--json\0", ProxyStatus),
            ("launcher\0sh\0-c\0session-proxy status || true\0", ProxyStatus),
            ("launcher\0sh\0-c\0session-proxy & php -S 0.0.0.0:8080\0", App),
        ]);
    }

    #[test]
    fn anything_else_is_of_the_app() {
        for command in [
            "",
            "/cnb/process/web\0",
            "launcher\0sh\0-c\0session-check || true; exec php -S 0.0.0.0:8080\0",
            "launcher\0session-check && php-fpm\0",
            "launcher\0sh\0-c\0if session-check; then exec apache2-foreground; fi\0",
            "launcher\0echo\0session-check\0",
            "launcher\0session-check; echo \"it's\"; php-fpm\0",
            "launcher\0sh\0-c\0session-proxy status; exec php-fpm\0",
            "launcher\0sh\0-c\0session-proxy status && session-check\0",
        ] {
            assert_started(&[(command, App)]);
        }
    }

    #[test]
    fn a_command_line_is_told_from_a_web_server() {
        assert_started(&[
            ("/cnb/process/worker\0", Task),
            ("/cnb/lifecycle/launcher\0worker\0--once\0", Task),
            ("launcher\0php\0worker.php\0", Task),
            ("launcher\0php\0my-session-check.php\0", Task),
            ("launcher\0php\0artisan\0run\0session-check\0", Task),
            ("launcher\0--\0/usr/bin/php8.2\0worker.php\0", Task),
            ("launcher\0php worker.php; true\0", Task),
            ("launcher\0sh\0-c\0exec php bin/console messenger:consume\0", Task),
            ("launcher\0bash\0-o\0pipefail\0-c\0php worker.php & session-check\0", Task),
            ("/cnb/process/web\0", App),
            ("/cnb/process/serve\0", App),
            ("launcher\0php\0-S\x000.0.0.0:8080\0", App),
            ("launcher\0php-fpm8.2\0-F\0", App),
            ("launcher\0sh\0-c\0php migrate.php && exec apache2 -D FOREGROUND\0", App),
            ("launcher\0bash\0", App),
            ("launcher\0", App),
            ("", App),
        ]);
    }

    #[test]
    fn a_script_may_name_php_itself() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("console");
        for (text, expected) in [("#!/usr/bin/env php\n<?php", Task), ("#!/bin/sh\nphp x", App)] {
            fs::write(&script, text).unwrap();
            assert_started(&[(&format!("launcher\0{}\0x\0", script.display()), expected)]);
        }
    }
}
