//! What operators do: rotate passwords, harden containers, look after what is shown and what is kept.

use crate::support::app::{Server, build, build_fails, config, config_for, make_readable, root};
use crate::support::http_client::{HttpClient, assert_sessions_are_shared};
use crate::support::pack_build::PackBuild;
use crate::support::secrets::{MARKER, ODD_PASSWORD};
use crate::support::services::{BoundService, Redis, run, vcap};
use crate::support::tls::PASSWORD;
use crate::support::{BOOKWORM, Suite, TRIXIE};
use libcnb_test::{assert_contains, assert_not_contains};
use php_session_store::store::Store;
use serde_json::json;
use std::fs;

/// One image: a new password and another server take a restart, not a build.
#[test]
fn a_new_password_and_another_server_take_a_restart() {
    let redis = Redis::start(ODD_PASSWORD);
    let bindings = tempfile::tempdir().unwrap();
    make_readable(bindings.path());
    let folder = bindings.path().join("cache");
    fs::create_dir(&folder).unwrap();
    let set = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    set("type", "php-redis-session");
    set("host", &redis.host());
    set("password", ODD_PASSWORD);
    let mut config = config(TRIXIE, "full");
    build(config.env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let mount = format!("{}:/platform/bindings:ro", bindings.path().display());
        let instance = app.start(&["--volume", &mount]);
        let mut visitor = HttpClient::new();
        assert_eq!(visitor.count(instance.address()), 1);

        let password = format!("{ODD_PASSWORD} the second");
        let mut admin = redis.connection();
        run(&mut admin, &["AUTH", ODD_PASSWORD]);
        run(&mut admin, &["CONFIG", "SET", "requirepass", &password]);
        set("password", &password);
        instance.restart();
        assert_eq!(visitor.count(instance.address()), 2);

        let other = Redis::start(MARKER);
        set("host", &other.host());
        set("password", MARKER);
        instance.restart();
        assert_eq!(visitor.count(instance.address()), 1);
        assert_eq!(other.sessions(MARKER), 1);
    });
}

/// As hardened as containers get: nothing writable but /tmp, nothing executable in it, any user.
const HARDENED: [&str; 13] = [
    "--read-only",
    "--tmpfs",
    "/tmp:noexec,mode=1777",
    "--user",
    "12345:0",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--memory",
    "192m",
    "--pids-limit",
    "64",
];

fn hardened_containers_keep_sessions(rows: &[(Store, Server, Suite)]) {
    for (store, server, suite) in rows.iter().copied() {
        let mut config = config_for(server, suite, "web");
        build(config.env("BP_PHP_SESSION_STORE", store.name()), |app| {
            let service = BoundService::start(store, ODD_PASSWORD);
            let bound = service.env();
            let options = [&HARDENED[..], &["--env", &bound]].concat();
            assert_sessions_are_shared(&app.served_by(server), &options);
        });
    }
}

/// PHP's warning shows the save path, password and all, when Redis cannot be reached.
#[test]
fn a_page_does_not_show_the_password_unless_the_app_keeps_that_choice() {
    let page_when_redis_is_gone = |setting: Option<&str>| {
        let mut config = config(BOOKWORM, "displaying");
        config.env("BP_PHP_SESSION_STORE", "redis");
        if let Some(setting) = setting {
            config.env("BP_PHP_SESSION_DISPLAY_ERRORS", setting);
        }
        let mut seen = (String::new(), String::new());
        build(&config, |app| {
            let redis = Redis::start(PASSWORD);
            let credentials = json!({"host": redis.host(), "password": PASSWORD});
            let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials)]));
            // The session proxy would keep its connection, and shows no password anyway.
            let instance = app.start(&["--env", &bound, "--env", "BPL_PHP_SESSION_PROXY=off"]);
            let mut visitor = HttpClient::new();
            assert_eq!(visitor.count(instance.address()), 1);
            redis.stop_listening(PASSWORD);
            let page = visitor.get(instance.address(), "/").body;
            if setting.is_none() {
                instance.container.wait_for_log("Failed to read session data");
            }
            seen = (app.log.clone(), page);
        });
        seen
    };
    let (build_log, page) = page_when_redis_is_gone(None);
    assert_contains!(build_log, "BP_PHP_SESSION_DISPLAY_ERRORS=keep");
    assert!(!page.contains(PASSWORD), "{page}");
    assert_not_contains!(page, "Warning");

    // Without us the page shows it: the test would see it.
    let (build_log, page) = page_when_redis_is_gone(Some("keep"));
    assert_not_contains!(build_log, "BP_PHP_SESSION_DISPLAY_ERRORS");
    assert!(page.contains(PASSWORD), "{page}");
}

