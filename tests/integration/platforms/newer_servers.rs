//! Servers that Debian 12 does not have, Redis 8 and Valkey: they say some things in other words.

use crate::servers::{
    Right, Row, assert_no_connection_is_free, assert_protected_mode_is_named, assert_rights_matter,
};
use crate::support::TRIXIE;
use crate::support::services::Redis;
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
