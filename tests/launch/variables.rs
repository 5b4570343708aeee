//! Variables: no secret is repeated from one, and one that nothing reads is named.

use crate::harness::Harness;
use libcnb::Platform;
use php_session_store::build::decision::Decision;
use php_session_store::config::platform::BuildPlatform;
use php_session_store::store::Store;
use proptest::collection::btree_map;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;

const MARKER: &str = "hunter2";

/// Every variable that detect, build or launch read, and misspelt ones.
const VARIABLES: [&str; 33] = [
    "BPL_PHP_SESSION_FRAMEWORK",
    "BPL_PHP_SESSION_LOG",
    "BPL_PHP_SESSION_METRICS",
    "BPL_PHP_SESSION_MISSING",
    "BPL_PHP_SESSION_OPTION",
    "BPL_PHP_SESSION_OPTIONS",
    "BPL_PHP_SESSION_PROBE",
    "BPL_PHP_SESSION_PROXY",
    "BPL_PHP_SESSION_PROXY_CONNECTIONS",
    "BPL_PHP_SESSION_PROXY_FOLDER",
    "BPL_PHP_SESSION_SERVICE_VARIABLE",
    "BP_DEPENDENCY_MIRROR",
    "BP_LOG_LEVEL",
    "BP_PHP_SESSION_COLOR",
    "BP_PHP_SESSION_DISPLAY_ERRORS",
    "BP_PHP_SESSION_EMBED_CREDENTIALS",
    "BP_PHP_SESSION_EXTENSION",
    "BP_PHP_SESSION_EXTENSION_MAX_AGE",
    "BP_PHP_SESSION_FRAMEWORK",
    "BP_PHP_SESSION_NAME",
    "BP_PHP_SESSION_STORE",
    "BP_PHP_WEB_DIR",
    "KV_URL",
    "MEMCACHED_SESSION_STORE_SERVICE_NAME",
    "MEMCACHED_URL",
    "PHP_INI_SCAN_DIR",
    "REDIS_SESSION_STORE_SERVICE_NAME",
    "REDIS_URL",
    "SERVICE_BINDING_ROOT",
    "SSL_CERT_FILE",
    "TMPDIR",
    "VCAP_SERVICES",
    "VCAP_SERVICES_FILE_PATH",
];

