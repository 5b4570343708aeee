//! Requests a second through the session proxy, beside PHP's own handler for Memcached, which both lock. `make bench`
//! shows them. The image brings the plugins of libsasl2 that PHP's own handler logs in with.

use super::{Load, OFF, ON, USUAL, assert_at_least, compare_settings};
use crate::distance::WITHOUT_SESSION;
use crate::support::app::{Server, config_for};
use crate::support::relay::Relay;
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::{Memcached, USER, vcap};
use crate::support::{Suite, app::build, on_both};
use php_session_store::store::Store;
use serde_json::json;
use std::time::Duration;

fn faster_than_phps_own_handler(suite: Suite) {
    let mut config = config_for(Server::NginxFpm, suite, "mechanisms");
    config.file("htdocs/plain.php", WITHOUT_SESSION);
    build(config.env("BP_PHP_SESSION_STORE", Store::Memcached.name()), |app| {
        let app = &app.served_by(Server::NginxFpm);
        let plain = Memcached::start();
        let with_login = Memcached::start_with_login(USER, ODD_PASSWORD);
        let [far, far_with_login] = [&plain, &with_login].map(|server| {
            let relay = Relay::start(server.container.address(11211), Duration::from_millis(1));
            format!("{}:{}", relay.host(), relay.port())
        });
        let compare = |what: &str, server: &str, has_login: bool, load: Load| {
            let mut credentials = json!({"servers": server});
            if has_login {
                credentials["username"] = json!(USER);
                credentials["password"] = json!(ODD_PASSWORD);
            }
            let bound = format!("VCAP_SERVICES={}", vcap(&[("memcached-sessions", credentials)]));
            compare_settings(app, suite, what, &bound, [ON, OFF], load)
        };
        let (near, near_with_login) = (plain.server(), with_login.server());
        let without_session = Load { page: "/plain.php", ..USUAL };
        // With room for noise: on a quiet machine 0.9, 1.5, 1.6 and 2.7.
        assert_at_least(&[
            (compare("Memcached, proxy", &near, false, USUAL), 0.6),
            (compare("Memcached 1 ms away, proxy", &far, false, USUAL), 1.0),
            (compare("Memcached with a login, proxy", &near_with_login, true, USUAL), 1.0),
            (compare("Memcached with a login 1 ms away, proxy", &far_with_login, true, USUAL), 1.5),
            // No session can be faster than this page.
            (compare("Memcached, a page without a session", &near, false, without_session), 0.6),
        ]);
    });
}

on_both! {
    faster_than_phps_own_handler;
}
