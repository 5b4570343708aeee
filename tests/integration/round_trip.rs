//! What is rendered arrives: PHP itself takes the settings apart again.

use crate::support::php_process::PhpProcess;
use crate::support::{Suite, on_both};
use php_session_store::config::variables::OPTIONS;
use php_session_store::services::VCAP_SERVICES;
use php_session_store::store::Store;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::cell::RefCell;

fn property() -> ProptestConfig {
    ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() }
}

fn service(store: Store, credentials: &Value) -> String {
    json!({"x": [{"name": store.default_search_key(), "credentials": credentials}]}).to_string()
}

fn redis_endpoints_arrive(suite: Suite) {
    let php = RefCell::new(PhpProcess::start(suite, Store::Redis));
    let host = "[a-z0-9_][a-z0-9._-]{0,40}";
    proptest!(property(), |(
        nodes in vec((host, 1_u16..), 1..4),
        user in "[^\\x00]{1,20}",
        password in "[^\\x00]{1,60}",
        prefix in "[A-Za-z0-9:._-]{1,20}",
        database in 0_u32..100,
        timeout in 1_u32..60,
    )| {
        let options = format!("timeout={timeout}&prefix={}", prefix.replace(':', "%3A"));
        let ask = |credentials: Value| {
            let services = service(Store::Redis, &credentials);
            php.borrow_mut().show(&[(VCAP_SERVICES, &services), (OPTIONS, &options)])
        };
        let (host, port) = &nodes[0];
        let login = match user.as_str() {
            // The server's own name for a login by password alone.
            "default" => json!(password),
            user => json!([user, password]),
        };
        let single = ask(json!({"host": host, "port": port, "username": user, "password": password,
            "database": database}));
        let parts = &single["parts"];
        prop_assert_eq!(&single["server"], &json!(format!("tcp://{host}:{port}")));
        prop_assert_eq!(&parts["auth"], &login);
        prop_assert_eq!(&parts["database"], &json!(database.to_string()));
        prop_assert_eq!(&parts["prefix"], &json!(prefix));
        prop_assert_eq!(&parts["timeout"], &json!(timeout.to_string()));

        let seeds: Vec<String> = nodes.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        let cluster = ask(json!({"cluster.nodes": seeds.join(" "), "username": user, "password": password}));
        prop_assert_eq!(&cluster["settings"]["session.save_handler"], "rediscluster");
        prop_assert_eq!(&cluster["parts"]["seed"], &json!(seeds));
        prop_assert_eq!(&cluster["parts"]["auth"], &login);
        prop_assert_eq!(&cluster["said"], "");
    });
}

fn memcached_endpoints_arrive(suite: Suite) {
    let php = RefCell::new(PhpProcess::start(suite, Store::Memcached));
    proptest!(property(), |(
        servers in vec(("[a-z0-9_][a-z0-9._-]{0,40}", 1_u16..), 1..4),
        user in "[^\\x00\\s]{1,20}",
        password in "[^\\x00]{1,60}",
    )| {
        let servers: Vec<String> =
            servers.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        let credentials =
            json!({"servers": servers.join(", "), "username": user, "password": password});
        let services = service(Store::Memcached, &credentials);
        let arrived = php.borrow_mut().show(&[(VCAP_SERVICES, &services)]);
        let settings = &arrived["settings"];
        prop_assert_eq!(&settings["memcached.sess_sasl_username"], &json!(user));
        prop_assert_eq!(&settings["memcached.sess_sasl_password"], &json!(password));
        prop_assert_eq!(&settings["session.save_handler"], "memcached");
        prop_assert_eq!(&arrived["said"], "");
    });
}

on_both! {
    redis_endpoints_arrive;
    memcached_endpoints_arrive;
}
