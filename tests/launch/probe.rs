//! Proxies that close the connection at a command which they do not know, as twemproxy does.

use crate::fake_server::{Answer, plain};
use crate::harness::Harness;
use php_session_store::store::Store;
use serde_json::json;

/// What the launch says with a database, so that it sends all commands but `ECHO`.
fn said(answer: Answer) -> String {
    let credentials = json!({"host": "127.0.0.1", "port": plain(answer), "database": 1});
    Harness::new(Store::Redis, "6.2.0").said_when_asked(&credentials)
}

const OK: Option<&str> = Some("+OK\r\n");

#[test]
fn the_command_at_which_a_proxy_closes_the_connection_is_named() {
    assert!(!said(|_| OK).contains("warning"), "{}", said(|_| OK));
    let select = said(|words| if words[0] == "SELECT" { None } else { OK });
    assert!(select.contains("does not know SELECT.\nThere is only database 0"), "{select}");
    let scripts = said(|words| if words[0].starts_with("EVAL") { None } else { OK });
    assert!(scripts.contains("does not know EVALSHA, EVAL.\n"), "{scripts}");
    assert!(scripts.contains("locking=off"), "{scripts}");
    let exists = said(|words| if words[0] == "EXISTS" { None } else { OK });
    assert!(exists.contains("warning: the server refuses EXISTS"), "{exists}");
    // It is no limit, but an end, where PHP's strict mode is on.
    let harness = Harness::new(Store::Redis, "6.2.0").recorded(|record| record.strict_mode = true);
    let port = plain(|words| if words[0] == "EXISTS" { None } else { OK });
    let strict = harness.said_when_asked(&json!({"host": "127.0.0.1", "port": port}));
    assert!(strict.starts_with("No session can be kept"), "{strict}");
    assert!(strict.contains("EXISTS"), "{strict}");
    assert!(strict.contains("strict mode off"), "{strict}");
}

#[test]
fn a_server_that_closes_every_connection_may_come_back() {
    let said = said(|_| None);
    assert!(said.contains("for now"), "{said}");
    assert!(said.contains("closed the connection"), "{said}");
}
