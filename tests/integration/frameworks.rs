//! Real frameworks and products, from the distribution's packages: two instances, one visitor, and one instance
//! that is killed between.

use crate::support::app::{App, Instance, Server, make_readable, root};
use crate::support::check::{assert_cause, assert_verdict, check};
use crate::support::docker::{docker, docker_ok};
use crate::support::http_client::HttpClient;
use crate::support::pack_build::PackBuild;
use crate::support::sample::{copy, write};
use crate::support::secrets::{MARKER, ODD_PASSWORD};
use crate::support::services::{BoundService, Redis, run, vcap};
use crate::support::tls::TlsServer;
use crate::support::{BOOKWORM, Suite, TRIXIE};
use libcnb_test::{assert_contains, assert_not_contains};
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

const PUBLIC: &[&str] = &["php", "-S", "0.0.0.0:8080", "-t", "public"];
/// Any key will do.
const APP_KEY: &str = "APP_KEY=base64:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const APP_SECRET: &str = "APP_SECRET=any";

/// The version of a package of Debian's.
fn version_of(suite: Suite, package: &str) -> String {
    let image = suite.image("frameworks");
    let query = ["run", "--rm", "--entrypoint", "dpkg-query", &image, "-W", "-f", "${Version}"];
    let version = docker_ok(&[&query[..], &[package]].concat());
    version.split(['+', '-']).next().expect("a version").to_owned()
}

/// An app of `tests/apps` with what Composer would have locked, and further files.
fn app_folder(name: &str, package: &str, version: &str, files: &[(&str, &str)]) -> TempDir {
    let app = tempfile::tempdir().expect("a folder");
    make_readable(app.path());
    copy(&root().join("tests/apps").join(name), app.path());
    let lock = json!({"packages": [{"name": package, "version": format!("v{version}")}]});
    write(app.path(), "composer.lock", &lock.to_string());
    for (file, text) in files {
        write(app.path(), file, text);
    }
    app
}

pub(crate) fn build(suite: Suite, app: &TempDir, store: Store) -> PackBuild {
    let choice = format!("BP_PHP_SESSION_STORE={}", store.name());
    PackBuild::run(suite, "frameworks", app.path(), &["--env", &choice])
}

fn laravel(suite: Suite, files: &[(&str, &str)]) -> TempDir {
    let version = version_of(suite, "php-laravel-framework");
    app_folder("laravel", "laravel/framework", &version, files)
}

fn symfony(suite: Suite, session: &str) -> TempDir {
    let version = version_of(suite, "php-symfony-framework-bundle");
    let yaml = format!("framework:\n    secret: '%env(APP_SECRET)%'\n    session: {session}\n");
    let files = [("config/packages/framework.yaml", yaml.as_str())];
    app_folder("symfony", "symfony/framework-bundle", &version, &files)
}

/// One visitor counts over two instances, of which one is killed, and a new one.
fn counts_on(start: impl Fn() -> Instance) {
    let (a, b) = (start(), start());
    let mut visitor = HttpClient::new();
    assert_eq!([&a, &b].map(|it| visitor.count(it.address())), [1, 2], "{}", b.container.logs());
    drop(a);
    assert_eq!(visitor.count(b.address()), 3);
    let c = start();
    assert_eq!(visitor.count(c.address()), 4);
}

fn bound(name: &str, credentials: Value) -> String {
    format!("VCAP_SERVICES={}", vcap(&[(name, credentials)]))
}

fn laravel_counts_on(app: &App, bound: &str) {
    counts_on(|| app.start_command(&["--env", bound, "--env", APP_KEY], PUBLIC));
}