/// A uri with a password where something else was expected, alone or in a longer text.
fn value() -> impl Strategy<Value = String> {
    let special = "[a-z&=+%?# ,;/@:]{0,4}";
    prop_oneof![
        special.prop_map(|text| format!("redis://:{MARKER}{text}@h:6379")),
        special.prop_map(|text| format!("rediss://{text}:{MARKER}@h/0?db=1")),
        special.prop_map(|text| format!("timeout=1&prefix=redis://:{MARKER}{text}@h")),
        special.prop_map(|text| format!("memcached://u:{text}{MARKER}@[::1]:1")),
        special.prop_map(|text| format!("u:{text}{MARKER}@h:1")),
        special.prop_map(|text| format!("{{\"password\": \"{text}{MARKER}\"}}")),
        special.prop_map(|text| format!("h:1,password={MARKER}{text}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_variable_holds_a_message_shows_no_password(
        variables in btree_map(select(VARIABLES.to_vec()), value(), 1..4),
        is_bound in any::<bool>(),
        redis in any::<bool>(),
    ) {
        let harness = Harness::chosen(if redis { Store::Redis } else { Store::Memcached });
        let service = json!({"x": [{"name": "a", "label": harness_type(redis), "credentials": {"host": "h", "tls": redis, "ca": "-----BEGIN x"}}]});
        let service = service.to_string();
        let mut environment: Vec<(&str, &str)> = Vec::new();
        if is_bound {
            environment.push(("VCAP_SERVICES", &service));
        }
        environment.extend(variables.iter().map(|(name, value)| (*name, value.as_str())));
        let said = harness.said_with(&environment);
        prop_assert!(!said.contains(MARKER), "{}", said);
        let said = detected(&variables);
        prop_assert!(!said.contains(MARKER), "{}", said);
    }
}

fn harness_type(redis: bool) -> &'static str {
    if redis { "php-redis-session" } else { "php-memcached-session" }
}

/// What detect says with these variables.
fn detected<V: AsRef<[u8]>>(variables: &BTreeMap<&str, V>) -> String {
    let platform = tempfile::tempdir().unwrap();
    let app = tempfile::tempdir().unwrap();
    fs::write(app.path().join("index.php"), "<?php").unwrap();
    fs::create_dir(platform.path().join("env")).unwrap();
    for (name, value) in variables {
        fs::write(platform.path().join("env").join(name), value).unwrap();
    }
    let platform = BuildPlatform::from_path(platform.path()).unwrap();
    match Decision::read(app.path(), &platform) {
        Ok(Decision::Skip(text) | Decision::Warn(text)) => text,
        Ok(Decision::Contribute(config)) => format!("{config:?}"),
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn the_search_sees_messages_that_repeat_a_value() {
    let uri = format!("redis://:{MARKER}@h:6379");
    let harness = Harness::chosen(Store::Redis);
    for (name, expected) in [
        ("BPL_PHP_SESSION_PROXY", "BPL_PHP_SESSION_PROXY is \"redis://***@h:6379\""),
        ("BPL_PHP_SESSION_OPTIONS", "BPL_PHP_SESSION_OPTIONS is not a list of options"),
        ("BPL_PHP_SESSION_METRICS", "HOST:PORT"),
        ("BPL_PHP_SESSION_SERVICE_VARIABLE", "not to its value"),
        ("REDIS_SESSION_STORE_SERVICE_NAME", "containing \"redis://***@h:6379\""),
        ("SERVICE_BINDING_ROOT", "service bindings in redis://***@h:6379 (no such folder)"),
        ("VCAP_SERVICES_FILE_PATH", "The file redis://***@h:6379, named by"),
        ("VCAP_SERVICES", "is not valid JSON"),
    ] {
        let said = harness.said_with(&[(name, &uri)]);
        assert!(said.contains(expected), "{name}: {said}");
        assert!(!said.contains(MARKER), "{name}: {said}");
    }
    let detected = detected(&[("BP_PHP_SESSION_NAME", &uri)].into_iter().collect());
    assert!(detected.contains("is \"redis://***@h:6379\""), "{detected}");
}

const SERVICE: (&str, &str) = (
    "VCAP_SERVICES",
    r#"{"x": [{"name": "redis-sessions", "label": "redis", "credentials": {"host": "h"}}]}"#,
);

#[test]
fn the_launch_names_variables_that_nothing_reads() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    for (name, value, expected) in [
        ("BPL_PHP_SESSION_OPTION", "timeout=1", "Did you mean BPL_PHP_SESSION_OPTIONS?"),
        (
            "BP_PHP_SESSION_NAME",
            "x",
            "warning: BP_PHP_SESSION_NAME is set here, but it is only read at build",
        ),
        ("BPL_PHP_SESSION_METRICS", "0.0.0.0:9464", "there is no session proxy to serve metrics"),
    ] {
        let said = harness.said_with(&[SERVICE, (name, value)]);
        assert!(said.contains(expected), "{name}: {said}");
    }
    assert!(!harness.said_with(&[SERVICE]).contains("warning"));
}

#[test]
fn detect_names_them_too_where_nothing_would_be_done() {
    let misspelt = [("BP_PHP_SESION_STORE", "redis"), ("BPL_PHP_SESSION_PROXY", "on")];
    let said = detected(&misspelt.into_iter().collect());
    for part in ["Did you mean BP_PHP_SESSION_STORE?", "only read at launch"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn what_is_malformed_or_ambiguous_is_refused_with_its_place() {
    let services = json!({"redis": [{"name": "a-redis-sessions"}, {"name": "b-redis-sessions"}]});
    for (variable, value, expected) in [
        (
            "VCAP_SERVICES",
            format!("{{\"p.redis\": [\"{MARKER}\""),
            "VCAP_SERVICES is not valid JSON",
        ),
        (
            "VCAP_SERVICES",
            format!("{{\"p.redis\": \"{MARKER}\"}}"),
            "VCAP_SERVICES has no list at \"p.redis\"",
        ),
        ("BP_PHP_SESSION_STORE", "redos".to_owned(), "Use one of: redis"),
        ("BP_PHP_SESSION_NAME", "a;b".to_owned(), "not a valid cookie name"),
        ("VCAP_SERVICES_FILE_PATH", "/nowhere/x".to_owned(), "The file /nowhere/x"),
        ("VCAP_SERVICES", services.to_string(), "set REDIS_SESSION_STORE_SERVICE_NAME"),
    ] {
        let said = detected(&[(variable, &value)].into());
        assert!(said.contains(expected), "{variable}={value}: {said}");
        assert!(!said.contains(MARKER), "{variable}={value}: {said}");
        if expected.starts_with("set") {
            assert!(said.contains("a-redis-sessions"), "{said}");
            assert!(said.contains("b-redis-sessions"), "{said}");
        }
    }
}

#[test]
fn a_search_key_that_no_service_has_is_said_where_another_rule_finds_one() {
    let typed =
        r#"{"x": [{"name": "a", "label": "php-redis-session", "credentials": {"host": "h"}}]}"#;
    let environment = [("VCAP_SERVICES", typed), ("REDIS_SESSION_STORE_SERVICE_NAME", "shop")];
    let expected = "REDIS_SESSION_STORE_SERVICE_NAME asks for \"shop\", but no service has that in its name: using \"a\"";
    let said = Harness::new(Store::Redis, "6.2.0").said_with(&environment);
    assert!(said.contains(&format!("warning: {expected}")), "{said}");
    let said = detected(&environment.into_iter().collect());
    assert!(said.contains(&expected.replace('"', "\\\"")), "{said}");
}
