//! Memcached sessions, end to end.

use crate::support::app::{App, build, config};
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::{Memcached, vcap};
use crate::support::visitor::assert_sessions_are_shared;
use crate::support::{BOOKWORM, Suite, TRIXIE};
use php_session_store::store::Store;
use serde_json::{Value, json};

const USER: &str = "shop";

fn services(credentials: Value) -> String {
    vcap(&[("my-memcached-sessions", credentials)])
}

/// Builds an app for Memcached and goes on with it.
fn with_app(suite: Suite, test: impl FnOnce(&App)) {
    let mut config = config(suite, "full");
    build(config.env("BP_PHP_SESSION_STORE", "memcached"), |app| {
        let version = suite.extension(Store::Memcached);
        assert!(app.log.contains(&format!("PHP has memcached {version}")), "{}", app.log);
        test(app);
    });
}

fn sessions_with_and_without_a_login(suite: Suite) {
    with_app(suite, |app| {
        let open = Memcached::start();
        let environment = services(json!({"servers": open.server()}));
        assert_sessions_are_shared(app, &["--env", &format!("VCAP_SERVICES={environment}")]);
        assert_eq!(open.items(), 1);

        let closed = Memcached::start_with_login(USER, ODD_PASSWORD);
        let login =
            |password| json!({"servers": closed.server(), "username": USER, "password": password});
        let environment = services(login(ODD_PASSWORD));
        assert_sessions_are_shared(app, &["--env", &format!("VCAP_SERVICES={environment}")]);
    });
}

#[test]
fn sessions_with_and_without_a_login_on_debian_12() {
    sessions_with_and_without_a_login(BOOKWORM);
}

#[test]
fn sessions_with_and_without_a_login_on_debian_13() {
    sessions_with_and_without_a_login(TRIXIE);
}
