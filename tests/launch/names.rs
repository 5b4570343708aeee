//! Credentials count by the words of their names, and what looks like a secret or like TLS is never left out.

use crate::harness::{CA, KEY, error, save_path};
use serde_json::json;

/// What Azure's Terraform provider, Google's and AWS's write, each with TLS.
#[test]
fn a_port_with_tls_is_taken_whatever_its_name() {
    for (credentials, address) in [
        (
            json!({"hostname": "h", "port": 6379, "ssl_port": 6380, "primary_access_key": "k", "secondary_access_key": "l"}),
            "h:6380",
        ),
        (json!({"host": "h", "port": 6379, "SSLPort": "6380", "password": "k"}), "h:6380"),
        (json!({"host": "h", "port": 6379, "secure-port": 6380, "password": "k"}), "h:6380"),
        (
            json!({"host": "h", "port": 6380, "non_ssl_port_enabled": false, "password": "k"}),
            "h:6380",
        ),
        (
            json!({"host": "h", "port": 6380, "enableNonSslPort": "false", "password": "k"}),
            "h:6380",
        ),
        (
            json!({"host": "h", "port": 6378, "auth_string": "k", "transit_encryption_mode": "SERVER_AUTHENTICATION"}),
            "h:6378",
        ),
        (
            json!({"primary_endpoint_address": "h", "reader_endpoint_address": "r", "port": 6379, "auth_token": "k", "transit_encryption_enabled": true, "at_rest_encryption_enabled": true}),
            "h:6379",
        ),
        (json!({"endpoint": "h:7000", "use_ssl": "yes", "token": "k"}), "h:7000"),
    ] {
        let path = save_path(&credentials).unwrap_or_else(|error| panic!("{credentials}: {error}"));
        let expected = format!("tls://{address}?…&auth=k&stream[verify_peer]=1");
        assert_eq!(path, expected, "{credentials}");
    }
    let plain = json!({"host": "h", "port": 6379, "ssl_port": 6380, "non_ssl_port_enabled": true, "ssl": false});
    assert_eq!(save_path(&plain).unwrap(), "tcp://h:6379?…");
}

#[test]
fn what_looks_like_tls_or_a_ca_stops_the_start_unless_it_is_known() {
    let with = |name: &str, value: &str| json!({"host": "h", "password": "hunter2", name: value});
    for (name, value) in
        [("ssl_thing", "on"), ("encryption_policy", "strict"), ("trust_anchor", CA)]
    {
        let error = error(&with(name, value));
        let expected = format!("{name:?}, which looks like TLS");
        assert!(error.contains(&expected), "{name}: {error}");
        assert!(error.contains("tls=off"), "{name}: {error}");
    }
    for (name, value) in [
        ("ssl_thing", "off"),
        ("at_rest_encryption_enabled", "true"),
        ("minimum_tls_version", "1.2"),
        ("tls_versions", "tlsv1.2"),
    ] {
        assert_eq!(save_path(&with(name, value)).unwrap(), "tcp://h:6379?…&auth=hunter2", "{name}");
    }
    let mut encrypted = with("trust_anchor", CA);
    encrypted["tls"] = json!(true);
    let error = error(&encrypted);
    assert!(error.contains("a certificate in \"trust_anchor\""), "{error}");
    assert!(error.contains("ca=/PATH"), "{error}");
}

#[test]
fn what_is_for_another_is_not_taken() {
    let credentials = json!({
        "host": "h", "port": 6379, "password": "pw",
        "admin_port": 8001, "admin_password": "a", "metrics_port": 9121, "reader_endpoint": "r",
        "replica_host": "r", "sentinel": {"host": "s", "port": 26379, "password": "s"}, "dashboard_url": "https://d",
        "cluster_bus_port": 16379, "MEMCACHED_HOST": "m", "MEMCACHED_PASSWORD": "m", "proxy_host": "x",
    });
    assert_eq!(save_path(&credentials).unwrap(), "tcp://h:6379?…&auth=pw");
    // Neither is a flag.
    assert_eq!(save_path(&json!({"host": "h", "auth": true})).unwrap(), "tcp://h:6379?…");
    // Sentinel's password, or another store's, is none of a server's.
    let without = json!({"host": "h", "sentinel_password": "s", "MEMCACHED_PASSWORD": "m"});
    assert_eq!(save_path(&without).unwrap(), "tcp://h:6379?…");
}

#[test]
fn an_unknown_secret_is_said_with_all_that_is_not_used() {
    for (name, value) in [
        ("api_token", "hunter2"),
        ("internal_url", "redis://:hunter2@h"),
        ("primary_connection", "h:1,password=hunter2"),
    ] {
        let error = error(&json!({"host": "h", "color": "blue", name: value}));
        assert!(error.contains(&format!("{name:?} looks like one")), "{error}");
        assert!(error.contains("Bound and not used: "), "{error}");
        assert!(error.contains("color"), "{error}");
    }
}

