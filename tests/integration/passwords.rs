//! Odd passwords and users: whatever they are, they arrive at the server.

use crate::support::php_process::PhpProcess;
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::{Memcached, Redis, run, vcap};
use crate::support::{Suite, on_both};
use php_session_store::services::VCAP_SERVICES;
use php_session_store::store::Store;
use proptest::prelude::*;
use serde_json::json;
use std::cell::RefCell;

const ODD: [&str; 12] =
    [ODD_PASSWORD, "\"", "${HOME}", "a\nb\r\n", " ", ";", "'", "\\", "%", "%zz", "+", "\u{1f600}"];

fn property(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn redis_logs_in_with_any_user_and_password(suite: Suite) {
    let redis = Redis::start_with(&[]);
    let host = redis.host();
    let mut admin = redis.connection();
    let mut php = PhpProcess::start(suite, Store::Redis);
    let mut check = |user: &str, password: &str| {
        let set_user = ["ACL", "SETUSER", user, "reset", "on", "~*", "+@all"];
        run(&mut admin, &[&set_user[..], &[&format!(">{password}")]].concat());
        // With a password for `default` as well, a login that is left out would fail.
        run(&mut admin, &["CONFIG", "SET", "requirepass", password]);
        for credentials in [
            json!({"host": host, "username": user, "password": password}),
            json!({"host": host, "password": password}),
        ] {
            let services = vcap(&[("redis-sessions", credentials)]);
            let verdict = php.keep(&[(VCAP_SERVICES, &services)]);
            assert!(verdict.kept, "{user:?} {password:?}: {verdict:?}");
            assert!(verdict.said.is_empty(), "{user:?} {password:?}: {verdict:?}");
        }
    };
    for password in ODD {
        check("shop", password);
        check("sh&op=[]%+", password);
    }
    let check = RefCell::new(check);
    proptest!(property(32), |(user in "[^\\s\\x00]{1,20}", password in "[^\\x00]{1,40}")| {
        check.borrow_mut()(&user, &password);
    });
}

fn memcached_logs_in_with_any_user_and_password(suite: Suite) {
    let memcached = Memcached::start_with_login("shop", "x");
    let mut php = PhpProcess::start(suite, Store::Memcached);
    let mut check = |user: &str, password: &str| {
        memcached.set_password(user, password);
        let login = json!({"servers": memcached.server(), "username": user, "password": password});
        let services = vcap(&[("memcached-sessions", login)]);
        let verdict = php.keep(&[(VCAP_SERVICES, &services)]);
        assert!(verdict.kept, "{user:?} {password:?}: {verdict:?}");
        assert!(verdict.said.is_empty(), "{user:?} {password:?}: {verdict:?}");
    };
    for password in ODD {
        // The tool that sets it takes the newline for the end.
        check("shop", password.trim_end_matches('\n'));
        check("sh&op=[];\"${x}", password.trim_end_matches('\n'));
    }
    let check = RefCell::new(check);
    let (user, password) = ("[^\\s\\x00@-]{1,20}", "[^\\x00]{0,40}[^\\x00\n]");
    proptest!(property(24), |(user in user, password in password)| {
        check.borrow_mut()(&user, &password);
    });
}

on_both! {
    redis_logs_in_with_any_user_and_password;
    memcached_logs_in_with_any_user_and_password;
}
