//! Services that cannot be used: the message says what they are and what would work.

use crate::harness::{CA, Harness, KEY};
use php_session_store::store::Store;
use serde_json::{Value, json};

/// Credentials, and parts of the message.
type Row<'a> = (Value, &'a [&'a str]);

/// Each is refused, by a message that names the service and shows no secret.
fn assert_refused(store: Store, rows: &[Row<'_>]) {
    let version = if store == Store::Redis { "6.2.0" } else { "3.2.0" };
    for (credentials, expected) in rows {
        let error = Harness::new(store, version).vcap("x", credentials).unwrap_err();
        for part in *expected {
            assert!(error.contains(part), "{credentials}: {part:?} is not in:\n{error}");
        }
        let service = format!("my-{}", store.default_search_key());
        assert!(error.contains(&service), "{credentials}: the service is not named in:\n{error}");
        assert!(!error.contains("hunter2"), "{credentials}: a secret in:\n{error}");
    }
}

#[test]
fn what_redis_sessions_cannot_use_is_said_with_what_would_work() {
    assert_refused(
        Store::Redis,
        &[
            (json!({"credhub-ref": "/c/x/credentials"}), &["credhub-ref", "interpolate"]),
            (json!({}), &["has no host", "no credentials", "or uri"]),
            (json!({"password": "hunter2", "hots": "h", "host": null}), &["hots", "host (null)"]),
        ],
    );
}

#[test]
fn what_is_malformed_is_said_with_what_is_expected() {
    assert_refused(
        Store::Redis,
        &[
            (json!({"host": "h", "port": "hunter2"}), &["\"port\" is not a port", "1 to 65535"]),
            (json!({"host": "h", "port": 65536}), &["\"port\" is not a port"]),
            (json!({"host": "h", "port": 0}), &["\"port\" is not a port"]),
            (json!({"host": "h\nextension=x"}), &["\"host\" is not a host name"]),
            (json!({"host": {"a": "hunter2"}}), &["\"host\" is a list or an object"]),
            (json!({"host": "h", "ssl": "hunter2"}), &["\"ssl\" is neither true nor false"]),
            (json!({"host": "h", "password": "a\u{0}b"}), &["NUL"]),
            (json!({"uri": "http://h"}), &["\"uri\" does not have a Redis scheme", "rediss://"]),
            (
                json!({"uri": "redis://hunter2#x@h"}),
                &["\"uri\" has a ?, / or #", "percent-encoded"],
            ),
            (json!({"uri": "redis://h/hunter2"}), &["not a database number"]),
            (
                json!({"uri": "redis://:hunter2@fd00::5:6379"}),
                &["\"uri\" has an IPv6 address without brackets", "[fd00::5]:6379"],
            ),
            (json!({"cluster.nodes": "fd00::5:6379"}), &["IPv6 address without brackets"]),
            (json!({"uri": "unix:///tmp/a b"}), &["\"uri\" does not have a path"]),
            (json!({"host": "h", "tls": true, "cacrt": "hunter2"}), &["\"cacrt\" is not PEM"]),
            (
                json!({"host": "h", "tls": true, "tls.crt": CA}),
                &["no key for its client certificate"],
            ),
            (
                json!({"cluster.nodes": "h:hunter2"}),
                &["\"cluster.nodes\" has a server with a port that is not from 1 to 65535"],
            ),
        ],
    );
}

#[test]
fn what_memcached_sessions_cannot_use_is_said_with_what_would_work() {
    assert_refused(
        Store::Memcached,
        &[
            (json!({"credhub-ref": "((/c/x))"}), &["credhub-ref", "interpolate"]),
            (json!({"uri": "redis://h"}), &["does not have a Memcached scheme", "memcached://"]),
            (
                json!({"servers": "h", "username": "u"}),
                &["no password for its username", "neither"],
            ),
            (json!({"servers": "h", "password": "hunter2"}), &["no username for its password"]),
            (
                json!({"servers": "h", "memcached-password": "hunter2"}),
                &["no username for its password", "It has: memcached-password, servers"],
            ),
            (json!({"servers": "h", "username": " u", "password": "p"}), &["blank"]),
            (
                json!({"servers": "h:x"}),
                &["\"servers\" has a server with a port that is not from 1 to 65535"],
            ),
            (json!({"servers": " , "}), &["\"servers\" is not a list"]),
            (json!({"servers": [5]}), &["\"servers\" is not a list"]),
            (json!({"password": "hunter2"}), &["has no servers"]),
        ],
    );
}

#[test]
fn what_an_extension_is_too_old_for_is_said_with_the_version_that_can() {
    let tls = json!({"host": "h", "tls_port": 6379, "password": "pw"});
    let with = |name: &str, value: &str| {
        let mut credentials = tls.clone();
        credentials[name] = json!(value);
        credentials
    };
    let mut client = with("tls.crt", CA);
    client["tls.key"] = json!(KEY);
    let cluster = json!({"cluster.nodes": "h1,h2", "tls": true, "password": "pw"});
    for (version, credentials, expected) in [
        (
            "5.3.7",
            &client,
            "needs a client certificate, which the PHP extension redis 5.3.7 does not support",
        ),
        ("5.3.7", &with("verify_peer", "off"), "TLS without verifying the certificate"),
        ("5.3.7", &with("host", "fd00::5"), "TLS to an IPv6 address"),
        (
            "5.0.2",
            &tls,
            "needs TLS, which the PHP extension redis 5.0.2 does not support. Version 5.1.0",
        ),
        ("5.3.1", &cluster, "TLS to a cluster"),
        ("5.2.0", &json!({"host": "h", "user": "u", "password": "p"}), "an ACL user"),
    ] {
        let error = Harness::new(Store::Redis, version).direct(credentials).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn tls_with_a_php_that_has_no_openssl_is_refused_before_the_first_visitor() {
    let credentials = json!({"uri": "rediss://:hunter2@h:6380"});
    let without = Harness::with_tls(Store::Redis, "6.2.0", false);
    let error = without.direct(&credentials).unwrap_err();
    assert!(error.contains("no OpenSSL extension"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    without.direct(&json!({"host": "h"})).unwrap();
    Harness::new(Store::Redis, "6.2.0").vcap("x", &credentials).unwrap();
}
