//! How long a session's lock lasts, and how long others wait for it.

use crate::support::app::{App, Server, build, config};
use crate::support::docker::docker_ok;
use crate::support::figures::record;
use crate::support::http_client::{HttpClient, assert_sessions_are_shared};
use crate::support::relay::Relay;
use crate::support::sample::app_with_holding_page;
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::{BoundService, Memcached, Redis, run, vcap};
use crate::support::{BOOKWORM, Suite, TRIXIE, on_both};
use libcnb_test::assert_contains;
use php_session_store::store::Store;
use serde_json::json;
use std::thread;
use std::time::{Duration, Instant};

/// The app whose page holds its session for as long as it is told.
fn with_holding_page(suite: Suite, store: Store, test: impl FnOnce(&App)) {
    let config = app_with_holding_page(suite, store);
    build(&config, |app| test(&app.served_by(Server::NginxFpm)));
}

/// The locks of PHP's own handler, whatever the distance.
const DIRECT: &str = "BPL_PHP_SESSION_PROXY=off";

/// A page that waits for so many seconds, and another request of its session after a part of that.
fn a_page_that_waits_keeps_its_lock(suite: Suite, store: Store, seconds: u64) {
    with_holding_page(suite, store, |app| {
        let service = BoundService::start(store, ODD_PASSWORD);
        let instance = app.start(&["--env", &service.env(), "--env", DIRECT]);
        let address = instance.address();
        let mut visitor = HttpClient::new();
        assert_eq!(visitor.get(address, "/hold.php").body.trim(), "1,kept");
        let mut waiting = visitor.twin();
        let path = format!("/hold.php?ms={seconds}000");
        let page = thread::spawn(move || waiting.get(address, &path).body);
        thread::sleep(Duration::from_secs(seconds * 4 / 5));
        let after = visitor.get(address, "/hold.php").body;
        assert_eq!(page.join().unwrap().trim(), "2,kept");
        assert_eq!(after.trim(), "3,kept");
    });
}

#[test]
fn a_page_that_waits_keeps_its_lock_and_its_change() {
    a_page_that_waits_keeps_its_lock(BOOKWORM, Store::Redis, 3);
    a_page_that_waits_keeps_its_lock(TRIXIE, Store::Memcached, 3);
}

mod slow {
    use super::*;

    /// PHP's `max_execution_time` is 30 seconds, and on Linux a page that waits does not use it up.
    #[test]
    fn a_page_that_waits_40_seconds_keeps_its_lock_and_its_change_in_redis() {
        a_page_that_waits_keeps_its_lock(BOOKWORM, Store::Redis, 40);
    }

    #[test]
    fn a_page_that_waits_40_seconds_keeps_its_lock_and_its_change_in_memcached() {
        a_page_that_waits_keeps_its_lock(TRIXIE, Store::Memcached, 40);
    }
}

/// On the command line `max_execution_time` is 0, and a lock would stay for ever.
#[test]
fn the_lock_of_a_killed_task_falls_away_after_a_minute() {
    build(config(TRIXIE, "full").env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let redis = Redis::start_with(&[]);
        let bound =
            format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", json!({"host": redis.host()}))]));
        let killed = "session_id('abc'); session_start(); exec('kill -9 ' . getmypid()); sleep(5);";
        // A container's first process cannot be killed from within.
        let task = ["--", "sh", "-c", "php -r \"$0\"; echo status $?", killed];
        let (_, output) = app.run(&["--env", &bound, "--env", DIRECT], &task);
        assert_contains!(output, "status 137");
        let mut connection = redis.connection();
        let expires: i64 =
            redis::cmd("TTL").arg("PHPREDIS_SESSION:abc_LOCK").query(&mut connection).unwrap();
        assert!((50..=60).contains(&expires), "{expires}: {output}");
    });
}