#[test]
fn certificates_and_a_private_key_are_the_clients_as_the_specification_says() {
    let path =
        save_path(&json!({"host": "h", "certificates": CA, "private-key": KEY, "ca.crt": CA}))
            .unwrap();
    assert!(path.contains("stream[local_cert]="), "{path}");
    assert!(path.contains("stream[local_pk]="), "{path}");
    assert!(path.contains("stream[cafile]="), "{path}");
}

#[test]
fn a_password_in_the_query_is_neither_shown_nor_taken_for_a_name() {
    for uri in [
        "redis://user:12?x=1&hunter2@h",
        "redis://user:12?hunter2=1&x@h",
        "redis://h?:hunter2@h",
        "redis://h?family=0&x=hunter2@h",
    ] {
        assert!(error(&json!({"uri": uri})).contains("before its @"), "{uri}");
    }
}

#[test]
fn words_of_the_owner_are_left_out_where_only_one_name_says_where_the_server_is() {
    for (credentials, expected) in [
        (json!({"SHOP_REDIS_HOST": "h", "SHOP_REDIS_PASSWORD": "pw"}), "tcp://h:6379?…&auth=pw"),
        (json!({"shop-host": "h", "shop-port": "1", "shop-password": "pw"}), "tcp://h:1?…&auth=pw"),
        // nais
        (
            json!({"VALKEY_HOST_SHOP": "h", "VALKEY_PORT_SHOP": "1", "VALKEY_PASSWORD_SHOP": "pw"}),
            "tcp://h:1?…&auth=pw",
        ),
        (
            json!({"SHOP_REDIS_HOST": "h", "SHOP_REDIS_PASSWORD": "pw", "MAIL_HOST": "m", "MAIL_PASSWORD": "m"}),
            "tcp://h:6379?…&auth=pw",
        ),
    ] {
        let path = save_path(&credentials).unwrap_or_else(|error| panic!("{credentials}: {error}"));
        assert_eq!(path, expected, "{credentials}");
    }
    for guess in [
        json!({"SHOP_HOST": "h", "MAIL_HOST": "m", "MAIL_PASSWORD": "hunter2"}),
        json!({"REDIS_PASSWORD": "hunter2", "MAIL_HOST": "m"}),
        json!({"reader_host": "h", "reader_password": "hunter2"}),
        json!({"admin-url": "redis://:hunter2@h"}),
    ] {
        assert!(error(&guess).contains("has no host"), "{guess}");
    }
}

/// Managed services as their Terraform providers show them.
#[test]
fn what_terraform_shows_is_read_as_it_is() {
    for (credentials, expected) in [
        (
            json!({"host": "10.0.0.1", "port": 6378, "auth_enabled": true, "auth_string": "a", "read_endpoint": "", "read_endpoint_port": 0,
                "server_ca_certs": [{"cert": CA, "sha1_fingerprint": "x"}], "transit_encryption_mode": "SERVER_AUTHENTICATION"}),
            "tls://10.0.0.1:6378?…&auth=a&stream[verify_peer]=1&stream[cafile]=*.pem",
        ),
        (
            json!({"service_host": "h", "service_port": 1, "service_username": "avnadmin", "service_password": "p", "service_uri": "rediss://avnadmin:p@h:1"}),
            "tls://h:1?…&auth[]=avnadmin&auth[]=p&stream[verify_peer]=1",
        ),
        (
            json!({"endpoint": [{"address": "h", "port": 6379}], "reader_endpoint": [{"address": "r", "port": 6380}], "user_name": "u", "password": "p", "tls": true}),
            "tls://h:6379?…&auth[]=u&auth[]=p&stream[verify_peer]=1",
        ),
        (
            json!({"endpoints": [{"domain": "h", "port": 20185, "scheme": "rediss", "ssl": true, "uri": "rediss://<username>:<password>@h"}], "password": "p"}),
            "tls://h:20185?…&auth=p&stream[verify_peer]=1",
        ),
        (
            json!({"hostname": "h", "port": 10000, "primaryKey": "k", "secondaryKey": "l", "clientProtocol": "Encrypted"}),
            "tls://h:10000?…&auth=k&stream[verify_peer]=1",
        ),
        (
            json!({"configuration_endpoint_address": "c", "port": 1, "auth_token": "a"}),
            "seed[]=c%3A1&…&auth=a",
        ),
        (json!({"servers": "a:1", "PassWord": "p"}), "tcp://a:1?…&auth=p"),
    ] {
        let path = save_path(&credentials).unwrap_or_else(|error| panic!("{credentials}: {error}"));
        assert_eq!(path, expected, "{credentials}");
    }
}
