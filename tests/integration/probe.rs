//! The launch asks the server whether it would keep a session, where PHP's own TLS or its workers matter. What it says of a
//! server itself is tested without containers, in `tests/launch/probe_redis.rs`.

use crate::support::app::{App, build, config};
use crate::support::secrets::MARKER;
use crate::support::services::{Memcached, Redis, vcap};
use crate::support::tls::{PASSWORD, TlsServer};
use crate::support::{BOOKWORM, Suite, TRIXIE, on_both};
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
        assert!(log.contains("tls://"), "{log}");
        credentials["cacrt"] = Value::Null;
        assert_refused(app, "an unknown authority", &credentials, &["not trusted", "ca.crt"]);

        // A name in the subject and nowhere else: OpenSSL takes it, and our own library does not.
        let old = TlsServer::start_with_subject("old.example");
        let host = format!("old.example:{}", old.container.ip());
        let credentials = json!({"host": "old.example", "tls_port": 6380, "password": PASSWORD, "cacrt": old.authority.certificate});
        let Start { started, log } = start(app, &credentials, &["--add-host", &host]);
        assert!(started, "{log}");
        assert!(!log.contains("warning"), "{log}");
    });
}

#[test]
fn a_memcached_that_will_never_keep_a_session_stops_the_start() {
    build(config(BOOKWORM, "mechanisms").env("BP_PHP_SESSION_STORE", "memcached"), |app| {
        let closed = Memcached::start_with_login("shop", MARKER);
        let open = Memcached::start();
        let text_only = Memcached::start_with("exec memcached -u memcache -B ascii");
        let redis = Redis::start(MARKER);
        let start = |servers: String, password: Option<&str>, options: &[&str]| {
            let mut credentials = json!({"servers": servers});
            if let Some(password) = password {
                credentials["username"] = json!("shop");
                credentials["password"] = json!(password);
            }
            let bound = format!("VCAP_SERVICES={}", vcap(&[("memcached-sessions", credentials)]));
            app.run(&[&["--env", bound.as_str()], options].concat(), &["true"])
        };
        for (servers, password, expected) in [
            (closed.server(), None, "requires a password"),
            (closed.server(), Some("wrong"), "password or the user is wrong"),
            (open.server(), Some(MARKER), "supports no logins"),
            (text_only.server(), Some(MARKER), "speaks only the text protocol"),
            (format!("{}:6379", redis.host()), None, "not Memcached"),
            (format!("{}:6379", redis.host()), Some(MARKER), "not Memcached"),
            // One of several is enough.
            (format!("{},{}", open.server(), closed.server()), None, "requires a password"),
        ] {
            let (started, log) = start(servers.clone(), password, &[]);
            assert!(!started, "{servers}: {expected:?} is not in\n{log}");
            assert!(log.contains(expected), "{servers}: {expected:?} is not in\n{log}");
            let (started, log) = start(servers, password, &["--env", "BPL_PHP_SESSION_PROBE=warn"]);
            assert!(started, "{expected:?} is no warning in\n{log}");
            assert!(log.contains(expected), "{expected:?} is no warning in\n{log}");
        }
        for (servers, password) in
            [(closed.server(), Some(MARKER)), (open.server(), None), (text_only.server(), None)]
        {
            let (started, log) = start(servers, password, &[]);
            assert!(started, "{log}");
            assert!(!log.contains("warning"), "{log}");
        }
        let (started, log) = start(format!("{}:1", open.container.ip()), None, &[]);
        assert!(started, "a server that may come up:\n{log}");
        assert!(log.contains("for now"), "a server that may come up:\n{log}");
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
        assert!(log.contains(expected), "{log}");
        let enough = Redis::start_with(&["--maxclients", "8"]);
        assert!(!start(app, &json!({"host": enough.host()}), &direct).log.contains("warning"));
    });
}

on_both! {
    what_is_wrong_with_tls_stops_the_start_unless_phps_own_tls_works;
}
