//! `session-check` tells apart what may be wrong.

use crate::support::app::{App, build, config, layer, make_readable};
use crate::support::docker::{both, docker};
use crate::support::secrets::{MARKER, ODD_PASSWORD};
use crate::support::services::{BoundService, Memcached, Redis, run, vcap};
use crate::support::tls::TlsServer;
use crate::support::{BOOKWORM, Suite, TRIXIE};
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::fs;

/// Runs the check and gives its exit status and its report.
fn check(app: &App, options: &[&str]) -> (Option<i32>, Value) {
    let output = app.output("session-check", options, &["--json"]);
    let report = serde_json::from_slice(&output.stdout);
    (output.status.code(), report.unwrap_or_else(|error| panic!("{error}: {}", both(&output))))
}

fn check_service(app: &App, name: &str, credentials: &Value) -> (Option<i32>, Value) {
    let bound = format!("VCAP_SERVICES={}", vcap(&[(name, credentials.clone())]));
    check(app, &["--env", &bound])
}

/// The check fails, and the likeliest cause is this one.
fn assert_cause((status, report): (Option<i32>, Value), kind: &str) {
    assert_eq!(status, Some(1), "{report:#}");
    assert_eq!(report["kept"], false);
    assert_eq!(report["causes"][0]["kind"], kind, "{report:#}");
    for text in ["what", "advice"] {
        assert!(report["causes"][0][text].as_str().unwrap().len() > 20, "{report:#}");
    }
}

fn with_app(suite: Suite, store: Store, test: impl FnOnce(&App)) {
    let mut config = config(suite, "full");
    build(config.env("BP_PHP_SESSION_STORE", store.name()), test);
}

fn kept(suite: Suite, store: Store) {
    with_app(suite, store, |app| {
        let service = BoundService::start(store, ODD_PASSWORD);
        let (status, report) = check(app, &["--env", &service.env()]);
        assert_eq!(status, Some(0), "{report:#}");
        assert_eq!(report["kept"], true);
        assert_eq!(report["store"], store.name());
        assert_eq!(report["extension"], format!("{store} {}", suite.extension(store)));
        assert!(report["service"].as_str().unwrap().contains("found by its name"), "{report:#}");
        let steps: Vec<&str> = report["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        for step in ["connect", "start", "write", "read", "destroy"] {
            assert!(steps.contains(&step), "{step} is not in {steps:?}");
        }
        let settings = report["settings"].as_array().unwrap();
        let handler = settings.iter().find(|it| it["name"] == "session.save_handler").unwrap();
        assert_eq!(handler["value"], store.name());
        assert!(handler["file"].as_str().unwrap().ends_with("php-session-store.ini"), "{report:#}");

        // For people.
        let (kept, text) = app.check(&["--env", &service.env()]);
        assert!(kept && text.contains("are kept"), "{text}");
    });
}

#[test]
fn sessions_that_are_kept() {
    for (suite, store) in
        [(BOOKWORM, Store::Redis), (BOOKWORM, Store::Memcached), (TRIXIE, Store::Redis)]
    {
        kept(suite, store);
    }
}

fn redis_causes(suite: Suite) {
    with_app(suite, Store::Redis, |app| {
        let redis = Redis::start(ODD_PASSWORD);
        let host = redis.host();
        let check = |credentials: Value| check_service(app, "redis-sessions", &credentials);
        let login = |host: &str, password: &str| json!({"host": host, "password": password});
        let odd = |rest: &[(&str, Value)]| {
            let mut credentials = login(&host, ODD_PASSWORD);
            for (name, value) in rest {
                credentials[*name] = value.clone();
            }
            credentials
        };
        assert_cause(check(login("nowhere.invalid", MARKER)), "name-not-resolved");
        assert_cause(check(odd(&[("port", json!(1))])), "connection-refused");
        assert_cause(check(login(&host, MARKER)), "wrong-password");
        assert_cause(check(json!({"host": host})), "password-missing");
        assert_cause(check(odd(&[("ssl", json!(true))])), "tls-not-spoken");
        assert_cause(check(odd(&[("cluster_mode", json!(true))])), "is-no-cluster");

        let mut admin = redis.connection();
        run(&mut admin, &["AUTH", ODD_PASSWORD]);
        let password = format!(">{MARKER}");
        run(&mut admin, &["ACL", "SETUSER", "shop", "on", "~other:*", "+@all", &password]);
        let user = |name: &str| json!({"host": host, "username": name, "password": MARKER});
        assert_cause(check(user("shop")), "no-permission");
        run(&mut admin, &["ACL", "SETUSER", "clerk", "on", "~*", "+@all", "-eval", &password]);
        assert_cause(check(user("clerk")), "no-permission");

        run(&mut admin, &["CONFIG", "SET", "maxmemory", "1"]);
        assert_cause(check(odd(&[])), "out-of-memory");
        run(&mut admin, &["CONFIG", "SET", "maxmemory", "0"]);
        run(&mut admin, &["REPLICAOF", "127.0.0.1", "1"]);
        assert_cause(check(odd(&[])), "read-only-replica");

        let open = Redis::start_with(&[]);
        assert_cause(check(login(&open.host(), MARKER)), "password-not-wanted");
        docker(&["pause", &open.container.name]);
        assert_cause(check(json!({"host": open.host()})), "no-answer");
        docker(&["unpause", &open.container.name]);
    });
}

