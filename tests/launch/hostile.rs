//! Input that nobody means well with: never a panic, never a secret in a message, never a long wait.

use crate::harness::Harness;
use php_session_store::store::Store;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::time::{Duration, Instant};

/// In every value that could be a secret.
const MARKER: &str = "hunter2";

/// Far more than any of these takes, even in a debug build on a busy machine.
const A_MOMENT: Duration = Duration::from_secs(6);

/// Names that the readers look for, and others.
fn name() -> impl Strategy<Value = String> {
    let known = vec![
        "host",
        "hostname",
        "port",
        "tls_port",
        "username",
        "user",
        "password",
        "uri",
        "url",
        "ssl",
        "tls",
        "database",
        "cluster.nodes",
        "hosts",
        "cluster_mode",
        "cacrt",
        "tls.crt",
        "tls.key",
        "servers",
        "connection",
        "rediss",
        "redis",
        "sentinel",
        "composed",
        "authentication",
        "timeout",
        "prefix",
        "persistent",
        "locking",
        "REDIS_HOST",
        "VALKEY_URI",
        "credhub-ref",
        "role-arn",
        "name",
        "type",
    ];
    prop_oneof![select(known).prop_map(str::to_owned), ".{0,8}"]
}

/// Any JSON, with the marker in every text.
fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        ".{0,12}".prop_map(|text| format!("{MARKER}{text}")),
        ".{0,12}".prop_map(|text| format!("redis://{text}:{MARKER}@h/{text}")),
        ".{0,12}".prop_map(|text| format!("[\"{MARKER}\", {text}]")),
        ".{0,12}".prop_map(|text| format!("-----BEGIN {MARKER}{text}")),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(name(), inner, 0..4)
                .prop_map(|map| Value::from(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_credentials_are_a_message_shows_none_of_them(
        credentials in btree_map(name(), value(), 0..8),
        redis in any::<bool>(),
    ) {
        let (store, version) = if redis { (Store::Redis, "6.2.0") } else { (Store::Memcached, "3.3.0") };
        // The names of credentials are shown, and are no secrets.
        prop_assume!(!credentials.keys().any(|name| name.contains(MARKER)));
        let credentials = credentials.into_iter().map(|(name, value)| shown(name, value)).collect();
        let said = Harness::new(store, version).said("x", &Value::Object(credentials));
        prop_assert!(!said.contains(MARKER), "{}", said);
    }
}

/// Hosts and users are shown, in messages of success as in errors, and are no secrets: without the marker, unless
/// they look like a uri with a password.
fn shown(name: String, value: Value) -> (String, Value) {
    let value = shown_at(&name, value);
    (name, value)
}

/// `path` is the name with those around it: `host` with a `name` in it is a `hostname`, too.
fn shown_at(path: &str, value: Value) -> Value {
    let mut lower = path.to_ascii_lowercase();
    lower.retain(|c| c.is_ascii_alphanumeric());
    let names = ["host", "hostname", "hosts", "nodes", "servers", "user", "username"];
    let is_shown = names.iter().any(|shown| lower.contains(shown)) && !lower.ends_with("password");
    let below = |(name, value): (String, Value)| {
        let value = shown_at(&format!("{path}.{name}"), value);
        (name, value)
    };
    match value {
        Value::String(text) if is_shown && !text.contains('@') => text.replace(MARKER, "h").into(),
        Value::Array(list) => {
            list.into_iter().map(|value| shown_at(path, value)).collect::<Vec<_>>().into()
        }
        Value::Object(map) => Value::Object(map.into_iter().map(below).collect()),
        other => other,
    }
}

/// The search above sees messages of success, too.
#[test]
fn a_success_says_where_and_who_and_not_the_password() {
    let credentials = json!({"host": "h", "username": "shop", "password": MARKER, "odd": 1});
    let said = Harness::new(Store::Redis, "6.2.0").said("x", &credentials);
    for word in ["sessions in redis", "h:6379", "shop", "unused credentials: odd"] {
        assert!(said.contains(word), "{said}");
    }
    assert!(!said.contains(MARKER), "{said}");
}

/// Found by the search above.
#[test]
fn a_user_that_is_a_uri_is_not_shown() {
    let credentials = json!({"": {"username": [format!("redis://:{MARKER}@h/")]},
        "\0": {"cluster.nodes": false, "password": 0}});
    let said = Harness::new(Store::Redis, "6.2.0").said("x", &credentials);
    assert!(said.contains("user \"***\""), "{said}");
    assert!(!said.contains(MARKER), "{said}");
}

#[test]
fn what_is_large_or_deep_takes_a_moment() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let padding: Map<String, Value> =
        (0..20_000).map(|n| (format!("key-{n}"), json!("x".repeat(40)))).collect();
    let mut large = padding.clone();
    large.insert("host".to_owned(), json!("h"));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100));
    let cases = [
        ("a megabyte of credentials", Value::from(large), true),
        ("a megabyte of the wrong credentials", Value::from(padding), false),
        ("a host of a megabyte", json!({"host": "h".repeat(1_000_000)}), false),
        ("a password of a megabyte", json!({"host": "h", "password": "ü\"".repeat(300_000)}), true),
        ("deep JSON in a text", json!({"host": "h", "connection": deep}), true),
        ("nested JSON in a text", json!({"host": "h", "redis": nested}), true),
        ("many nodes", json!({"cluster.nodes": "h:1,".repeat(100_000)}), true),
    ];
    for (what, credentials, works) in cases {
        let start = Instant::now();
        let result = harness.vcap("x", &credentials);
        assert!(start.elapsed() < A_MOMENT, "{what} takes {:?}", start.elapsed());
        assert_eq!(result.is_ok(), works, "{what}");
        assert!(result.err().is_none_or(|message| message.len() < 2000), "{what}: a long message");
    }
}

