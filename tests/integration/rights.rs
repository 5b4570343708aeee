//! A user with exactly the rights that docs/operations.md has: launch, page, check, proxy and its status need no other,
//! and the server finds nothing to complain about.

use crate::session_proxy::{admin, status, with_app};
use crate::support::app::App;
use crate::support::check::{assert_verdict, check_in};
use crate::support::secrets::{MARKER, ODD_PASSWORD};
use crate::support::services::{Redis, run, vcap};
use crate::support::{Suite, on_both};
use php_session_store::php::redis_commands::rights;
use serde_json::json;

fn the_documented_rights_are_enough_for_everything(suite: Suite) {
    with_app(suite, |app| {
        let redis = Redis::start(ODD_PASSWORD);
        let mut admin = admin(&redis);
        let password = format!(">{MARKER}");
        let mut user = vec!["ACL", "SETUSER", "shop", "on", &password];
        let rights = rights("PHPREDIS_SESSION:");
        user.extend(rights.split(' '));
        run(&mut admin, &user);
        for route in ["on", "off"] {
            everything(app, &redis, route);
            let denied: Vec<redis::Value> = redis::cmd("ACL").arg("LOG").query(&mut admin).unwrap();
            assert!(denied.is_empty(), "proxy {route}: {denied:?}");
        }
    });
}

fn everything(app: &App, redis: &Redis, route: &str) {
    let shop = json!({"host": redis.host(), "username": "shop", "password": MARKER});
    let bound = format!("--env=VCAP_SERVICES={}", vcap(&[("redis-sessions", shop)]));
    let proxy = format!("--env=BPL_PHP_SESSION_PROXY={route}");
    let instance = app.start(&[&bound, &proxy]);
    let url = "http://127.0.0.1:8080/";
    let checked = check_in(
        &instance.container,
        &["/cnb/lifecycle/launcher", "session-check", "--json", "--url", url],
    );
    assert_verdict(&checked, "kept");
    assert_eq!(checked.1["web"]["session"], "in-service", "{:#}", checked.1);
    if route == "on" {
        // As a session has shown it: nobody asks for it.
        assert_eq!(status(&instance)["role"], "master");
    }
}

on_both! {
    the_documented_rights_are_enough_for_everything;
}
