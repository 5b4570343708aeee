//! Whether the launcher is about to start PHP's command line. A worker there may fork, and the processes would then share
//! the connection that PHP keeps for sessions: phpredis 5.3 mixes up the replies, and libmemcached aborts the process.

use serde::Deserialize;
use std::fs;
use std::io::Read;
use std::path::Path;

/// The launcher's own name; under any other it starts the process type of that name.
const LAUNCHER: &str = "launcher";
/// What serves pages, or starts what does, by the beginning of its name.
const WEB_SERVERS: [&str; 6] = ["php-fpm", "apache", "httpd", "nginx", "supervisord", "frankenphp"];
/// `php -S` is a web server.
const SERVES: &str = "-S";

/// The image's processes, as the lifecycle records them in `<layers>/config/metadata.toml`.
#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    processes: Vec<Process>,
}

#[derive(Debug, Deserialize)]
struct Process {
    #[serde(rename = "type")]
    name: String,
    command: Words,
    #[serde(default)]
    args: Vec<String>,
}

/// A single word before platform API 0.10.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Several(Vec<String>),
}

/// Whether the launcher, which has started this program, is about to start PHP's command line. `layer` is the session
/// layer, and the current folder the app's.
pub(super) fn is_php_command_line(layer: &Path) -> bool {
    let parent = std::os::unix::process::parent_id();
    let command = fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default();
    let layers_dir = layer.ancestors().nth(2).unwrap_or(layer);
    let metadata = fs::read_to_string(layers_dir.join("config/metadata.toml")).ok();
    let metadata = metadata.and_then(|text| toml::from_str(&text).ok()).unwrap_or_default();
    is_command_line(&words_of(&String::from_utf8_lossy(&command), &metadata))
}

/// What the launcher will start, by its own command line.
fn words_of(command: &str, metadata: &Metadata) -> Vec<String> {
    let mut arguments = command.split('\0').filter(|word| !word.is_empty() && *word != "--");
    let program = Path::new(arguments.next().unwrap_or_default());
    let mut name = program.file_name().unwrap_or_default().to_string_lossy();
    let mut rest: Vec<&str> = arguments.collect();
    if name == LAUNCHER && !rest.is_empty() {
        name = rest.remove(0).into();
    }
    let texts = match metadata.processes.iter().find(|process| process.name == name) {
        None => vec![name.into_owned()],
        Some(Process { command: Words::One(word), args, .. }) => {
            [std::slice::from_ref(word), args].concat()
        }
        Some(Process { command: Words::Several(words), args, .. }) => [&words[..], args].concat(),
    };
    let separators = |c: char| c.is_whitespace() || ";&|()".contains(c);
    let texts = texts.iter().map(String::as_str).chain(rest);
    let words = texts.flat_map(|text| text.split(separators)).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn is_command_line(words: &[String]) -> bool {
    let name = |word: &String| word.rsplit('/').next().unwrap_or_default().to_owned();
    let serves = |word: &String| {
        word == SERVES || WEB_SERVERS.iter().any(|server| name(word).starts_with(server))
    };
    let is_php = |word: &String| {
        let version = name(word).strip_prefix("php").map(str::to_owned);
        version.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
    };
    !words.iter().any(serves)
        && (words.iter().any(is_php) || words.first().is_some_and(|word| is_php_script(word)))
}

/// `artisan`, `bin/console`: a script that names PHP in its first line.
fn is_php_script(file: &str) -> bool {
    let mut start = [0; 64];
    let read = fs::File::open(file).and_then(|mut file| file.read(&mut start));
    let start = &start[..read.unwrap_or_default()];
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"#!") && line.windows(3).any(|part| part == b"php")
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"
        [[processes]]
        type = "web"
        command = ["supervisord", "-c"]
        args = ["/workspace/supervisord.conf"]
        [[processes]]
        type = "worker"
        command = "php"
        args = ["worker.php"]
        [[processes]]
        type = "serve"
        command = ["bash", "-c", "exec php -S 0.0.0.0:$PORT"]
    "#;

    #[test]
    fn a_command_line_is_told_from_a_web_server() {
        let metadata = toml::from_str(METADATA).unwrap();
        for (command, expected) in [
            ("/cnb/process/worker\0", true),
            ("/cnb/lifecycle/launcher\0worker\0--once\0", true),
            ("launcher\0php\0worker.php\0", true),
            ("launcher\0--\0/usr/bin/php8.2\0worker.php\0", true),
            ("launcher\0php worker.php; true\0", true),
            ("launcher\0sh\0-c\0exec php bin/console messenger:consume\0", true),
            ("/cnb/process/web\0", false),
            ("/cnb/process/serve\0", false),
            ("launcher\0php\0-S\x000.0.0.0:8080\0", false),
            ("launcher\0php-fpm8.2\0-F\0", false),
            ("launcher\0sh\0-c\0php migrate.php && exec apache2 -D FOREGROUND\0", false),
            ("launcher\0bash\0", false),
            ("launcher\0", false),
            ("", false),
        ] {
            assert_eq!(is_command_line(&words_of(command, &metadata)), expected, "{command}");
        }
    }

    #[test]
    fn a_script_may_name_php_itself() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("console");
        for (text, expected) in [("#!/usr/bin/env php\n<?php", true), ("#!/bin/sh\nphp x", false)] {
            fs::write(&script, text).unwrap();
            assert_eq!(is_command_line(&[script.display().to_string()]), expected, "{text}");
        }
    }
}