#[test]
fn credentials_are_embedded_by_request_only_and_a_bound_service_beats_them() {
    let app_dir = root().join("samples/counter");
    let embedded = Redis::start(ODD_PASSWORD);
    let services = |redis: &Redis, password: &str| {
        let credentials = json!({"host": redis.host(), "password": password});
        format!("VCAP_SERVICES={}", vcap(&[("my-redis-sessions", credentials)]))
    };
    let bound = services(&embedded, ODD_PASSWORD);
    let options = ["--env", &bound, "--env", "BP_PHP_SESSION_EMBED_CREDENTIALS=true"];
    let build = PackBuild::run(BOOKWORM, "full", &app_dir, &options);
    let app = build.app_with_credentials();
    assert_contains!(app.log, "are now in the image");

    assert_sessions_are_shared(app, &[]);
    assert_eq!(embedded.sessions(ODD_PASSWORD), 1);
    let (_, log) = app.run(&[], &["true"]);
    assert_contains!(
        log,
        "warning: no session service is bound, so PHP uses the credentials embedded"
    );

    let other = Redis::start(MARKER);
    assert_sessions_are_shared(app, &["--env", &services(&other, MARKER)]);
    assert_eq!(other.sessions(MARKER), 1);

    let mut config = config(BOOKWORM, "full");
    config.env("BP_PHP_SESSION_STORE", "redis").env("BP_PHP_SESSION_EMBED_CREDENTIALS", "true");
    let log = build_fails(&config);
    assert_contains!(log, "no session service is bound to the build");
}

/// The password is bound to the build, by both sources, and to the launch; the helpers of every test search
/// the image, pack's caches, the build's log and the containers' for it.
fn what_is_bound_stays_out(rows: &[(Store, &str)]) {
    let app_dir = root().join("samples/counter");
    for (store, variant) in rows.iter().copied() {
        let service = BoundService::start(store, ODD_PASSWORD);
        let bound = service.env();
        let bindings = tempfile::tempdir().unwrap();
        make_readable(bindings.path());
        let folder = bindings.path().join("binding");
        fs::create_dir(&folder).unwrap();
        for (name, text) in [
            ("type", "other"),
            ("password", ODD_PASSWORD),
            ("uri", &format!("redis://:{MARKER}@h")),
        ] {
            fs::write(folder.join(name), text).unwrap();
        }
        let mount = format!("{}:/platform/bindings:ro", bindings.path().display());
        let options = ["--env", &bound, "--volume", &mount];
        let mut build = PackBuild::run(BOOKWORM, variant, &app_dir, &options);
        let (kept, log) = build.app().check(&options);
        assert!(kept, "{log}");
        build.again(&options);
        build.app();
    }
}

#[test]
fn what_is_bound_to_a_build_stays_out_of_all_that_it_makes() {
    what_is_bound_stays_out(&[(Store::Redis, "bare"), (Store::Memcached, "full")]);
}

#[test]
fn a_hardened_container_keeps_sessions() {
    hardened_containers_keep_sessions(&[(Store::Redis, Server::NginxFpm, TRIXIE)]);
}

mod slow {
    use super::*;

    #[test]
    fn what_is_bound_to_other_builds_stays_out_of_all_that_they_make() {
        what_is_bound_stays_out(&[(Store::Redis, "full"), (Store::Memcached, "bare")]);
    }

    #[test]
    fn hardened_containers_of_every_server_keep_sessions() {
        hardened_containers_keep_sessions(&[
            (Store::Redis, Server::Php, BOOKWORM),
            (Store::Memcached, Server::Php, TRIXIE),
            (Store::Memcached, Server::NginxFpm, BOOKWORM),
            (Store::Redis, Server::Apache, BOOKWORM),
        ]);
    }
}
