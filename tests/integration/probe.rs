//! The launch asks the server whether it would keep a session: what never will be stops the start, with words that
//! say what to do; what may pass does not.

use crate::support::app::{App, build, config};
use crate::support::docker::docker_ok;
use crate::support::secrets::MARKER;
use crate::support::services::{Memcached, Redis, run, vcap};
use crate::support::tls::{PASSWORD, TlsServer};
use crate::support::{BOOKWORM, Suite, TRIXIE, on_both};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What a launch with these credentials came to.
pub(crate) struct Start {
    pub(crate) started: bool,
    pub(crate) log: String,
    took: Duration,
}

/// The launch waits 3 seconds at most; without a bound, the system would wait two minutes, or for ever.
const BUSY: Duration = Duration::from_secs(15);

pub(crate) fn start(app: &App, credentials: &Value, options: &[&str]) -> Start {
    let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials.clone())]));
    let options = [&["--env", bound.as_str()], options].concat();
    let before = Instant::now();
    let (started, log) = app.run(&options, &["true"]);
    Start { started, log, took: before.elapsed() }
}

pub(crate) fn assert_refused(app: &App, what: &str, credentials: &Value, expected: &[&str]) {
    let Start { started, log, .. } = start(app, credentials, &[]);
    assert!(!started, "{what}: it started:\n{log}");
    for part in expected {
        assert!(log.contains(part), "{what}: {part:?} is not in\n{log}");
    }
}

#[test]
fn a_server_that_will_never_keep_a_session_stops_the_start() {
    build(config(BOOKWORM, "full").env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let redis = Redis::start(MARKER);
        let host = redis.host();
        assert_refused(
            app,
            "no password",
            &json!({"host": host, "color": "blue"}),
            &["requires a password", "BPL_PHP_SESSION_PROBE=warn", "Bound and not used: color."],
        );
        let for_show = json!({"uri": format!("redis://show:{MARKER}@{host}?family=0")});
        assert_refused(
            app,
            "a user that the server does not know",
            &for_show,
            &["password works without the user \"show\"", "username=default"],
        );
        let alone = ["--env", "BPL_PHP_SESSION_OPTIONS=username=default"];
        let Start { started, log, .. } = start(app, &for_show, &alone);
        assert!(started, "{log}");
        assert!(log.contains("has family in its query"), "{log}");
        let encoded = json!({"host": host, "password": "wrong%40x"});
        assert_refused(app, "an encoded password", &encoded, &["looks percent-encoded"]);
        let wrong = json!({"host": host, "password": "wrong "});
        assert_refused(
            app,
            "a wrong password",
            &wrong,
            &["WRONGPASS", "begins or ends with a blank"],
        );
        let database = json!({"host": host, "password": MARKER, "database": 99});
        assert_refused(
            app,
            "a database that is not there",
            &database,
            &["does not have this database"],
        );
        let tls = json!({"host": host, "password": MARKER, "ssl": true});
        assert_refused(app, "TLS to a port without", &tls, &["does not speak TLS"]);

        let mut admin = redis.connection();
        run(&mut admin, &["AUTH", MARKER]);
        run(
            &mut admin,
            &[
                "ACL",
                "SETUSER",
                "shop",
                "on",
                &format!(">{MARKER}"),
                "~PHPREDIS_SESSION:*",
                "+@all",
                "-set",
                "-eval",
            ],
        );
        let user = json!({"host": host, "username": "shop", "password": MARKER});
        assert_refused(
            app,
            "a user without rights",
            &user,
            &["may not run SET, EVAL", "ACL SETUSER shop +set +eval"],
        );
        run(&mut admin, &["ACL", "SETUSER", "shop", "resetkeys", "~other:*", "+@all"]);
        assert_refused(app, "a user without the keys", &user, &["~PHPREDIS_SESSION:*"]);
        let without_locks = ["--env", "BPL_PHP_SESSION_OPTIONS=locking=off"];
        run(
            &mut admin,
            &["ACL", "SETUSER", "shop", "~PHPREDIS_SESSION:*", "-set", "-eval", "-evalsha"],
        );
        let Start { started, log, .. } = start(app, &user, &without_locks);
        assert!(started, "rights for locks are not needed without:\n{log}");
        // Neither session-check nor a look inside is stopped.
        let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", user)]));
        let (_, report) = app.check(&["--env", &bound]);
        assert!(report.contains("NOT kept"), "{report}");

        run(&mut admin, &["REPLICAOF", "127.0.0.1", "1"]);
        let replica = json!({"host": host, "password": MARKER});
        assert_refused(app, "a replica", &replica, &["read-only replica"]);

        let node = Redis::start_with(&["--cluster-enabled", "yes"]);
        let cluster = json!({"host": node.host()});
        assert!(start(app, &cluster, &[]).log.contains("CLUSTERDOWN"));
        let without_eval = Redis::start_with(&["--rename-command", "EVAL", ""]);
        assert_refused(
            app,
            "no EVAL",
            &json!({"host": without_eval.host()}),
            &["does not know EVAL", "locking=off"],
        );

        let other = Memcached::start();
        let memcached = json!({"host": other.container.ip(), "port": 11211});
        assert_refused(app, "no Redis", &memcached, &["Check host and port"]);
    });
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
        let Start { started, log, .. } = start(app, &plain, &options);
        assert!(started, "{log}");
        assert!(log.contains("tls://"), "{log}");
        credentials["cacrt"] = Value::Null;
        assert_refused(app, "an unknown authority", &credentials, &["not trusted", "ca.crt"]);

        // A name in the subject and nowhere else: OpenSSL takes it, and our own library does not.
        let old = TlsServer::start_with_subject("old.example");
        let host = format!("old.example:{}", old.container.ip());
        let credentials = json!({"host": "old.example", "tls_port": 6380, "password": PASSWORD, "cacrt": old.authority.certificate});
        let Start { started, log, .. } = start(app, &credentials, &["--add-host", &host]);
        assert!(started, "{log}");
        assert!(!log.contains("warning"), "{log}");
    });
}

