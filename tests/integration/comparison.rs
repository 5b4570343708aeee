//! The session proxy and PHP's own handlers, compared: what pages do with sessions, on an instance of each, and what
//! comes of it.

pub(crate) mod cases;
mod sequences;
mod server;
mod ways;

use crate::support::app::{App, Server as WebServer, build, config_for, root};
use crate::support::{Suite, on_both};
use cases::{Case, Known, cases};
use php_session_store::store::Store;
use serde_json::Value;
use server::Server;
use std::fs;
use std::thread;
use ways::{Kind, Way};

/// What only a server has, or what the `files` handler says in its own words.
const NOT_OF_FILES: &[&str] = &["said", "said_later", "lifetime"];

fn with_app(suite: Suite, store: Store, test: impl FnOnce(&App)) {
    let mut config = config_for(WebServer::NginxFpm, suite, "web");
    for file in ["page.php", "worker.php", "locks.php"] {
        let from = root().join("tests/integration/comparison").join(file);
        config.file(&format!("htdocs/{file}"), fs::read_to_string(from).expect("our own file"));
    }
    config
        .env("BP_PHP_SESSION_STORE", store.name())
        .file("htdocs/auto/index.php", "<?php require '../page.php';")
        .file("htdocs/auto/.user.ini", "session.auto_start=1");
    build(&config, |app| test(&app.served_by(WebServer::NginxFpm)));
}

fn the_ways_are_equal(suite: Suite, store: Store) {
    with_app(suite, store, |app| {
        let server = Server::start(store);
        // `CASE=reset` compares those with this word, and shows what they do.
        let only = std::env::var("CASE").unwrap_or_default();
        let cases: Vec<Case> =
            cases(store).into_iter().filter(|case| case.name.contains(&only)).collect();
        let observe = |kind| {
            let mut way = Way::start(kind, app, &server);
            cases.iter().map(|case| way.observe(case)).collect::<Vec<Value>>()
        };
        let [direct, proxy, files] = thread::scope(|scope| {
            let all = [Kind::Direct, Kind::Proxy, Kind::Files]
                .map(|kind| scope.spawn(move || observe(kind)));
            all.map(|way| way.join().expect("observations"))
        });
        if !only.is_empty() {
            println!("{direct:#?}\n{proxy:#?}\n{files:#?}");
        }
        let mut wrong = Vec::new();
        for (index, case) in cases.iter().enumerate() {
            if direct[index].to_string().contains("Error: ") {
                wrong.push(format!("{}: PHP does not run the code: {}", case.name, direct[index]));
            }
            wrong.extend(compare(case, Kind::Proxy, &direct[index], &proxy[index]));
            wrong.extend(compare(case, Kind::Files, &direct[index], &files[index]));
        }
        assert!(wrong.is_empty(), "{store}, {suite:?}:\n{}", wrong.join("\n"));
    });
}

/// What is not as the table says.
fn compare(case: &Case, kind: Kind, expected: &Value, found: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    let skipped = if kind == Kind::Files { NOT_OF_FILES } else { &[] };
    find_differences(expected, found, skipped, "", &mut differences);
    let known: Vec<&Known> = case.known.iter().filter(|known| known.kind == kind).collect();
    let unknown = differences
        .iter()
        .filter(|(at, _)| !known.iter().any(|known| at.contains(known.at)))
        .map(|(at, what)| format!("{}, {kind:?}: {at}: {what}", case.name));
    let gone = known
        .iter()
        .filter(|known| !differences.iter().any(|(at, _)| at.contains(known.at)))
        .map(|known| {
            format!("{}, {kind:?}: {} no longer differs: {}", case.name, known.at, known.reason)
        });
    unknown.chain(gone).collect()
}

fn find_differences(
    expected: &Value,
    found: &Value,
    skipped: &[&str],
    at: &str,
    differences: &mut Vec<(String, String)>,
) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let names =
                expected.keys().chain(found.keys().filter(|name| !expected.contains_key(*name)));
            for name in names.filter(|name| !skipped.contains(&name.as_str())) {
                let of =
                    |object: &serde_json::Map<_, _>| object.get(name).cloned().unwrap_or_default();
                find_differences(
                    &of(expected),
                    &of(found),
                    skipped,
                    &format!("{at}/{name}"),
                    differences,
                );
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                find_differences(expected, found, skipped, &format!("{at}/{index}"), differences);
            }
        }
        _ if expected == found => {}
        _ => differences.push((at.to_owned(), format!("{expected} became {found}"))),
    }
}

on_both! {
    sessions_in_redis_are_equal: |suite| the_ways_are_equal(suite, Store::Redis);
    sessions_in_memcached_are_equal: |suite| the_ways_are_equal(suite, Store::Memcached);
}
