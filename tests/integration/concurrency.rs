//! Concurrent requests of one session keep every update. `make bench` shows what that costs: 400 requests
//! by 8 clients, with a page of 2 ms.

use crate::support::app::{Server, build};
use crate::support::figures::record;
use crate::support::hammer::hammer;
use crate::support::sample::app_with_holding_page;
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::{BoundService, Memcached, vcap};
use crate::support::{BOOKWORM, Suite, TRIXIE, on_both};
use php_session_store::store::Store;
use serde_json::json;
use std::time::Duration;

/// With the page's times and numbers of requests as they were measured for the defaults.
fn every_update_is_kept(suite: Suite, store: Store, login: bool) {
    let config = app_with_holding_page(suite, store);
    build(&config, |app| {
        let app = app.served_by(Server::NginxFpm);
        let service = BoundService::start(store, ODD_PASSWORD);
        let open = Memcached::start();
        let bound = if login {
            service.env()
        } else {
            let credentials = json!({"servers": open.server()});
            format!("VCAP_SERVICES={}", vcap(&[("memcached-sessions", credentials)]))
        };
        let instance = app.start(&["--env", &bound]);
        let mut locked = Duration::ZERO;
        for (requests, milliseconds) in [(80, 50), (400, 2)] {
            let run = hammer(&[&instance], requests, milliseconds);
            assert_eq!(run.counted, run.requests, "{suite:?}, {store}, {milliseconds} ms: {run:?}");
            locked = run.took;
        }
        // Without the lock updates are lost: the test would see it.
        let options = "BPL_PHP_SESSION_OPTIONS=locking=off";
        let unlocked = app.start(&["--env", &bound, "--env", options]);
        let run = hammer(&[&unlocked], 400, 2);
        assert!(run.counted < run.requests, "{run:?}");
        let server = match (store, login) {
            (Store::Redis, _) => "Redis",
            (Store::Memcached, true) => "Memcached with a login",
            (Store::Memcached, false) => "Memcached",
        };
        let figure = json!({
            "server": server, "suite": suite.name,
            "locked_seconds": locked.as_secs_f64(), "unlocked_seconds": run.took.as_secs_f64(),
            "requests": run.requests, "locked_lost": 0, "unlocked_lost": run.requests - run.counted,
        });
        record("locking", &figure);
    });
}

/// One instance behind the session proxy and one with PHP's own handler, as in a rolling deployment.
fn memcached_keeps_every_update_on_both_ways(suite: Suite) {
    build(&app_with_holding_page(suite, Store::Memcached), |app| {
        let app = app.served_by(Server::NginxFpm);
        let server = Memcached::start();
        let credentials = json!({"servers": server.server()});
        let bound = format!("VCAP_SERVICES={}", vcap(&[("memcached-sessions", credentials)]));
        let [on, off] = ["on", "off"].map(|proxy| {
            app.start(&["--env", &bound, "--env", &format!("BPL_PHP_SESSION_PROXY={proxy}")])
        });
        for instances in [&[&on][..], &[&on, &off]] {
            let run = hammer(instances, 200, 2);
            assert_eq!(run.counted, run.requests, "{} instances: {run:?}", instances.len());
        }
    });
}

on_both! {
    memcached_keeps_every_update_on_both_ways;
    redis_keeps_every_update: |suite| every_update_is_kept(suite, Store::Redis, true);
    memcached_keeps_every_update: |suite| {
        every_update_is_kept(suite, Store::Memcached, suite.name == "bookworm");
    };
}

mod slow {
    use super::*;

    /// The eighth client waits for 2 seconds each time.
    #[test]
    fn long_pages_keep_every_update() {
        for (suite, store) in [(BOOKWORM, Store::Redis), (TRIXIE, Store::Memcached)] {
            build(&app_with_holding_page(suite, store), |app| {
                let service = BoundService::start(store, ODD_PASSWORD);
                let app = app.served_by(Server::NginxFpm);
                let run = hammer(&[&app.start(&["--env", &service.env()])], 64, 250);
                assert_eq!(run.counted, run.requests, "{store}: {run:?}");
            });
        }
    }
}
