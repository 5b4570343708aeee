//! The commands that phpredis sends, and the rights that it needs.

use crate::support::app::{build, config};
use crate::support::docker::Container;
use crate::support::http_client::assert_sessions_are_shared;
use crate::support::services::{IMAGE, Redis, run, vcap};
use crate::support::{Suite, on_both};
use libcnb_test::assert_not_contains;
use php_session_store::php::redis_commands::{COMMANDS, When};
use serde_json::json;
use std::collections::BTreeSet;

/// The commands that `MONITOR` shows. What a script runs is marked `lua`; the client of the test says hello in its own way.
fn commands_in(log: &str) -> Vec<String> {
    let lines = log.lines().filter(|line| !line.contains(" lua]") && line.contains('"'));
    let of_php = lines.filter(|line| !line.contains("CLIENT") && !line.contains("HELLO"));
    let names = of_php.filter_map(|line| Some(line.split('"').nth(1)?.to_uppercase()));
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// `MONITOR` shows what phpredis sends for sessions of every kind.
fn phpredis_sends_the_commands_of_the_table_and_no_other(suite: Suite) {
    const PAGES: &str = "foreach ([0, 1] as $strict) { ini_set('session.use_strict_mode', $strict); \
        session_id(''); session_start(); $id = session_id(); $_SESSION['a'] = 1; session_write_close(); \
        session_id($id); session_start(); $_SESSION['a'] = 2; session_write_close(); \
        session_id($id); session_start(); session_write_close(); \
        session_id($id); session_start(); session_regenerate_id(true); $_SESSION['b'] = 1; session_write_close(); \
        session_start(); session_destroy(); }";
    build(config(suite, "full").env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let redis = Redis::start_with(&[]);
        let credentials = json!({"host": redis.host(), "database": 2});
        let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials)]));
        let monitor = Container::start(&[], IMAGE, &["redis-cli", "-h", &redis.host(), "monitor"]);
        monitor.wait_for_log("OK");
        let options = [
            "--env",
            &bound,
            "--env",
            "BPL_PHP_SESSION_OPTIONS=persistent=on",
            "--env",
            "BPL_PHP_SESSION_PROBE=off",
        ];
        let pages = [
            "--",
            "php",
            "-d",
            "session.use_cookies=0",
            "-d",
            "session.cache_limiter=",
            "-r",
            PAGES,
        ];
        let (succeeded, output) = app.run(&options, &pages);
        assert!(succeeded, "{output}");
        assert_not_contains!(output, "Warning");
        let mut connection = redis.connection();
        run(&mut connection, &["ECHO", "the end"]);
        monitor.wait_for_log("the end");
        let log = monitor.logs();
        let of_one_server = COMMANDS.iter().filter(|(_, when)| *when != When::Cluster);
        let mut expected: Vec<&str> = of_one_server.map(|(command, _)| *command).collect();
        expected.sort_unstable();
        assert_eq!(commands_in(&log), expected, "{log}");

        // And a user with these rights, and no other, keeps sessions.
        let rights = php_session_store::php::redis_commands::rights("PHPREDIS_SESSION:");
        let mut words = vec!["ACL", "SETUSER", "shop", "on", ">pw"];
        words.extend(rights.split(' '));
        run(&mut connection, &words);
        let credentials =
            json!({"host": redis.host(), "username": "shop", "password": "pw", "database": 2});
        let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials)]));
        assert_sessions_are_shared(
            app,
            &["--env", &bound, "--env", "BPL_PHP_SESSION_OPTIONS=persistent=on"],
        );
    });
    assert!(COMMANDS.iter().any(|(_, when)| *when == When::StrictMode));
}

on_both! {
    phpredis_sends_the_commands_of_the_table_and_no_other;
}