#[test]
fn what_may_pass_is_a_warning_and_takes_seconds_at_most() {
    build(config(TRIXIE, "full").env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let redis = Redis::start(MARKER);
        let credentials = json!({"host": redis.host(), "password": MARKER});
        let Start { started, log, took: usual } = start(app, &credentials, &[]);
        assert!(started, "{log}");
        assert!(!log.contains("warning"), "{log}");

        let mut admin = redis.connection();
        run(&mut admin, &["AUTH", MARKER]);
        run(&mut admin, &["CONFIG", "SET", "maxmemory", "1"]);
        let full = start(app, &credentials, &[]);
        assert!(full.started, "{}", full.log);
        assert!(full.log.contains("for now"), "{}", full.log);
        assert!(full.log.contains("OOM"), "{}", full.log);
        run(&mut admin, &["CONFIG", "SET", "maxmemory", "0"]);
        run(&mut admin, &["CONFIG", "SET", "maxclients", "1"]);
        let crowded = start(app, &credentials, &[]);
        assert!(crowded.started, "{}", crowded.log);
        assert!(crowded.log.contains("max number of clients"), "{}", crowded.log);

        run(&mut admin, &["CONFIG", "SET", "maxclients", "100"]);
        let nowhere = start(app, &json!({"host": "no-such-host.example", "password": MARKER}), &[]);
        assert!(nowhere.started, "{}", nowhere.log);
        assert!(nowhere.log.contains("warning: "), "{}", nowhere.log);
        // TEST-NET-1 leads nowhere (RFC 5737).
        let dropped = start(app, &json!({"host": "192.0.2.1"}), &[]);
        assert!(dropped.started, "{:?}", dropped.took);
        assert!(dropped.took < usual + BUSY, "{:?}", dropped.took);
        let local = start(app, &json!({"host": "localhost"}), &[]);
        assert!(local.started, "{}", local.log);
        assert!(local.log.contains("localhost is the container itself"), "{}", local.log);
        docker_ok(&["kill", "--signal", "STOP", &redis.container.name]);
        let hung = start(app, &credentials, &[]);
        assert!(hung.started, "{}", hung.log);
        assert!(hung.log.contains("timed out"), "{}", hung.log);
        assert!(hung.took < usual + BUSY, "{:?}", hung.took);
    });
}

#[test]
fn the_probe_can_be_told_to_warn_or_to_keep_still() {
    build(config(BOOKWORM, "full").env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let redis = Redis::start(MARKER);
        let credentials = json!({"host": redis.host()});
        let warned = start(app, &credentials, &["--env", "BPL_PHP_SESSION_PROBE=warn"]);
        assert!(warned.started, "{}", warned.log);
        assert!(warned.log.contains("warning: no session can be kept"), "{}", warned.log);
        let quiet = start(app, &credentials, &["--env", "BPL_PHP_SESSION_PROBE=off"]);
        assert!(quiet.started, "{}", quiet.log);
        assert!(!quiet.log.contains("warning"), "{}", quiet.log);
        // Sessions that fail at once instead of after 50 seconds.
        let at_once = start(app, &credentials, &["--env", "BPL_PHP_SESSION_MISSING=warn"]);
        assert!(at_once.started, "{}", at_once.log);
        assert!(at_once.log.contains("sessions will fail"), "{}", at_once.log);
        // Nothing of the probe is left in the server.
        let mut admin = redis.connection();
        run(&mut admin, &["AUTH", MARKER]);
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut admin).unwrap();
        assert_eq!(keys, [""; 0]);
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
        let Start { started, log, .. } = start(app, &json!({"host": redis.host()}), &direct);
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
