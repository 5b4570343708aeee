//! The launch asks the server whether it would keep a session, where PHP's own TLS or its workers matter. What it says of a
//! server itself is tested without containers, in `tests/launch/probe_redis.rs` and `probe_memcached.rs`.

use crate::support::app::{App, build, config};
use crate::support::services::{Redis, vcap};
use crate::support::tls::{PASSWORD, TlsServer};
use crate::support::{Suite, TRIXIE, on_both};
use libcnb_test::{assert_contains, assert_not_contains};
use serde_json::{Value, json};

/// What a launch with these credentials came to.
pub(crate) struct Start {
    pub(crate) started: bool,
    pub(crate) log: String,
}

pub(crate) fn start(app: &App, credentials: &Value, options: &[&str]) -> Start {
    let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials.clone())]));
    let options = [&["--env", bound.as_str()], options].concat();
    let (started, log) = app.run(&options, &["true"]);
    Start { started, log }
}

pub(crate) fn assert_refused(app: &App, what: &str, credentials: &Value, expected: &[&str]) {
    let Start { started, log } = start(app, credentials, &[]);
    assert!(!started, "{what}: it started:\n{log}");
    for part in expected {
        assert!(log.contains(part), "{what}: {part:?} is not in\n{log}");
    }
}

fn what_is_wrong_with_tls_stops_the_start_unless_phps_own_tls_works(suite: Suite) {
    build(config(suite, "full").env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let server = TlsServer::start("no", &[]);
        let mut credentials = server.credentials();
        assert!(start(app, &credentials, &[]).started);
        let plain = json!({"host": server.container.ip(), "port": 6380, "password": PASSWORD});
        assert_refused(
            app,
            "a port with TLS without",
            &plain,
            &["accepts only TLS", "Set ssl to true", "BPL_PHP_SESSION_OPTIONS=tls=on"],
        );
        // What a broker's user can do about it.
        let options = ["--env", "BPL_PHP_SESSION_OPTIONS=tls=on&verify_peer=off"];
        let Start { started, log } = start(app, &plain, &options);
        assert!(started, "{log}");
        assert_contains!(log, "tls://");
        credentials["cacrt"] = Value::Null;
        assert_refused(app, "an unknown authority", &credentials, &["not trusted", "ca.crt"]);

        // A name in the subject and nowhere else: OpenSSL takes it, and our own library does not.
        let old = TlsServer::start_with_subject("old.example");
        let host = format!("old.example:{}", old.container.ip());
        let credentials = json!({"host": "old.example", "tls_port": 6380, "password": PASSWORD, "cacrt": old.authority.certificate});
        let Start { started, log } = start(app, &credentials, &["--add-host", &host]);
        assert!(started, "{log}");
        assert_not_contains!(log, "warning");
    });
}

#[test]
fn a_plan_with_fewer_connections_than_workers_is_named() {
    use crate::support::app::{Server, config_for};
    let mut config = config_for(Server::NginxFpm, TRIXIE, "web");
    build(config.env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let redis = Redis::start_with(&["--maxclients", "6"]);
        // Whatever a busy machine takes for a distance: the session proxy shares its connections.
        let direct = ["--env", "BPL_PHP_SESSION_PROXY=off"];
        let Start { started, log } = start(app, &json!({"host": redis.host()}), &direct);
        let expected = "allows 6 connections, and php-fpm has 4 workers in each replica (pm.max_children): with more than 1 of them";
        assert!(started, "{log}");
        assert_contains!(log, expected);
        let enough = Redis::start_with(&["--maxclients", "8"]);
        assert!(!start(app, &json!({"host": enough.host()}), &direct).log.contains("warning"));
    });
}

on_both! {
    what_is_wrong_with_tls_stops_the_start_unless_phps_own_tls_works;
}
