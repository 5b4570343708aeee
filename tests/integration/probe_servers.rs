//! The launch at servers that are another thing than the credentials say, and at certificates that only OpenSSL refuses.

use crate::probe::{assert_refused, start};
use crate::support::app::build;
use crate::support::app::config;
use crate::support::certificates::Authority;
use crate::support::docker::Container;
use crate::support::services::{IMAGE, Redis};
use crate::support::tls::TlsServer;
use crate::support::{BOOKWORM, TRIXIE};
use libcnb_test::{assert_contains, assert_not_contains};
use serde_json::json;

#[test]
fn a_sentinel_a_single_server_and_a_cluster_without_slots_have_words_of_their_own() {
    build(config(BOOKWORM, "full").env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let script = "echo port 26379 >/tmp/sentinel.conf; exec redis-server /tmp/sentinel.conf --sentinel --protected-mode no";
        let sentinel = Container::start(&[], IMAGE, &["sh", "-c", script]);
        sentinel.wait_for_port(26379);
        let at_sentinel = json!({"host": sentinel.ip(), "port": 26379});
        assert_refused(app, "a Sentinel", &at_sentinel, &["may be Redis Sentinel"]);
        let mut with_login = at_sentinel.clone();
        with_login["password"] = json!("any");
        assert_refused(app, "a Sentinel, with a password", &with_login, &["Redis Sentinel"]);

        let single = Redis::start_with(&[]);
        let cluster = json!({"cluster.nodes": format!("{}:6379", single.host())});
        assert_refused(app, "a single server", &cluster, &["The server is not a cluster"]);
        let node = Redis::start_with(&["--cluster-enabled", "yes"]);
        let cluster = json!({"cluster.nodes": format!("{}:6379", node.host())});
        for credentials in [cluster, json!({"host": node.host()})] {
            let started = start(app, &credentials, &[]);
            let words = "node of a cluster in which nobody serves the slot";
            assert!(started.started, "{}", started.log);
            assert_contains!(started.log, words);
        }
    });
}

const DIRECT: [&str; 2] = ["--env", "BPL_PHP_SESSION_PROXY=off"];
const PROXY: [&str; 2] = ["--env", "BPL_PHP_SESSION_PROXY=on"];

/// In TLS 1.3 the handshake is over before the server refuses; and OpenSSL looks at a CA's dates, unlike the proxy.
#[test]
fn what_only_openssl_refuses_stops_the_start_where_php_connects_itself() {
    build(config(TRIXIE, "full").env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let strict = TlsServer::start("yes", &[]);
        for route in [DIRECT, PROXY] {
            let refused = start(app, &strict.credentials(), &route);
            let words = "requires a client certificate: it refuses the TLS connection";
            assert!(!refused.started, "{}", refused.log);
            assert_contains!(refused.log, words);
        }
        let expired = TlsServer::start_with_authority(Authority::expired());
        let refused = start(app, &expired.credentials(), &DIRECT);
        let words = "not trusted: a CA in the credentials expired on 2020-02-29";
        assert!(!refused.started, "{}", refused.log);
        assert_contains!(refused.log, words);
        let kept = start(app, &expired.credentials(), &PROXY);
        assert!(kept.started, "{}", kept.log);
        assert_not_contains!(kept.log, "warning");
        // An expired one beside the right one harms nobody.
        let server = TlsServer::start("no", &[]);
        let mut credentials = server.credentials();
        let both = format!("{}{}", server.authority.certificate, expired.authority.certificate);
        credentials["cacrt"] = json!(both);
        let kept = start(app, &credentials, &DIRECT);
        assert!(kept.started, "{}", kept.log);
        assert_not_contains!(kept.log, "warning");
    });
}

#[test]
fn the_build_says_how_large_a_session_may_be() {
    build(config(BOOKWORM, "full").env("BP_PHP_SESSION_STORE", "memcached"), |app| {
        assert_contains!(app.log, "A session has at most 1 MB");
    });
}
