//! php-fpm behind nginx, and Apache with `mod_php`: the settings arrive wherever PHP runs.

use crate::support::app::{App, Server, build, config_for};
use crate::support::http_client::{HttpClient, assert_sessions_are_shared};
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::BoundService;
use crate::support::{Suite, on_both};
use libcnb_test::assert_contains;
use php_session_store::store::Store;

/// Builds the sample of a web server for a store, and goes on with the app and a bound service.
fn with_app(server: Server, suite: Suite, store: Store, test: impl FnOnce(&App, &BoundService)) {
    let mut config = config_for(server, suite, "web");
    build(config.env("BP_PHP_SESSION_STORE", store.name()), |app| {
        assert_contains!(app.log, "(cli, apache2, cgi, fpm)");
        test(&app.served_by(server), &BoundService::start(store, ODD_PASSWORD));
    });
}

/// php-fpm clears its workers' environment.
fn fpm_keeps_sessions(suite: Suite, store: Store) {
    with_app(Server::NginxFpm, suite, store, |app, service| {
        let bound = service.env();
        assert_sessions_are_shared(app, &["--env", &bound]);

        // A reload starts new workers from a new master.
        let instance = app.start(&["--env", &bound]);
        let mut visitor = HttpClient::new();
        assert_eq!(visitor.count(instance.address()), 1);
        let workers = || instance.container.exec(&["sh", "-c", "pgrep -f 'pool www' | sort"]);
        let before = workers();
        instance.container.exec(&["sh", "-c", "kill -USR2 $(cat /tmp/php-fpm.pid)"]);
        instance.container.wait_for_log("Reloading in progress");
        instance.container.wait_for_log("ready to handle connections");
        instance.wait();
        assert_eq!(visitor.count(instance.address()), 2);
        assert_ne!(before, workers(), "the workers are the same as before the reload");
    });
}

fn apache_keeps_sessions(suite: Suite) {
    for store in Store::ALL {
        with_app(Server::Apache, suite, store, |app, service| {
            assert_sessions_are_shared(app, &["--env", &service.env()]);
        });
    }
}

on_both! {
    fpm_keeps_redis_sessions: |suite| fpm_keeps_sessions(suite, Store::Redis);
    fpm_keeps_memcached_sessions: |suite| fpm_keeps_sessions(suite, Store::Memcached);
    apache_keeps_sessions;
}