fn a_stock_laravel_keeps_its_sessions_in_redis(suite: Suite, version: &str) {
    let build = build(suite, &laravel(suite, &[]), Store::Redis);
    let app = build.app();
    let told = format!("Laravel {version}");
    assert_contains!(app.log, &told);
    assert_contains!(app.log, "The launch sets SESSION_DRIVER");

    let redis = Redis::start(ODD_PASSWORD);
    let of_password =
        bound("redis-sessions", json!({"host": redis.host(), "password": ODD_PASSWORD}));
    laravel_counts_on(app, &of_password);
    let (kept, text) = app.check(&["--env", &of_password, "--env", APP_KEY]);
    assert!(kept, "{text}");
    assert_contains!(text, &told);

    // A user, whose password Laravel would take for a number.
    let mut admin = redis.connection();
    run(&mut admin, &["AUTH", ODD_PASSWORD]);
    run(&mut admin, &["ACL", "SETUSER", "shop", "on", "~*", "+@all", ">123456789012345678901234"]);
    let user =
        json!({"host": redis.host(), "username": "shop", "password": "123456789012345678901234"});
    laravel_counts_on(app, &bound("redis-sessions", user));

    // TLS with a private authority, and a client's certificate where phpredis knows one.
    let (clients, identity) = if suite.name == "trixie" { ("yes", true) } else { ("no", false) };
    let server = TlsServer::start(clients, &[]);
    let mut credentials = server.credentials();
    if identity {
        let client = server.authority.identity(&["client"]);
        credentials["tls.crt"] = json!(client.certificate);
        credentials["tls.key"] = json!(client.key);
    }
    let with_tls = bound("redis-sessions", credentials);
    laravel_counts_on(app, &with_tls);
    // Predis has TLS options of its own. The proxy carries PHP's own sessions, and the check walks Laravel's way too.
    let predis = ["--env", &with_tls, "--env", APP_KEY, "--env", "REDIS_CLIENT=predis"];
    counts_on(|| app.start_command(&predis, PUBLIC));
    let (kept, text) = app.check(&predis);
    assert!(kept, "{text}");
    assert_contains!(text, "as Laravel connects");
}

#[test]
fn a_stock_laravel_8_counts_on_over_two_replicas() {
    a_stock_laravel_keeps_its_sessions_in_redis(BOOKWORM, "8.");
}

#[test]
fn a_stock_laravel_with_memcached_and_a_login() {
    let build = build(BOOKWORM, &laravel(BOOKWORM, &[]), Store::Memcached);
    let service = BoundService::start(Store::Memcached, ODD_PASSWORD);
    let bound = service.env();
    // Laravel logs in by itself, through libsasl2, and the image has none of its plugins.
    let (_, said) = build.app().run(&["--env", &bound], &["true"]);
    assert_contains!(said, "warning: the app's framework logs in through libsasl2");
    let path = "/usr/lib/x86_64-linux-gnu/sasl2/libplain.so";
    let image = BOOKWORM.image("mechanisms");
    let folder = tempfile::tempdir().expect("a folder");
    let plain = folder.path().join("libplain.so");
    let cat = docker(&["run", "--rm", "--entrypoint", "cat", &image, path]);
    fs::write(&plain, cat.stdout).expect("our own folder");
    make_readable(folder.path());
    let mount = format!("--volume={}:{path}:ro", plain.display());
    let (_, said) = build.app().run(&["--env", &bound, &mount], &["true"]);
    assert_not_contains!(said, "libsasl2");
    let options = ["--env", &bound, "--env", APP_KEY, &mount];
    counts_on(|| build.app().start_command(&options, PUBLIC));
}

/// Whether php-fpm's workers see what the launch has set is their pool's choice.
#[test]
fn a_stock_laravel_behind_php_fpm_counts_on_where_the_pool_shows_it_the_environment() {
    let sample = |file: &str| {
        fs::read_to_string(root().join("samples/nginx-fpm").join(file)).expect("our own sample")
    };
    let nginx = sample("nginx.conf").replace("/workspace/htdocs", "/workspace/public");
    let hiding = sample("php-fpm.conf");
    let showing = format!("{hiding}clear_env = no\n");
    let files = [
        ("nginx.conf", nginx.as_str()),
        ("supervisord.conf", &sample("supervisord.conf")),
        ("php-fpm.conf", &showing),
        (".env", APP_KEY),
    ];
    let build = build(TRIXIE, &laravel(TRIXIE, &files), Store::Redis);
    let app = build.app().served_by(Server::NginxFpm);
    let service = BoundService::start(Store::Redis, ODD_PASSWORD);
    let bound = service.env();
    counts_on(|| app.start(&["--env", &bound]));
    let (_, log) = app.run(&["--env", &bound], &["true"]);
    assert_not_contains!(log, "hides the environment");
    assert_verdict(&check(&app, &["--env", &bound]), "kept");

    // The stock pool, mounted over it.
    let folder = tempfile::tempdir().expect("a folder");
    make_readable(folder.path());
    write(folder.path(), "php-fpm.conf", &hiding);
    let stock = folder.path().join("php-fpm.conf");
    let stock = format!("{}:/workspace/php-fpm.conf:ro", stock.display());
    let start = || app.start(&["--env", &bound, "--volume", &stock]);
    let (one, other) = (start(), start());
    let mut visitor = HttpClient::new();
    let counts = [&one, &other].map(|it| visitor.count(it.address()));
    let log = other.container.logs();
    assert_eq!(counts, [1, 1], "each has files of its own:\n{log}");
    assert_contains!(log, "php-fpm.conf hides the environment");
    let checked = check(&app, &["--env", &bound, "--volume", &stock]);
    assert_cause(&checked, "framework-keeps-its-own");
}

