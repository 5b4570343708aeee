//! What the launch says of a real Redis that keeps no session for it: what never will be stops the start, with words that
//! say what to do; what may pass is a warning.

use crate::harness::Harness;
use crate::proxy_harness::signal;
use crate::redis_process::{Redis, free_port, run};
use crate::servers::plain_server;
use nix::sys::signal::Signal;
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PASSWORD: &str = "p&ss-w0rd";
/// The launch waits 3 seconds at most; without a bound, the system would wait two minutes, or for ever.
const BUSY: Duration = Duration::from_secs(15);

fn said_with(credentials: &Value, settings: &[(&str, &str)]) -> String {
    let service = json!({"x": [{"name": "redis-sessions", "credentials": credentials}]});
    let service = service.to_string();
    let asking = [("VCAP_SERVICES", service.as_str()), ("BPL_PHP_SESSION_PROBE", "stop")];
    Harness::new(Store::Redis, "6.2.0").said_with(&[&asking, settings].concat())
}

fn said(credentials: &Value) -> String {
    said_with(credentials, &[])
}

fn assert_refused(credentials: &Value, expected: &[&str]) {
    let said = said(credentials);
    assert!(said.starts_with("No session can be kept"), "{said}");
    for part in expected {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
}

fn assert_passing(credentials: &Value, expected: &str) {
    let begun = Instant::now();
    let said = said(credentials);
    assert!(said.contains("warning: for now"), "{said}");
    assert!(said.contains(expected), "{expected:?} is not in\n{said}");
    assert!(begun.elapsed() < BUSY, "{:?}", begun.elapsed());
}

fn with_password() -> (Redis, Value) {
    let redis = Redis::start(&["--requirepass", PASSWORD]);
    let credentials = json!({"host": "127.0.0.1", "port": redis.port, "password": PASSWORD});
    (redis, credentials)
}

fn with(credentials: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut changed = credentials.clone();
    changed[name] = value.into();
    changed
}

#[test]
fn credentials_that_do_not_fit_stop_the_start() {
    let (redis, good) = with_password();
    let without = json!({"host": "127.0.0.1", "port": redis.port, "color": "blue"});
    assert_refused(
        &without,
        &["requires a password", "BPL_PHP_SESSION_PROBE=warn", "Bound and not used: color."],
    );
    assert_refused(&with(&good, "password", "wrong%40x"), &["looks percent-encoded"]);
    let blank = ["WRONGPASS", "begins or ends with a blank"];
    assert_refused(&with(&good, "password", "wrong "), &blank);
    assert_refused(&with(&good, "database", 99), &["does not have this database"]);
    assert_refused(&with(&good, "ssl", true), &["does not speak TLS"]);
    let other = json!({"host": "127.0.0.1", "port": plain_server(|_| "ERROR\r\n")});
    assert_refused(&other, &["Check host and port"]);
    // Brokers give users that stand for nothing.
    let uri = format!("redis://show:p%26ss-w0rd@127.0.0.1:{}?family=0", redis.port);
    let for_show = json!({ "uri": uri });
    let words = ["password works without the user \"show\"", "username=default"];
    assert_refused(&for_show, &words);
    let alone = said_with(&for_show, &[("BPL_PHP_SESSION_OPTIONS", "username=default")]);
    assert!(alone.contains("has family in its query"), "{alone}");
    assert!(!alone.contains("No session"), "{alone}");
}

#[test]
fn a_user_that_lacks_a_right_stops_the_start() {
    let (redis, good) = with_password();
    let mut admin = redis.admin(PASSWORD);
    let password = format!(">{PASSWORD}");
    let rights =
        ["ACL", "SETUSER", "shop", "on", &password, "~PHPREDIS_SESSION:*", "+@all", "-set"];
    run(&mut admin, &[&rights[..], &["-eval"]].concat());
    let user = with(&good, "username", "shop");
    assert_refused(&user, &["may not run SET, EVAL", "ACL SETUSER shop +set +eval"]);
    run(&mut admin, &["ACL", "SETUSER", "shop", "resetkeys", "~other:*", "+@all"]);
    assert_refused(&user, &["~PHPREDIS_SESSION:*"]);
    // Rights for locks are not needed without.
    let without = ["ACL", "SETUSER", "shop", "~PHPREDIS_SESSION:*", "-set", "-eval", "-evalsha"];
    run(&mut admin, &without);
    let said = said_with(&user, &[("BPL_PHP_SESSION_OPTIONS", "locking=off")]);
    assert!(said.starts_with("sessions in redis"), "{said}");
}

#[test]
fn a_server_that_will_never_keep_a_session_stops_the_start() {
    let (redis, good) = with_password();
    run(&mut redis.admin(PASSWORD), &["REPLICAOF", "127.0.0.1", "1"]);
    assert_refused(&good, &["read-only replica"]);
    let redis = Redis::start(&["--rename-command", "EVAL", ""]);
    let without_eval = json!({"host": "127.0.0.1", "port": redis.port});
    assert_refused(&without_eval, &["does not know EVAL", "locking=off"]);
}

#[test]
fn what_may_pass_is_a_warning_and_takes_seconds_at_most() {
    let (redis, good) = with_password();
    assert!(!said(&good).contains("warning"), "{}", said(&good));
    let mut admin = redis.admin(PASSWORD);
    run(&mut admin, &["CONFIG", "SET", "maxmemory", "1"]);
    assert_passing(&good, "OOM");
    run(&mut admin, &["CONFIG", "SET", "maxmemory", "0"]);
    run(&mut admin, &["CONFIG", "SET", "maxclients", "1"]);
    assert_passing(&good, "max number of clients");
    run(&mut admin, &["CONFIG", "SET", "maxclients", "100"]);
    let node = Redis::start(&["--cluster-enabled", "yes"]);
    assert_passing(&json!({"host": "127.0.0.1", "port": node.port}), "CLUSTERDOWN");
    assert_passing(&json!({"host": "no-such-host.invalid"}), "The name cannot be resolved");
    let nobody = json!({"host": "localhost", "port": free_port()});
    assert_passing(&nobody, "localhost is the container itself");
    signal(redis.pid(), Signal::SIGSTOP);
    assert_passing(&good, "timed out");
}

#[test]
fn the_probe_can_be_told_to_warn_or_to_keep_still_and_leaves_nothing() {
    let (redis, good) = with_password();
    assert!(said(&good).starts_with("sessions in redis"), "{}", said(&good));
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut redis.admin(PASSWORD)).unwrap();
    assert_eq!(keys, [""; 0]);
    let without = json!({"host": "127.0.0.1", "port": redis.port});
    let warned = said_with(&without, &[("BPL_PHP_SESSION_PROBE", "warn")]);
    assert!(warned.contains("warning: no session can be kept"), "{warned}");
    let quiet = said_with(&without, &[("BPL_PHP_SESSION_PROBE", "off")]);
    assert!(quiet.starts_with("sessions in redis"), "{quiet}");
    assert!(!quiet.contains("warning"), "{quiet}");
    // Sessions that fail at once instead of after 50 seconds.
    let at_once = said_with(&without, &[("BPL_PHP_SESSION_MISSING", "warn")]);
    assert!(at_once.contains("sessions will fail"), "{at_once}");
}