#[test]
fn ten_thousand_services_take_a_moment() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let mut services: Vec<Value> = (0..10_000)
        .map(|n| json!({"name": format!("service-{n}"), "credentials": {"host": "h", "password": MARKER}}))
        .collect();
    let launch = |services: &[Value]| {
        let text = json!({"p.redis": services}).to_string();
        let start = Instant::now();
        let result = harness.launch(&[("VCAP_SERVICES", &text)]);
        assert!(start.elapsed() < A_MOMENT, "{:?}", start.elapsed());
        result
    };
    let message = launch(&services).unwrap_err();
    assert!(message.contains("9980 more"), "{message}");
    assert!(message.len() < 2000, "{message}");
    services.push(json!({"name": "redis-sessions", "credentials": {"host": "h"}}));
    assert!(launch(&services).is_ok());

    let root = tempfile::tempdir().unwrap();
    for n in 0..10_000 {
        let folder = root.path().join(format!("service-{n}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("type"), if n == 5000 { "php-redis-session" } else { "redis" })
            .unwrap();
        fs::write(folder.join("host"), "h").unwrap();
    }
    let start = Instant::now();
    harness.launch(&[("SERVICE_BINDING_ROOT", root.path().to_str().unwrap())]).unwrap();
    assert!(start.elapsed() < A_MOMENT, "{:?}", start.elapsed());
}

#[test]
fn odd_files_in_a_binding_are_named_and_never_waited_for() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("cache");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("type"), "php-redis-session").unwrap();
    let launch = || harness.launch(&[("SERVICE_BINDING_ROOT", root.path().to_str().unwrap())]);
    let host = folder.join("host");
    let odd: [(&str, &dyn Fn(), &str); 5] = [
        (
            "a FIFO",
            &|| assert!(Command::new("mkfifo").arg(&host).status().unwrap().success()),
            "is not a regular file",
        ),
        ("a loop", &|| symlink("host", &host).unwrap(), "cannot be read: Too many levels"),
        ("a dangling link", &|| symlink("nowhere", &host).unwrap(), "cannot be read: No such file"),
        ("no text", &|| fs::write(&host, [0xff, 0xfe]).unwrap(), "is not UTF-8 text"),
        ("an endless device", &|| symlink("/dev/zero", &host).unwrap(), "is not a regular file"),
    ];
    for (what, make, expected) in odd {
        make();
        let start = Instant::now();
        let message = launch().unwrap_err();
        assert!(start.elapsed() < A_MOMENT, "{what} takes {:?}", start.elapsed());
        assert!(message.contains("\"host\""), "{what}: {message}");
        assert!(message.contains(expected), "{what}: {message}");
        fs::remove_file(&host).unwrap();
    }
    fs::write(&host, "h").unwrap();
    assert!(launch().is_ok());
    // A neighbour that nobody can read is none of our business, as long as it is not the one.
    let neighbour = root.path().join("neighbour");
    fs::create_dir(&neighbour).unwrap();
    fs::set_permissions(&neighbour, fs::Permissions::from_mode(0o000)).unwrap();
    assert!(launch().is_ok());
}
