//! README and docs/troubleshooting.md show what is printed.

use crate::support::app::{buildpack, make_readable, root};
use crate::support::docker::docker_ok;
use crate::support::pack_build::PackBuild;
use crate::support::sample::write;
use crate::support::secrets::MARKER;
use crate::support::services::Redis;
use crate::support::{BOOKWORM, TRIXIE};
use std::fs;

/// Without its numbers: versions and times change.
fn without_numbers(line: &str) -> String {
    let mut text = String::new();
    for c in line.trim_end().chars() {
        match c {
            '0'..='9' if text.ends_with('0') => {}
            '0'..='9' => text.push('0'),
            // Numbers are right-aligned.
            ' ' if text.ends_with("  ") => {}
            c => text.push(c),
        }
    }
    text
}

/// A block of README that begins with this line shows what was printed, in the same order; `…` stands for any lines.
fn assert_shown(first: &str, printed: &str) {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let block = readme.split("\n```\n").find(|block| block.starts_with(first));
    let block = block.unwrap_or_else(|| panic!("README has no block that begins with {first:?}"));
    let mut printed_lines = printed.lines().map(without_numbers);
    let mut skips = true;
    for line in block.lines() {
        if line == "…" {
            skips = true;
            continue;
        }
        let line = without_numbers(line);
        let found = if skips {
            printed_lines.any(|it| it == line)
        } else {
            printed_lines.next().as_ref() == Some(&line)
        };
        assert!(found, "{line:?} is shown, and not printed so:\n{printed}");
        skips = false;
    }
}

/// With the names that README has: what it says of the build, and of the check.
#[test]
fn samples_of_output_are_what_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    make_readable(folder.path());
    for (name, text) in [("type", "redis"), ("host", "redis.shop.svc"), ("password", MARKER)] {
        write(folder.path(), &format!("redis-sessions/{name}"), text);
    }
    let bindings = format!("{}:/platform/bindings:ro", folder.path().display());
    let bound = ["--volume", &bindings];
    let php_server = root().join("samples/php-server").display().to_string();
    let app_dir = root().join("samples/counter");
    let build = PackBuild::with(&[&php_server, &buildpack()], BOOKWORM, "full", &app_dir, &bound);
    assert_shown("===> BUILDING", &build.app().log);

    let redis = Redis::start(MARKER);
    let host = format!("redis.shop.svc:{}", redis.host());
    let (kept, said) = build.app().check(&[&bound[..], &["--add-host", &host]].concat());
    assert!(kept, "{said}");
    assert_shown("Sessions in redis are kept.", &said);
}

/// What PHP itself says, by docs/troubleshooting.md, is in PHP or in an extension, of one Debian or the other.
#[test]
fn messages_of_php_are_as_php_has_them() {
    let page = fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| PHP: "));
    let cells: Vec<&str> = rows.filter_map(|row| row.split(" |").next()).collect();
    let messages = cells.iter().flat_map(|cell| cell.split('`').skip(1).step_by(2));
    // PHP puts names of its own between quotes and after colons.
    let parts = messages.flat_map(|message| message.split(['"', '\'', ':', '(', ')']));
    let parts: Vec<&str> = parts.map(str::trim).filter(|part| part.len() > 8).collect();
    assert!(parts.len() >= 12, "{parts:?}");
    let search =
        "cat /usr/bin/php8.* /usr/lib/php/*/*.so /lib64/ld-linux-* | tr -cs '[:print:]' '\\n'";
    let programs = [BOOKWORM, TRIXIE].map(|suite| {
        docker_ok(&["run", "--rm", "--entrypoint", "sh", &suite.image("full"), "-c", search])
    });
    for part in parts {
        assert!(programs.iter().any(|program| program.contains(part)), "no PHP says {part:?}");
    }
}
