//! Servers that Debian 12 does not have, Redis 8 and Valkey: they say some things in other words.

use crate::servers::{
    Right, Row, assert_no_connection_is_free, assert_protected_mode_is_named, assert_rights_matter,
};
use crate::support::TRIXIE;
use crate::support::app::{build, config};
use crate::support::http_client::assert_sessions_are_shared;
use crate::support::services::{Redis, run, vcap};
use serde_json::json;

const IMAGE: &str = "php-session-store/newer-services";

fn is_served_as_others(program: &str) {
    let start = |options: &[&str]| Redis::start_program(IMAGE, program, options);
    let slots = start(&["--cluster-enabled", "yes"]);
    slots.own_all_slots();
    Row::kept(json!({"host": slots.host()}), Right::Direct).assert(TRIXIE);
    // Plain ones, at first.
    assert_rights_matter(&start(&[]), TRIXIE);
    assert_no_connection_is_free(&start(&["--maxclients", "1"]), TRIXIE);
    assert_protected_mode_is_named(&start(&["--protected-mode", "yes"]), TRIXIE);
    let replica = start(&["--replicaof", "127.0.0.1 1"]);
    let refused = Right::Refused("read-only replica", "read-only-replica");
    Row::none(json!({"host": replica.host()}), refused).assert(TRIXIE);
}

#[test]
fn redis_8() {
    is_served_as_others("redis-server");
}

#[test]
fn valkey() {
    is_served_as_others("valkey-server");
}

/// As of version 9. PHP's own handler knows only the first one.
#[test]
fn valkey_has_numbered_databases_in_a_cluster() {
    let options = ["--cluster-enabled", "yes", "--cluster-databases", "16"];
    let valkey = Redis::start_program(IMAGE, "valkey-server", &options);
    valkey.own_all_slots();
    let nodes = format!("{}:6379", valkey.host());
    let credentials = json!({"cluster.nodes": nodes, "database": 3});
    let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials)]));
    build(config(TRIXIE, "full").env("BP_PHP_SESSION_STORE", "redis"), |app| {
        assert_sessions_are_shared(app, &["--env", &bound]);
        let (kept, log) = app.check(&["--env", &bound]);
        assert!(kept, "{log}");
        let (started, log) =
            app.run(&["--env", &bound, "--env", "BPL_PHP_SESSION_PROXY=off"], &["true"]);
        assert!(!started, "{log}");
        assert!(log.contains("knows only database 0 of a cluster"), "{log}");
    });
    let mut connection = valkey.connection();
    run(&mut connection, &["SELECT", "3"]);
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).expect("keys");
    assert!(keys.iter().any(|key| key.starts_with("PHPREDIS_CLUSTER_SESSION:")), "{keys:?}");
}