#[test]
fn a_laravel_whose_env_file_names_another_redis_is_left_alone_and_told() {
    let dotenv = "SESSION_DRIVER=file\nREDIS_HOST=127.0.0.1\nREDIS_PASSWORD=null\n";
    let build = build(TRIXIE, &laravel(TRIXIE, &[(".env", dotenv)]), Store::Redis);
    let app = build.app();
    assert_contains!(app.log, "the app's .env sets REDIS_HOST");
    let service = BoundService::start(Store::Redis, ODD_PASSWORD);
    let bound = service.env();
    let options = ["--env", &bound, "--env", APP_KEY];
    let (a, b) = (app.start_command(&options, PUBLIC), app.start_command(&options, PUBLIC));
    let mut visitor = HttpClient::new();
    // Its sessions are files, each instance its own; that is what the log and the check say.
    assert_eq!([&a, &b].map(|it| visitor.count(it.address())), [1, 1]);
    assert!(
        a.container.logs().contains("does not keep its sessions there"),
        "{}",
        a.container.logs()
    );
    let output = app.output("session-check", &options, &["--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report["causes"][0]["kind"], "framework-keeps-its-own", "{report:#}");
}

fn symfony_counts_on(app: &App, bound: &str) {
    counts_on(|| app.start_command(&["--env", bound, "--env", APP_SECRET], PUBLIC));
}

fn symfony_is_as_its_configuration_says(suite: Suite, version: &str) {
    let redis = Redis::start(ODD_PASSWORD);
    let mut admin = redis.connection();
    run(&mut admin, &["AUTH", ODD_PASSWORD]);
    run(&mut admin, &["ACL", "SETUSER", "shop", "on", "~*", "+@all", &format!(">{MARKER}&@")]);
    let user = json!({"host": redis.host(), "username": "shop", "password": format!("{MARKER}&@")});
    let bound = bound("redis-sessions", user);

    let native = build(suite, &symfony(suite, "{ handler_id: null }"), Store::Redis);
    let told = format!("Symfony {version}");
    let log = &native.app().log;
    assert_contains!(log, &told);
    assert_contains!(log, "uses PHP's own sessions");
    symfony_counts_on(native.app(), &bound);

    let of_url = build(suite, &symfony(suite, "{ handler_id: '%env(REDIS_URL)%' }"), Store::Redis);
    symfony_counts_on(of_url.app_with_credentials(), &bound);

    // Before version 7, in the cache folder.
    let own = build(suite, &symfony(suite, "true"), Store::Redis);
    let app = own.app_with_credentials();
    assert_contains!(app.log, "without a handler_id it keeps them in its cache folder");
    let start = || app.start_command(&["--env", &bound, "--env", APP_SECRET], PUBLIC);
    let (a, b) = (start(), start());
    let mut visitor = HttpClient::new();
    assert_eq!([&a, &b].map(|it| visitor.count(it.address())), [1, 1]);
    let (kept, text) = app.check(&["--env", &bound]);
    assert!(!kept, "{text}");
    assert_contains!(text, "handler_id: null");
}

#[test]
fn symfony_5_is_as_its_configuration_says() {
    symfony_is_as_its_configuration_says(BOOKWORM, "5.4");
}

#[test]
fn an_app_on_slim_keeps_phps_own_sessions() {
    let version = version_of(BOOKWORM, "php-slim");
    let build = build(BOOKWORM, &app_folder("slim", "slim/slim", &version, &[]), Store::Redis);
    let app = build.app();
    assert_contains!(app.log, &format!("Slim {version}"));
    let service = BoundService::start(Store::Redis, ODD_PASSWORD);
    counts_on(|| app.start_command(&["--env", &service.env()], PUBLIC));
}

mod slow {
    use super::*;

    #[test]
    fn a_stock_laravel_10_counts_on_over_two_replicas() {
        a_stock_laravel_keeps_its_sessions_in_redis(TRIXIE, "10.");
    }

    #[test]
    fn symfony_6_is_as_its_configuration_says() {
        symfony_is_as_its_configuration_says(TRIXIE, "6.4");
    }
}
