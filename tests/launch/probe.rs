//! Proxies that close the connection at a command which they do not know, as twemproxy does.

use crate::harness::Harness;
use php_session_store::store::Store;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

/// A server that answers `+OK`, and closes the connection where one of these commands comes.
fn server(closes_at: &'static [&'static str]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]);
                let is_named = |name: &&str| text.contains(&format!("\r\n{name}\r\n"));
                // What does not begin so is a TLS handshake.
                if !text.starts_with('*') || closes_at.iter().any(is_named) {
                    break;
                }
                let commands = text.lines().filter(|line| line.starts_with('*')).count();
                if stream.write_all("+OK\r\n".repeat(commands).as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    port
}

/// What the launch says with a database, so that it sends all commands but `ECHO`.
fn said(closes_at: &'static [&'static str]) -> String {
    let credentials = json!({"host": "127.0.0.1", "port": server(closes_at), "database": 1});
    Harness::new(Store::Redis, "6.2.0").said_when_asked(&credentials)
}

#[test]
fn the_command_at_which_a_proxy_closes_the_connection_is_named() {
    assert!(!said(&[]).contains("warning"), "{}", said(&[]));
    let select = said(&["SELECT"]);
    assert!(select.contains("does not know SELECT.\nThere is only database 0"), "{select}");
    let scripts = said(&["EVAL", "EVALSHA"]);
    assert!(scripts.contains("does not know EVALSHA, EVAL.\n"), "{scripts}");
    assert!(scripts.contains("locking=off"), "{scripts}");
    let exists = said(&["EXISTS"]);
    assert!(exists.contains("warning: the server refuses EXISTS"), "{exists}");
}

#[test]
fn a_server_that_closes_every_connection_may_come_back() {
    const ALL: [&str; 9] =
        ["SELECT", "EXISTS", "SET", "GET", "SETEX", "EXPIRE", "EVALSHA", "EVAL", "DEL"];
    let said = said(&ALL);
    assert!(said.contains("for now") && said.contains("closed the connection"), "{said}");
}
