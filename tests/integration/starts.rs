//! How containers start: with a launcher inside a launcher, without a service, and with an app that chooses
//! PHP's own files.

use crate::support::app::{App, build, config};
use crate::support::http_client::HttpClient;
use crate::support::secrets::{MARKER, ODD_PASSWORD};
use crate::support::services::{BoundService, Memcached};
use crate::support::{BOOKWORM, Suite, TRIXIE, on_both};
use libcnb_test::{assert_contains, assert_not_contains};
use php_session_store::store::Store;
use serde_json::json;

/// A shell that a launcher starts, in which a launcher starts PHP: a cron job, a debug container.
#[test]
fn a_launcher_inside_a_launcher_loads_nothing_twice() {
    let nested = [
        "--",
        "sh",
        "-c",
        "CNB_PLATFORM_API=0.12 /cnb/lifecycle/launcher -- php -r 'session_start(); echo ini_get(\"session.save_path\") ? \"started\" : 0;'",
    ];
    for (suite, store) in [(BOOKWORM, Store::Redis), (TRIXIE, Store::Memcached)] {
        // `disabled`: our ini loads the extension, so that a second reading would warn.
        let variant = if store == Store::Redis { "disabled" } else { "full" };
        let mut config = config(suite, variant);
        build(config.env("BP_PHP_SESSION_STORE", store.name()), |app| {
            let service = BoundService::start(store, ODD_PASSWORD);
            let bound = service.env();
            let (succeeded, output) = app.run(&["--env", &bound], &nested);
            assert!(succeeded, "{output}");
            assert_contains!(output, "started");
            assert_not_contains!(output, "already loaded");
            assert_eq!(output.matches("PHP session store:").count(), 1, "{output}");
        });
    }
}

fn page_without_a_service(app: &App) -> (u16, String) {
    let instance = app.start(&["--env", "BPL_PHP_SESSION_MISSING=warn"]);
    let answer = HttpClient::new().get(instance.address(), "/");
    // The engine has PHP's lines a moment later.
    instance.container.wait_for_log("session_start()");
    (answer.status, instance.container.logs())
}

/// A migration or a debug shell starts; a page that needs its session fails, and keeps it in no file.
fn without_a_service_and_with_missing_warn_tasks_run_and_sessions_fail_at_once(suite: Suite) {
    for store in Store::ALL {
        let mut config = config(suite, "full");
        build(config.env("BP_PHP_SESSION_STORE", store.name()), |app| {
            let warn = ["--env", "BPL_PHP_SESSION_MISSING=warn"];
            let (started, output) = app.run(&warn, &["--", "php", "-r", "echo 6 * 7;"]);
            assert!(started, "{output}");
            assert_contains!(output, "42");
            assert_contains!(output, &format!("No {store} service is bound"));

            let count = "session_start(); $_SESSION['n'] = 1; echo session_write_close() ? 'kept' : 'lost';";
            let (_, output) = app.run(&warn, &["--", "timeout", "3", "php", "-r", count]);
            assert_not_contains!(output, "kept");
            let (status, log) = page_without_a_service(app);
            assert!(status == 500 || log.contains("session_start(): "), "{status}: {log}");
            assert!(log.contains("no-session-service-is-bound") || log.contains("Redis"), "{log}");
        });
    }
}

/// Joomla's `filesystem` handler with its path unset, phpMyAdmin and others set `files` and leave the path alone: PHP
/// must not print the path of ours, and the app gets the files that it has chosen.
fn an_app_that_chooses_files_gets_files_and_no_password_reaches_the_log(suite: Suite) {
    let count = "ini_set('session.save_handler', 'files'); session_id('abc'); session_start(); $_SESSION['n'] = 'here'; \
                 session_write_close(); session_start(); echo $_SESSION['n'], file_exists('/tmp/sess_abc') ? ' in /tmp' : '';";
    let mut with_redis = config(suite, "full");
    build(with_redis.env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let service = BoundService::start(Store::Redis, MARKER);
        let bound = service.env();
        // The log is searched for the password.
        let (succeeded, output) = app.run(&["--env", &bound], &["--", "php", "-r", count]);
        assert!(succeeded, "{output}");
        assert_contains!(output, "here in /tmp");
    });
    // A memcached path holds no secret.
    let mut with_memcached = config(suite, "full");
    build(with_memcached.env("BP_PHP_SESSION_STORE", "memcached"), |app| {
        let memcached = Memcached::start();
        let services = json!({"x": [{"name": "memcached-sessions", "credentials": {"servers": memcached.server()}}]});
        let bound = format!("VCAP_SERVICES={services}");
        let (_, output) = app.run(&["--env", &bound], &["--", "php", "-r", count]);
        assert_not_contains!(output, "here");
    });
}

on_both! {
    without_a_service_and_with_missing_warn_tasks_run_and_sessions_fail_at_once;
    an_app_that_chooses_files_gets_files_and_no_password_reaches_the_log;
}
