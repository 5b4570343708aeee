//! Odd passwords and users: whatever they are, they arrive at the server.

use crate::support::BOOKWORM;
use crate::support::oracle::Oracle;
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::{Redis, run, vcap};
use php_session_store::app::AppOptions;
use php_session_store::directives;
use php_session_store::directives::SAVE_PATH;
use php_session_store::endpoint::redis::RedisEndpoint;
use php_session_store::environment::Environment;
use php_session_store::services::Services;
use php_session_store::services::matching::{SearchKeys, find_session_service};
use php_session_store::store::Store;
use php_session_store::version::Version;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::path::Path;

/// The save path for a service with these credentials, by the way of the launch.
fn save_path(credentials: &Value, version: &Version) -> String {
    let services = vcap(&[("redis-sessions", credentials.clone())]);
    let environment: Environment = [("VCAP_SERVICES", services)].into_iter().collect();
    let services = Services::read(&environment, Path::new("/nowhere")).unwrap();
    let keys = SearchKeys::determine(&environment, &AppOptions::default()).unwrap();
    let found = find_session_service(&services, &keys, &[Store::Redis]).unwrap().unwrap();
    directives::redis::save_path(&RedisEndpoint::of(found.service).unwrap(), version).unwrap()
}

#[test]
fn redis_logs_in_with_any_user_and_password() {
    let suite = BOOKWORM;
    let redis = Redis::start_with(&[]);
    let host = redis.host();
    let mut admin = redis.connection();
    let version: Version = suite.phpredis.parse().unwrap();
    let mut oracle = Oracle::start(suite, &directives::redis::drop_in());
    let mut check = |user: &str, password: &str| {
        run(
            &mut admin,
            &["ACL", "SETUSER", user, "reset", "on", "~*", "+@all", &format!(">{password}")],
        );
        // With a password for `default` as well, a login that is left out would fail.
        run(&mut admin, &["CONFIG", "SET", "requirepass", password]);
        for credentials in [
            json!({"host": host, "username": user, "password": password}),
            json!({"host": host, "password": password}),
        ] {
            let path = save_path(&credentials, &version);
            let verdict = oracle.ask(&[(SAVE_PATH, &path)]);
            assert!(verdict.kept && verdict.said.is_empty(), "{user:?} {password:?}: {verdict:?}");
            assert_eq!(verdict.path.as_deref(), Some(path.as_str()));
        }
    };
    for password in [
        ODD_PASSWORD,
        "\"",
        "${HOME}",
        "a\nb\r\n",
        " ",
        ";",
        "'",
        "\\",
        "%",
        "%zz",
        "+",
        "\u{1f600}",
    ] {
        check("shop", password);
        check("sh&op=[]%+", password);
    }
    let check = RefCell::new(check);
    let config =
        ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(user in "[^\\s\\x00]{1,20}", password in "[^\\x00]{1,40}")| {
        check.borrow_mut()(&user, &password);
    });
}
