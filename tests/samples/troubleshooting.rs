//! `docs/troubleshooting.md` has every message that stops a build or a start, as it is printed.

use crate::manifests::{file, text};
use std::fs;
use std::path::Path;

const PAGE: &str = "docs/troubleshooting.md";

/// What an error's format follows.
const BEGINNINGS: [&str; 4] = ["#[error(", "anyhow!(", "bail!(", "ensure!("];

/// The formats of all errors that are whole sentences: others are parts of these.
fn messages() -> Vec<String> {
    let mut found = Vec::new();
    for path in sources(&file("src")) {
        let source = fs::read_to_string(path).expect("our own file");
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        let ends =
            BEGINNINGS.iter().flat_map(|it| source.match_indices(it).map(|(at, _)| at + it.len()));
        for rest in ends.map(|end| &source[end..]) {
            let Some(literal) = rest.split_once('"').and_then(|(_, rest)| closed(rest)) else {
                continue;
            };
            // A text of several lines is a block.
            let lines: Vec<&str> = literal.trim().lines().map(str::trim).collect();
            let literal = lines.join("\\n");
            if literal.trim_end().ends_with(['.', '}'])
                && literal.contains(' ')
                && literal.contains(". ")
                || literal.contains(".\\n")
            {
                found.push(literal.replace("\\\"", "\"").replace("{{", "{").replace("}}", "}"));
            }
        }
    }
    found
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = folder.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// A string literal's text, up to its closing quote.
fn closed(rest: &str) -> Option<&str> {
    let mut escaped = false;
    let end = rest.find(|c| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    })?;
    Some(&rest[..end])
}

/// The parts of a message's first line that have nothing of the case in them.
fn fixed_parts(message: &str) -> Vec<&str> {
    let line = message.split("\\n").next().unwrap_or_default();
    line.split(['{', '}']).step_by(2).map(str::trim).filter(|part| part.len() > 6).collect()
}

#[test]
fn every_message_is_on_the_page() {
    let page = text(PAGE);
    let messages = messages();
    assert!(messages.len() > 20, "{messages:?}");
    let is_there = |message: &&String| {
        page.lines().any(|line| fixed_parts(message).iter().all(|part| line.contains(part)))
    };
    let missing: Vec<&String> = messages.iter().filter(|message| !is_there(message)).collect();
    assert!(missing.is_empty(), "{PAGE} lacks {missing:#?}");
}

/// What a row of the page shows as a message.
fn message_of(row: &str) -> Option<&str> {
    let row = row.strip_prefix("| ")?;
    match row.strip_prefix("``") {
        Some(rest) => rest.split("``").next(),
        None => row.strip_prefix('`')?.split('`').next(),
    }
}

/// Nobody searches in vain for a message that is printed no more.
#[test]
fn every_message_of_the_page_is_in_the_source() {
    let page = text(PAGE);
    let sources = sources(&file("src"))
        .into_iter()
        .map(|path| fs::read_to_string(path).expect("our own file"));
    let sources = sources.collect::<String>().replace("\\\"", "\"");
    let shown = page.lines().filter_map(message_of);
    let mut rows = 0;
    for message in shown {
        for part in message.split('…').map(str::trim).filter(|part| part.len() > 8) {
            assert!(sources.contains(part), "no source has {part:?}");
            rows += 1;
        }
    }
    assert!(rows > 20, "{rows}");
}
