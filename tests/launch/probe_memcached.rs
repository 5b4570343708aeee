//! What the launch says of a real Memcached that keeps no session for it, on both ways from PHP.

use crate::harness::Harness;
use crate::memcached_process::Memcached;
use crate::redis_process::{Redis, free_port};
use nix::sys::signal::Signal;
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PASSWORD: &str = "s&cret w0rd";

fn harness() -> Harness {
    Harness::new(Store::Memcached, "3.3.0")
}

fn at(port: u16, password: Option<&str>) -> Value {
    let server = format!("127.0.0.1:{port}");
    match password {
        Some(password) => json!({"servers": server, "username": "shop", "password": password}),
        None => json!({"servers": server}),
    }
}

fn assert_refused(credentials: &Value, proxy: &str, expected: &str) {
    let (_, said) = harness().asked(credentials, proxy);
    assert!(said.starts_with("No session can be kept"), "{proxy}: {said}");
    assert!(said.contains(expected), "{proxy}: {expected:?} is not in\n{said}");
}

#[test]
fn a_server_that_will_never_keep_a_session_stops_the_start() {
    let (closed, open) = (Memcached::with_sasl(PASSWORD), Memcached::start(&[]));
    let redis = Redis::start(&["--requirepass", "another"]);
    for proxy in ["off", "on"] {
        assert_refused(&at(closed.port, Some("wrong")), proxy, "password or the user is wrong");
        assert_refused(&at(open.port, Some(PASSWORD)), proxy, "supports no logins");
        assert_refused(&at(redis.port, None), proxy, "not Memcached");
    }
    assert_refused(&at(closed.port, None), "off", "requires a password");
    // One of several is enough.
    let several = format!("127.0.0.1:{},127.0.0.1:{}", open.port, closed.port);
    assert_refused(&json!({"servers": several}), "off", "requires a password");
    let text_only = Memcached::start(&["-B", "ascii"]);
    assert_refused(&at(text_only.port, Some(PASSWORD)), "off", "speaks only the text protocol");
    for (port, password) in
        [(closed.port, Some(PASSWORD)), (open.port, None), (text_only.port, None)]
    {
        let (_, said) = harness().asked(&at(port, password), "off");
        assert!(said.starts_with("sessions in memcached"), "{said}");
        assert!(!said.contains("session can be kept"), "{said}");
    }
}

#[test]
fn what_may_pass_and_what_was_told_to_be_no_more_than_a_warning_starts() {
    for proxy in ["off", "on"] {
        let (_, said) = harness().asked(&at(free_port(), None), proxy);
        assert!(said.contains("warning: for now"), "{proxy}: {said}");
    }
    let closed = Memcached::with_sasl(PASSWORD);
    let service =
        json!({"x": [{"name": "memcached-sessions", "credentials": at(closed.port, None)}]});
    let warning =
        [("VCAP_SERVICES", service.to_string()), ("BPL_PHP_SESSION_PROBE", "warn".into())];
    let warning = warning.each_ref().map(|(name, value)| (*name, value.as_str()));
    let said = harness().said_with(&warning);
    assert!(said.contains("warning: no session can be kept"), "{said}");
    assert!(said.contains("requires a password"), "{said}");
}

#[test]
fn a_server_that_hangs_costs_the_start_three_seconds() {
    let server = Memcached::start(&[]);
    server.signal(Signal::SIGSTOP);
    for proxy in ["off", "on"] {
        let begun = Instant::now();
        let (_, said) = harness().asked(&at(server.port, None), proxy);
        assert!(said.contains("warning: for now"), "{proxy}: {said}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{proxy}: {:?}", begun.elapsed());
    }
    server.signal(Signal::SIGCONT);
}

/// The same words as without the proxy, although the proxy's own question gets no answer.
#[test]
fn a_login_that_is_missing_is_said_through_the_proxy_too() {
    let closed = Memcached::with_sasl(PASSWORD);
    assert_refused(&at(closed.port, None), "on", "requires a password");
}

#[test]
fn a_server_that_keeps_small_items_is_named() {
    let (small, usual) = (Memcached::start(&["-I", "512k"]), Memcached::start(&[]));
    let said = |port| harness().asked(&at(port, None), "off").1;
    let words = "at most 524288 bytes (item_size_max)";
    assert!(said(small.port).contains(words), "{}", said(small.port));
    assert!(!said(usual.port).contains("item_size_max"), "{}", said(usual.port));
}
