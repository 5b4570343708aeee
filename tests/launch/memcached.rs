//! Memcached services.

use crate::harness::{CA, Harness, PROXY_SOCKET};
use php_session_store::store::Store;
use php_session_store::variable::Variable;
use serde_json::json;

#[test]
fn memcached_services() {
    let many = "mc1.example:11211,mc2.example:11211";
    let rows = [
        (
            "memcachier",
            json!({"servers": many, "username": "AB12", "password": "sasl-pw"}),
            many,
            true,
        ),
        (
            "memcachedcloud",
            json!({"MEMCACHEDCLOUD_SERVERS": "m:13247", "MEMCACHEDCLOUD_USERNAME": "u",
                "MEMCACHEDCLOUD_PASSWORD": "p"}),
            "m:13247",
            true,
        ),
        ("user-provided", json!({"servers": "a b:1; c"}), "a:11211,b:1,c:11211", false),
        ("user-provided", json!({"servers": ["a:1", "[::1]:2"]}), "a:1,[::1]:2", false),
        ("user-provided", json!({"servers": "::1"}), "[::1]:11211", false),
        ("user-provided", json!({"host": "h"}), "h:11211", false),
        ("user-provided", json!({"uri": "memcached://h:1"}), "h:1", false),
        ("user-provided", json!({"endpoint": "h:2"}), "h:2", false),
        (
            "user-provided",
            json!({"MEMCACHED_HOST": "h", "memcached-user": "u", "memcached-password": "p"}),
            "h:11211",
            true,
        ),
        (
            "user-provided",
            json!({"host": "h", "login": "u", "SASL_PASSWORD": "p"}),
            "h:11211",
            true,
        ),
        ("user-provided", json!({"hostname": "h", "port": "11212"}), "h:11212", false),
    ];
    for (label, credentials, expected, login) in rows {
        let harness = Harness::new(Store::Memcached, "3.2.0");
        let off = [("BPL_PHP_SESSION_PROXY", "off")];
        let variables = harness.vcap_with(label, &credentials, &off).unwrap();
        assert_eq!(variables[Variable::SavePath.name()], expected, "{credentials}");
        assert_eq!(variables.contains_key(Variable::Password.name()), login, "{credentials}");
        // The lines for a login are read only where there is one.
        let scan_dir = &variables[Variable::IniScanDir.name()];
        assert_eq!(scan_dir.contains("/login.d"), login, "{credentials}: {scan_dir}");
        let persistent = if login { "0" } else { "1" };
        assert_eq!(variables[Variable::Persistent.name()], persistent, "{credentials}");
    }
}

#[test]
fn an_id_that_makes_keys_too_long_stops_the_start() {
    let harness = Harness::with_sid_length(Store::Memcached, "3.3.0", 256);
    let said = harness.said_when_asked(&json!({"servers": "127.0.0.1:1"}));
    assert!(said.starts_with("No session can be kept"), "{said}");
    assert!(said.contains("Set session.sid_length to 231 or less"), "{said}");
}

#[test]
fn tls_and_a_login_lead_through_the_session_proxy() {
    let harness = Harness::new(Store::Memcached, "3.2.0");
    for (credentials, expected) in [
        (json!({"host": "h", "tls": true}), PROXY_SOCKET),
        (json!({"host": "h", "ca.crt": CA}), PROXY_SOCKET),
        (json!({"host": "h", "tls_port": 11212}), PROXY_SOCKET),
        (json!({"host": "h", "username": "u", "password": "p"}), PROXY_SOCKET),
        (json!({"host": "h"}), "h:11211"),
    ] {
        let auto = [("BPL_PHP_SESSION_PROXY", "auto")];
        let variables = harness.vcap_with("x", &credentials, &auto).unwrap();
        assert_eq!(variables[Variable::SavePath.name()], expected, "{credentials}");
        let is_proxy = expected == PROXY_SOCKET;
        let binary = if is_proxy { "1" } else { "0" };
        assert_eq!(variables[Variable::BinaryProtocol.name()], binary, "{credentials}");
        assert!(!variables.contains_key(Variable::Password.name()), "{credentials}");
        let on = harness.vcap_with("x", &credentials, &[("BPL_PHP_SESSION_PROXY", "on")]).unwrap();
        assert_eq!(on[Variable::SavePath.name()], PROXY_SOCKET, "{credentials}");
    }
    let error = harness.direct(&json!({"host": "h", "tls": true})).unwrap_err();
    assert!(error.contains("memcached extension does not support TLS"), "{error}");
    assert!(error.contains("Set BPL_PHP_SESSION_PROXY=auto"), "{error}");
}
