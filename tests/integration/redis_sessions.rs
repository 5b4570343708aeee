//! Redis sessions, end to end.

use crate::support::app::{build, config, make_readable, root};
use crate::support::http_client::{HttpClient, assert_sessions_are_shared};
use crate::support::pack_build::PackBuild;
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::{Redis, run, vcap};
use crate::support::{BOOKWORM, TRIXIE};
use libcnb_test::assert_contains;
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn credentials(redis: &Redis, password: &str) -> Value {
    json!({"host": redis.host(), "port": 6379, "password": password})
}

#[test]
fn vcap_services_are_found() {
    let redis = Redis::start(ODD_PASSWORD);
    let services = vcap(&[
        ("db", json!({"host": "db.example"})),
        ("my-redis-sessions", credentials(&redis, ODD_PASSWORD)),
    ]);
    build(config(BOOKWORM, "full").env("VCAP_SERVICES", &services), |app| {
        assert_contains!(app.log, "\"my-redis-sessions\"");
        assert_contains!(app.log, &format!("phpredis {}", BOOKWORM.extension(Store::Redis)));
        assert_sessions_are_shared(app, &["--env", &format!("VCAP_SERVICES={services}")]);
        assert_eq!(redis.sessions(ODD_PASSWORD), 1);
    });
}

fn write_binding(root: &Path, name: &str, files: &[(&str, &str)]) {
    let folder = root.join(name);
    fs::create_dir_all(&folder).unwrap();
    for (file, content) in files {
        fs::write(folder.join(file), format!("{content}\n")).unwrap();
    }
}

#[test]
fn a_service_binding_with_an_acl_user() {
    let redis = Redis::start(ODD_PASSWORD);
    let user = "shop@#?&";
    let mut connection = redis.connection();
    run(&mut connection, &["AUTH", ODD_PASSWORD]);
    run(
        &mut connection,
        &[
            "ACL",
            "SETUSER",
            user,
            "on",
            "~PHPREDIS_SESSION:*",
            "+@all",
            &format!(">{ODD_PASSWORD}2"),
        ],
    );

    let bindings = tempfile::tempdir().unwrap();
    let host = redis.host();
    write_binding(
        bindings.path(),
        "cache",
        &[
            ("type", "php-redis-session"),
            ("host", &host),
            ("port", "6379"),
            ("username", user),
            ("password", &format!("{ODD_PASSWORD}2")),
        ],
    );
    // A neighbour without a type must not stop us.
    write_binding(bindings.path(), "other", &[("host", "x")]);
    make_readable(bindings.path());

    let mount = format!("{}:/platform/bindings:ro", bindings.path().display());
    let build =
        PackBuild::run(BOOKWORM, "full", &root().join("samples/counter"), &["--volume", &mount]);
    let app = build.app();
    assert_contains!(app.log, "type php-redis-session");
    assert_sessions_are_shared(app, &["--volume", &mount]);

    let elsewhere = format!("{}:/bindings:ro", bindings.path().display());
    assert_sessions_are_shared(
        app,
        &["--volume", &elsewhere, "--env", "SERVICE_BINDING_ROOT=/bindings"],
    );
}

#[test]
fn vcap_services_in_a_file_and_a_search_key_in_options_json() {
    let redis = Redis::start(ODD_PASSWORD);
    let services = vcap(&[
        ("shop-cache", credentials(&redis, ODD_PASSWORD)),
        ("redis-sessions-of-somebody-else", json!({"host": "wrong.example"})),
    ]);
    let folder = tempfile::tempdir().unwrap();
    make_readable(folder.path());
    fs::write(folder.path().join("vcap_services"), services).unwrap();
    let mount = format!("{}:/etc/cf-service-bindings:ro", folder.path().display());
    let file = "VCAP_SERVICES_FILE_PATH=/etc/cf-service-bindings/vcap_services";

    let app_dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(app_dir.path().join(".bp-config")).unwrap();
    fs::copy(root().join("samples/counter/index.php"), app_dir.path().join("index.php")).unwrap();
    fs::write(
        app_dir.path().join(".bp-config/options.json"),
        r#"{"PHP_EXTENSIONS": ["redis"], "REDIS_SESSION_STORE_SERVICE_NAME": "shop"}"#,
    )
    .unwrap();

    let build =
        PackBuild::run(BOOKWORM, "full", app_dir.path(), &["--volume", &mount, "--env", file]);
    let app = build.app();
    assert_contains!(app.log, "\"shop-cache\"");
    assert_sessions_are_shared(app, &["--volume", &mount, "--env", file]);
}