#[test]
fn causes_with_redis_on_debian_12() {
    redis_causes(BOOKWORM);
}

#[test]
fn causes_with_redis_on_debian_13() {
    redis_causes(TRIXIE);
}

fn tls_causes(suite: Suite) {
    with_app(suite, Store::Redis, |app| {
        let check = |credentials: Value| check_service(app, "redis-sessions", &credentials);
        let server = TlsServer::start("no", &["redis.example"]);
        let mut credentials = server.credentials();
        assert_cause(check(credentials.clone()), "tls-other-name");
        credentials.as_object_mut().unwrap().remove("cacrt");
        assert_cause(check(credentials.clone()), "tls-not-trusted");
        credentials["tls"] = json!(false);
        credentials["port"] = json!(6380);
        assert_cause(check(credentials), "tls-expected");
        let strict = TlsServer::start("yes", &[]);
        assert_cause(check(strict.credentials()), "tls-client-certificate");
    });
}

#[test]
fn causes_with_tls_on_debian_12() {
    tls_causes(BOOKWORM);
}

#[test]
fn causes_with_tls_on_debian_13() {
    tls_causes(TRIXIE);
}

fn memcached_causes(suite: Suite) {
    with_app(suite, Store::Memcached, |app| {
        let check = |credentials: Value| check_service(app, "memcached-sessions", &credentials);
        let closed = Memcached::start_with_login("shop", ODD_PASSWORD);
        let login =
            |servers: &str| json!({"servers": servers, "username": "shop", "password": MARKER});
        assert_cause(check(login(&closed.server())), "wrong-password");
        assert_cause(check(json!({"servers": "nowhere.invalid"})), "name-not-resolved");
        assert_cause(
            check(json!({"servers": format!("{}:1", closed.container.ip())})),
            "connection-refused",
        );
        let open = Memcached::start();
        assert_cause(check(login(&open.server())), "password-not-wanted");
        // The image has no mechanisms of its own, so without the layer's there are none.
        let bound =
            format!("VCAP_SERVICES={}", vcap(&[("memcached-sessions", login(&closed.server()))]));
        let layer = layer("extension");
        let empty = format!("type=tmpfs,destination={layer}/sasl2");
        let without = self::check(app, &["--env", &bound, "--mount", &empty]);
        assert_cause(without, "mechanisms-missing");
        // Of two servers, the report tells which one it is.
        let two = format!("{},{}:1", open.server(), closed.container.ip());
        let (_, report) = check(json!({ "servers": two }));
        let steps = report["steps"].as_array().unwrap();
        let failed: Vec<&Value> = steps.iter().filter(|it| it["ok"] == false).collect();
        assert_eq!(failed.len(), 1, "{report:#}");
        assert_eq!(failed[0]["server"], format!("{}:1", closed.container.ip()));
    });
}

#[test]
fn causes_with_memcached_on_debian_12() {
    memcached_causes(BOOKWORM);
}

#[test]
fn causes_with_memcached_on_debian_13() {
    memcached_causes(TRIXIE);
}

#[test]
fn settings_that_something_else_has_changed_and_an_extension_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    make_readable(folder.path());
    let ini = folder.path().join("zz.ini");
    fs::write(&ini, "session.save_handler = files\n").unwrap();
    let mut config = config(BOOKWORM, "full");
    config.env("BP_PHP_SESSION_STORE", "redis").app_dir_preprocessor(|app_dir| {
        fs::write(app_dir.join(".user.ini"), "session.save_handler = files\n").unwrap();
    });
    build(&config, |app| {
        let service = BoundService::start(Store::Redis, ODD_PASSWORD);
        let bound = service.env();
        let mount = format!("{}:{}/conf.d/zz.ini:ro", ini.display(), layer("session"));
        let (status, report) = check(app, &["--env", &bound, "--volume", &mount]);
        assert_cause((status, report.clone()), "settings-overridden");
        assert!(report["causes"][0]["what"].as_str().unwrap().contains("zz.ini"), "{report:#}");
        let place = &report["overrides"][0];
        assert!(place["file"].as_str().unwrap().ends_with(".user.ini"), "{report:#}");

        let gone = "/dev/null:/usr/lib/php/20220829/redis.so:ro";
        assert_cause(check(app, &["--env", &bound, "--volume", gone]), "extension-missing");

        // Without a service the check says that, as the launch does.
        let (kept, text) = app.check(&[]);
        assert!(!kept && text.contains("No redis service is bound"), "{text}");
        // In a running container it wants the launcher.
        let instance = app.start(&["--env", &bound]);
        let program = format!("{}/bin/session-check", layer("session"));
        let (ok, said) = instance.container.exec_with_input(&[&program], "");
        assert!(!ok && said.contains("/cnb/lifecycle/launcher session-check"), "{said}");
        let launched = ["/cnb/lifecycle/launcher", "session-check"];
        let (ok, said) = instance.container.exec_with_input(&launched, "");
        assert!(ok && said.contains("are kept"), "{said}");
    });
}
