//! What the launch does for apps on other frameworks than Laravel.

use crate::frameworks::{App, READ, login};
use crate::harness::CA;
use php_session_store::frameworks::known::Kind;
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::fs;

#[test]
fn a_lumen_without_sessions_is_left_alone() {
    let app = App::new(Store::Redis, Kind::Lumen, "10.0.4", login());
    assert!(!app.launch(&[]).0.contains_key("SESSION_DRIVER"));
    let app = app.with("config/session.php", "env('SESSION_DRIVER')");
    assert!(app.launch(&[]).0.contains_key("SESSION_DRIVER"));
}

#[test]
fn symfony_is_as_its_configuration_says() {
    let yaml = |handler: &str| format!("framework:\n  session:\n    {handler}\n");
    let with = |version: &str, handler: &str| {
        let user = json!({"host": "h", "username": "shop", "password": "s3cret"});
        let app = App::new(Store::Redis, Kind::Symfony, version, user);
        app.with("config/packages/framework.yaml", &yaml(handler))
    };
    let of_url = "handler_id: '%env(REDIS_URL)%'";
    let url = |version: &str| with(version, of_url).launch(&[]).0["REDIS_URL"].clone();
    assert_eq!(url("7.4.1"), "redis://shop:s3cret@h:6379");
    // 5.4 leaves a user out that stands in the user's place.
    assert_eq!(url("5.4.53"), "redis://h:6379?auth[]=shop&auth[]=s3cret");
    let app = with("6.4.1", of_url).with(".env", "REDIS_URL=redis://localhost\n");
    app.assert_left_alone(&[], "the app's .env sets REDIS_URL");
    with("6.4.1", "name: a").assert_left_alone(&[], "cache folder");
    with("6.4.1", "handler_id: app.pdo").assert_left_alone(&[], "its handler_id is app.pdo");
    for (version, handler) in [
        ("7.4.1", "name: a"),
        ("5.4.53", "handler_id: null"),
        ("6.4.1", "handler_id: '%env(PHP_SESSION_STORE_URL)%'"),
    ] {
        let (variables, message) = with(version, handler).launch(&[]);
        assert!(!variables.contains_key("REDIS_URL"), "{message}");
        assert!(message.is_empty(), "{message}");
    }
}

#[test]
fn a_pool_that_hides_the_variables_from_the_app_is_named() {
    let app = App::laravel("10.48.29", login())
        .with("php-fpm.conf", "[www]\npm = static\n;clear_env = no\n");
    let (variables, message) = app.launch(&[]);
    assert!(message.contains("php-fpm.conf hides the environment"), "{message}");
    // A queue's worker beside it sees them.
    assert!(variables.contains_key("REDIS_URL"));
    let app = app.with(".php.fpm.d/env.conf", "clear_env = no ; for Laravel\n");
    assert!(!app.launch(&[]).1.contains("warning"));
    let app = App::laravel("10.48.29", login()).with("nginx.conf", "events {}\n");
    assert!(!app.launch(&[]).1.contains("warning"));
}

#[test]
fn codeigniter_is_told_by_variables_as_well() {
    let with = |version: &str, credentials: Value| {
        App::new(Store::Redis, Kind::CodeIgniter, version, credentials)
    };
    let app = with("4.7.0", login());
    let (variables, _) = app.launch(&[]);
    assert_eq!(variables["session_driver"], "CodeIgniter\\Session\\Handlers\\RedisHandler");
    assert_eq!(variables["session_savePath"], "tcp://h:6379?timeout=2&auth=s3cret");
    app.assert_left_alone(&[("session_savePath", "x")], "sets session_savePath");
    let app = app.with(".env", "# session.driver = x\nsession.driver = 'y'\n");
    app.assert_left_alone(&[], "the app's .env sets session.driver");
    let app =
        with("4.7.0", login()).with("app/Config/Session.php", "$driver = DatabaseHandler::class;");
    app.assert_left_alone(&[], "chooses another driver");
    with("4.4.8", login()).assert_left_alone(&[], "before 4.5");

    let user =
        json!({"host": "h", "username": "u", "password": "s3cret &", "database": 2, "tls": true});
    assert_eq!(
        with("4.5.0", user).launch(&[]).0["session_savePath"],
        "tls://h:6379?timeout=2&auth[]=u&auth[]=s3cret%20%26&database=2"
    );
    let authority = json!({"host": "h", "ca.crt": CA});
    with("4.5.0", authority).assert_left_alone(&[], "only the system's CAs");
}

/// Nothing reads it: neither a framework nor, as far as the build saw, the app.
#[test]
fn no_variable_has_the_password_that_nothing_reads() {
    let app = App::new(Store::Redis, Kind::Slim, "4.13.0", login());
    for proxy in ["off", "on"] {
        let proxy = ("BPL_PHP_SESSION_PROXY", proxy);
        let (variables, _) = app.launch(&[proxy]);
        assert_eq!(
            variables.into_iter().collect::<Vec<_>>(),
            [
                ("PHP_SESSION_STORE_HOST", "h".to_owned()),
                ("PHP_SESSION_STORE_PORT", "6379".to_owned()),
            ]
        );
        let (variables, _) = app.launch(&[proxy, READ]);
        assert_eq!(variables["PHP_SESSION_STORE_PASSWORD"], "s3cret");
        assert_eq!(variables["PHP_SESSION_STORE_URL"], "redis://:s3cret@h:6379");
    }
}

#[test]
fn codeigniter_3_is_told_the_lines() {
    let app = App::new(Store::Redis, Kind::CodeIgniter3, "3.1.13", login());
    app.assert_left_alone(&[], "$config['sess_driver'] = 'redis';");
    let lines = "$config['sess_save_path'] = 'tcp://'.getenv('PHP_SESSION_STORE_HOST');";
    let (_, message) = app.with("application/config/config.php", lines).launch(&[]);
    assert_eq!(message, "");
}

#[test]
fn codeigniter_4_that_reads_our_variables_is_not_warned_of() {
    let file = "$driver = RedisHandler::class; getenv('PHP_SESSION_STORE_HOST')";
    let app = App::new(Store::Redis, Kind::CodeIgniter, "4.4.8", login());
    let (_, message) = app.with("app/Config/Session.php", file).launch(&[]);
    assert_eq!(message, "");
}

#[test]
fn any_configuration_can_read_the_service_from_variables() {
    let credentials = json!({"host": "h", "port": 6380, "username": "u", "password": "s3cret p",
        "database": 2, "tls": true, "ca.crt": CA});
    let app = App::new(Store::Redis, Kind::Drupal, "11.2.0", credentials);
    let (variables, message) = app.launch(&[READ]);
    let url = &variables["PHP_SESSION_STORE_URL"];
    assert!(url.starts_with("rediss://u:s3cret%20p@h:6380/2?ssl[cafile]=%2F"), "{url}");
    for (name, value) in [
        ("HOST", "h"),
        ("PORT", "6380"),
        ("USERNAME", "u"),
        ("PASSWORD", "s3cret p"),
        ("DATABASE", "2"),
        ("TLS", "1"),
    ] {
        assert_eq!(variables[format!("PHP_SESSION_STORE_{name}").as_str()], value);
    }
    assert!(fs::read_to_string(&variables["PHP_SESSION_STORE_CA"]).unwrap().starts_with(CA));
    assert!(message.contains("Drupal 11.2.0 does not keep its sessions there"), "{message}");
}