/// The values that a server shows: whose cookie it is, which database, which keys, and for how long a lock stays.
#[test]
fn the_cookies_name_and_the_options_reach_the_server() {
    let mut config = config(TRIXIE, "full");
    config.env("BP_PHP_SESSION_STORE", "redis").env("BP_PHP_SESSION_NAME", "SHOPSESSION");
    build(&config, |app| {
        let redis = Redis::start_with(&[]);
        let credentials = json!({"host": redis.host(), "database": 2});
        let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials)]));
        let of_the_service = ["--env", &bound];
        let of_the_options =
            ["--env", "BPL_PHP_SESSION_OPTIONS=prefix=shop:&database=3&lock_expire=5"];
        let options = [of_the_service, of_the_options].concat();
        let mut connection = redis.connection();
        let mut keys = |database: &str| -> Vec<String> {
            run(&mut connection, &["SELECT", database]);
            redis::cmd("KEYS").arg("*").query(&mut connection).expect("keys")
        };

        let mut visitor = HttpClient::new();
        let instance = app.start(&options);
        assert_eq!(visitor.count(instance.address()), 1);
        assert_eq!(visitor.count(instance.address()), 2);
        assert_eq!(visitor.cookie_name(), Some("SHOPSESSION"));
        let [key] = &keys("3")[..] else { panic!("{:?}", keys("3")) };
        assert!(key.starts_with("shop:"), "{key}");

        let mut visitor = HttpClient::new();
        let instance = app.start(&of_the_service);
        assert_eq!(visitor.count(instance.address()), 1);
        let [key] = &keys("2")[..] else { panic!("{:?}", keys("2")) };
        assert!(key.starts_with("PHPREDIS_SESSION:"), "{key}");
        assert!(keys("0").is_empty());

        let killed = "session_id('abc'); session_start(); exec('kill -9 ' . getmypid()); sleep(5);";
        let task = ["--", "sh", "-c", "php -r \"$0\"; echo status $?", killed];
        // The session proxy would release the lock at once.
        let direct = ["--env", "BPL_PHP_SESSION_PROXY=off"];
        let (_, output) = app.run(&[&options[..], &direct].concat(), &task);
        assert_contains!(output, "status 137");
        run(&mut connection, &["SELECT", "3"]);
        let expires: i64 =
            redis::cmd("TTL").arg("shop:abc_LOCK").query(&mut connection).expect("a time");
        assert!((1..=5).contains(&expires), "{expires}: {output}");
    });
}

#[test]
fn without_a_service_the_start_stops_unless_files_are_allowed() {
    build(config(BOOKWORM, "full").env("BP_PHP_SESSION_STORE", "redis"), |app| {
        assert_contains!(app.log, "chosen by BP_PHP_SESSION_STORE");
        let (started, log) = app.run(&[], &["true"]);
        assert!(!started, "{log}");
        assert_contains!(log, "No redis service is bound");
        assert_contains!(log, "BPL_PHP_SESSION_MISSING=files");

        // A binding that the app's user cannot read is told from none.
        let bindings = tempfile::tempdir().unwrap();
        make_readable(bindings.path());
        let folder = bindings.path().join("cache");
        fs::create_dir(&folder).unwrap();
        let closed = |name: &str, text: &str| {
            let file = folder.join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        };
        let mount = format!("{}:/platform/bindings:ro", bindings.path().display());
        closed("type", "php-redis-session");
        let (started, log) = app.run(&["--volume", &mount], &["true"]);
        assert!(!started, "{log}");
        assert_contains!(log, "\"cache\": its type cannot be read");
        fs::set_permissions(folder.join("type"), fs::Permissions::from_mode(0o644)).unwrap();
        closed("host", "h");
        let (started, log) = app.run(&["--volume", &mount], &["true"]);
        assert!(!started, "{log}");
        assert_contains!(log, "\"host\"");
        assert_contains!(log, "cannot be read");

        let files = ["--env", "BPL_PHP_SESSION_MISSING=files"];
        let instance = app.start(&files);
        assert!(instance.container.logs().contains("local files"), "{}", instance.container.logs());
        let mut visitor = HttpClient::new();
        assert_eq!(visitor.count(instance.address()), 1);
        assert_eq!(visitor.count(instance.address()), 2);
    });
}