/// A try for the lock takes as long as the server's answer, and there are hundreds of them.
#[test]
fn lock_timeout_holds_with_a_server_that_is_far_away() {
    with_holding_page(TRIXIE, Store::Redis, |app| {
        let redis = Redis::start_with(&[]);
        let relay = Relay::start(redis.container.address(6379), Duration::from_millis(20));
        let credentials = json!({"host": relay.host(), "port": relay.port()});
        let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials)]));
        let options = "BPL_PHP_SESSION_OPTIONS=lock_timeout=1";
        let instance = app.start(&["--env", &bound, "--env", options, "--env", DIRECT]);
        let address = instance.address();
        let mut visitor = HttpClient::new();
        visitor.get(address, "/hold.php");
        let mut holding = visitor.twin();
        let page = thread::spawn(move || holding.get(address, "/hold.php?ms=6000").body);
        thread::sleep(Duration::from_secs(1));
        let started = Instant::now();
        visitor.get(address, "/hold.php");
        let waited = started.elapsed().as_secs_f64();
        // Above 3 seconds, if tries were counted as though the server was near.
        assert!((0.5..=2.5).contains(&waited), "{waited} s");
        assert!(page.join().unwrap().contains("kept"));
    });
}

/// What a server that hangs costs a visitor without a cookie: phpredis tries to make a session's name three times.
fn a_new_visitor_of_a_hung_redis_waits_as_the_documents_say(suite: Suite) {
    with_holding_page(suite, Store::Redis, |app| {
        let redis = Redis::start_with(&[]);
        let bound =
            format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", json!({"host": redis.host()}))]));
        let instance = app.start(&["--env", &bound, "--env", DIRECT]);
        docker_ok(&["kill", "--signal", "STOP", &redis.container.name]);
        let started = Instant::now();
        let answer = HttpClient::new().get(instance.address(), "/hold.php");
        let waited = started.elapsed().as_secs_f64();
        record(
            "new_visitors",
            &json!({"suite": suite.name, "seconds": waited, "status": answer.status}),
        );
        assert!((2.5..=10.0).contains(&waited), "{suite:?}: {waited}");
        docker_ok(&["kill", "--signal", "CONT", &redis.container.name]);
    });
}

/// `session_reset` takes the lock again that the request has already, and there is no setting that helps.
#[test]
fn session_reset_loses_the_change_as_the_documents_say() {
    const RESET: &str = "session_id('r'); session_start(); $_SESSION['a'] = 1; $t = microtime(true); session_reset(); \
        echo 'waited ', round(microtime(true) - $t), ' s';";
    build(config(TRIXIE, "full").env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let redis = Redis::start_with(&[]);
        let bound =
            format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", json!({"host": redis.host()}))]));
        let waits = |options: &str| {
            let options = format!("BPL_PHP_SESSION_OPTIONS={options}");
            let mut connection = redis.connection();
            run(&mut connection, &["FLUSHALL"]);
            app.run(&["--env", &bound, "--env", &options], &["--", "php", "-r", RESET]).1
        };
        let locked = waits("lock_timeout=2");
        assert!((2..=6).any(|seconds| locked.contains(&format!("waited {seconds} s"))), "{locked}");
        let unlocked = waits("locking=off");
        assert!(unlocked.contains("waited 0 s"), "{unlocked}");
    });
}

/// Proxies such as twemproxy and mcrouter, and Dragonfly, know no binary protocol; memcached itself gives it up.
fn a_memcached_with_the_text_protocol_only_keeps_sessions(suite: Suite) {
    build(config(suite, "full").env("BP_PHP_SESSION_STORE", "memcached"), |app| {
        let memcached = Memcached::start_with("exec memcached -u memcache -B ascii");
        let credentials = json!({"servers": memcached.server()});
        let bound = format!("VCAP_SERVICES={}", vcap(&[("memcached-sessions", credentials)]));
        assert_sessions_are_shared(app, &["--env", &bound]);
        assert_eq!(memcached.items(), 1);
    });
}

on_both! {
    a_new_visitor_of_a_hung_redis_waits_as_the_documents_say;
    a_memcached_with_the_text_protocol_only_keeps_sessions;
}
