//! No credential is ignored in silence: not a password under a neighbour's name, and nothing that means TLS.

use crate::harness::{CA, Harness, KEY, PROBE_OFF, error, proxy, save_path};
use php_session_store::launch::prepare::{Launch, prepare};
use php_session_store::store::Store;
use php_session_store::variable::Variable;
use serde_json::{Value, json};
use std::path::Path;

#[test]
fn passwords_under_the_names_of_charts_and_operators_are_used() {
    for name in [
        "valkey-password",
        "redis-password",
        "auth_token",
        "attribute.auth_token",
        "primary_access_key",
        "auth_string",
        "service_password",
        "pass",
        "pwd",
        "redisSecret",
        "AccessKey",
        "REDISPASSWORD",
        "requirepass",
    ] {
        let path = save_path(&json!({"host": "h", name: "pw"})).unwrap();
        assert_eq!(path, "tcp://h:6379?…&auth=pw", "{name}");
    }
    let linked = json!({"REDIS_HOST": "h", "REDIS_HOST_PORT": "6380", "REDIS_HOST_PASSWORD": "pw"});
    assert_eq!(save_path(&linked).unwrap(), "tcp://h:6380?…&auth=pw");
}

#[test]
fn an_unknown_name_that_looks_like_a_password_stops_the_start() {
    for name in ["sessions-password", "api_token", "clientSecret", "secondary_access_key"] {
        let error = error(&json!({"host": "h", name: "hunter2"}));
        assert!(error.contains(&format!("{name:?} looks like one")), "{name}: {error}");
    }
    // Where the password is known, another one is only named.
    assert!(save_path(&json!({"host": "h", "password": "pw", "admin-password": "x"})).is_ok());
    let memcached = Harness::new(Store::Memcached, "3.2.0");
    let error = memcached.vcap("x", &json!({"host": "h", "shop-password": "hunter2"})).unwrap_err();
    assert!(error.contains("looks like one"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

/// The launch, with the line that it prints.
fn launch(credentials: &Value) -> Launch {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let service = json!({"name": "redis-sessions", "credentials": credentials});
    let services = json!({"x": [service]}).to_string();
    let environment = [("VCAP_SERVICES", services.as_str()), PROBE_OFF].into_iter().collect();
    prepare(
        &environment,
        Path::new("/nowhere"),
        harness.layer.path(),
        Path::new("/nowhere"),
        &proxy,
    )
    .unwrap()
}

fn assert_unused(launch: &Launch, expected: &str) {
    let message = launch.messages.join("\n");
    let (_, unused) = message.split_once("; unused credentials: ").unwrap_or_default();
    assert_eq!(unused, expected, "{message}");
}

#[test]
fn the_launch_names_what_it_does_not_use() {
    let credentials =
        json!({"host": "h", "password": "pw", "color": "blue", "plan": "small", "timeout": 1});
    assert_unused(&launch(&credentials), "color");
    let without_tls =
        json!({"host": "h", "ca.crt": CA, "tls.crt": CA, "tls.key": KEY, "ssl": "no"});
    assert_unused(&launch(&without_tls), "ca.crt, tls.crt, tls.key");
    assert_unused(&launch(&json!({"host": "h", "password": "pw"})), "");
}

/// A broker's `timeout` may be milliseconds, its `persistent` a plan's property.
#[test]
fn a_brokers_own_option_stops_nothing_and_is_named() {
    let launch =
        launch(&json!({"host": "h", "timeout": 5000, "persistent": "aof", "read_timeout": 1}));
    assert_unused(&launch, "timeout, persistent");
    let path = launch.variables.iter().find(|(variable, _)| *variable == Variable::SavePath);
    assert!(path.unwrap().1.contains("&timeout=2&read_timeout=1"), "{path:?}");
}

#[test]
fn whatever_means_tls_gives_tls() {
    for credentials in [
        json!({"host": "h", "scheme": "tls"}),
        json!({"REDIS_HOST": "h", "REDIS_SCHEME": "rediss"}),
        json!({"host": "h", "ca.crt": CA}),
        json!({"host": "h", "ca.pem": CA}),
        json!({"host": "h", "tls.crt": CA, "tls.key": KEY}),
        json!({"host": "h", "ssl": "enabled"}),
        json!({"uri": "redis://h?ssl=true"}),
        json!({"uri": "rediss://h"}),
    ] {
        let path = save_path(&credentials).unwrap_or_else(|error| panic!("{credentials}: {error}"));
        assert!(path.starts_with("tls://h:6379?"), "{credentials}: {path}");
    }
    // Unless it is said otherwise.
    for credentials in [
        json!({"host": "h", "ca.crt": CA, "ssl": "disabled"}),
        json!({"host": "h", "scheme": "redis", "tls_port": 6380}),
    ] {
        assert!(save_path(&credentials).unwrap().starts_with("tcp://h:6379?"), "{credentials}");
    }
    let error = error(&json!({"host": "h", "scheme": "https", "password": "hunter2"}));
    assert!(error.contains("\"scheme\" is not a Redis scheme"), "{error}");
}

#[test]
fn a_uris_query_is_used_or_refused_by_name() {
    for (uri, expected) in [
        ("redis://h?db=2", "tcp://h:6379?…&database=2"),
        ("redis://h/1?database=2", "tcp://h:6379?…&database=2"),
        ("redis://h?password=pw", "tcp://h:6379?…&auth=pw"),
        ("tcp://h:6380?auth=a%40b", "tcp://h:6380?…&auth=a%40b"),
        ("unix:///run/redis.sock?db=2", "unix:///run/redis.sock?…&database=2"),
        ("redis://h?user=u&password=pw", "tcp://h:6379?…&auth%5B%5D=u&auth%5B%5D=pw"),
    ] {
        let path = save_path(&json!({"uri": uri})).unwrap().replace("auth[]", "auth%5B%5D");
        assert_eq!(path, expected, "{uri}");
    }
    // ioredis', go-redis' and redis-py's own words are named, and stop nothing.
    let queries = "?family=0&dial_timeout=5s&health_check_interval=2&password=hunter2";
    let launch = launch(&json!({"uri": format!("redis://h{queries}")}));
    let said = launch.messages.join("\n");
    let names = "warning: the credential \"uri\" has family, dial_timeout, health_check_interval in its query";
    assert!(said.contains(names), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let tls = error(&json!({"uri": "redis://:hunter2@h?ssl_cert_reqs=required"}));
    assert!(tls.contains("asks for TLS in its query"), "{tls}");
    let socket = error(&json!({"uri": "unix:///run/redis.sock?ssl=true"}));
    assert!(socket.contains("asks for TLS on a Unix socket"), "{socket}");
}

#[test]
fn a_password_that_was_not_encoded_is_said_and_not_shown() {
    for uri in [
        "redis://default:12?hunter2@h:6380",
        "redis://default:12/hunter2@h:6380",
        "redis://default:12#hunter2@h:6380",
    ] {
        let error = error(&json!({"uri": uri}));
        assert!(error.contains("before its @"), "{uri}: {error}");
        // It stops nothing where host and password stand beside it.
        let path = save_path(&json!({"uri": uri, "host": "h", "password": "pw"})).unwrap();
        assert_eq!(path, "tcp://h:6379?…&auth=pw", "{uri}");
    }
    let beside = json!({"url": "https://dashboard.example", "host": "h", "password": "pw"});
    assert_eq!(save_path(&beside).unwrap(), "tcp://h:6379?…&auth=pw");
    let encrypted = json!({"uri": "rediss://default:1#2@h", "host": "h", "password": "pw"});
    assert!(save_path(&encrypted).unwrap().starts_with("tls://h:6379?"));
}

#[test]
fn each_store_takes_its_own_of_a_secret_for_both() {
    let both = json!({"MEMCACHED_HOST": "m", "REDIS_HOST": "r", "REDIS_PASSWORD": "pw", "password": "own"});
    assert_eq!(save_path(&both).unwrap(), "tcp://r:6379?…&auth=own");
    let both = json!({"MEMCACHED_HOST": "m", "REDIS_HOST": "r", "REDIS_PASSWORD": "pw"});
    let variables = Harness::new(Store::Memcached, "3.2.0").vcap("x", &both).unwrap();
    assert_eq!(variables[Variable::SavePath.name()], "m:11211");
}

#[test]
fn the_launch_says_where_sessions_are_and_how_it_logs_in() {
    let redis = Harness::new(Store::Redis, "6.2.0");
    for (credentials, expected) in [
        (json!({"host": "h"}), "tcp://h:6379, no password, from"),
        (json!({"host": "h", "password": "pw", "tls": true}), "tls://h:6379, from"),
        (json!({"host": "h", "username": "u", "password": "pw"}), "tcp://h:6379, user \"u\", from"),
        (json!({"host": "", "hostname": "h"}), "tcp://h:6379, no password, from"),
    ] {
        let said = redis.said("x", &credentials);
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let memcached = Harness::new(Store::Memcached, "3.2.0");
    let login = json!({"servers": "a:1,b", "username": "shop", "password": "pw"});
    let said = memcached.said("x", &login);
    assert!(said.contains("memcached at a:1, b:11211, user \"shop\", from"), "{said}");
}

#[test]
fn a_uri_that_cannot_be_read_stops_the_start_unless_host_and_password_stand_beside_it() {
    let uri = "redis://default:12?34@h";
    assert!(save_path(&json!({"uri": uri, "host": "h", "password": "pw"})).is_ok());
    assert!(error(&json!({"uri": uri, "host": "h"})).contains("uri"));
    assert!(error(&json!({"uri": uri, "password": "hunter2"})).contains("uri"));
}

#[test]
fn sasl_takes_users_of_1024_bytes() {
    let memcached = Harness::new(Store::Memcached, "3.2.0");
    for (length, is_ok) in [(1024, true), (1025, false)] {
        let login = json!({"host": "h", "username": "u".repeat(length), "password": "pw"});
        assert_eq!(memcached.vcap("x", &login).is_ok(), is_ok, "{length}");
    }
}
