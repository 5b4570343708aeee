//! What the launch sets for the app's own configuration, and when it sets nothing.

use crate::harness::{CA, Harness, KEY, PROBE_OFF, proxy};
use php_session_store::config::environment::Environment;
use php_session_store::frameworks::known::Kind;
use php_session_store::launch::prepare::prepare;
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// An app with files of its own, and its launch.
pub(crate) struct App {
    harness: Harness,
    folder: TempDir,
    credentials: Value,
}

type Variables = BTreeMap<&'static str, String>;

impl App {
    pub(crate) fn new(store: Store, kind: Kind, version: &str, credentials: Value) -> Self {
        let harness = Harness::of_framework(store, kind, version);
        Self { harness, folder: tempfile::tempdir().unwrap(), credentials }
    }

    pub(crate) fn laravel(version: &str, credentials: Value) -> Self {
        Self::new(Store::Redis, Kind::Laravel, version, credentials)
    }

    pub(crate) fn with(self, file: &str, text: &str) -> Self {
        let path = self.folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// The variables, and what the log says.
    pub(crate) fn launch(&self, environment: &[(&str, &str)]) -> (Variables, String) {
        let service = |name: &str| json!({"name": name, "credentials": self.credentials});
        let services =
            json!({"x": [service("redis-sessions")], "y": [service("memcached-sessions")]});
        let services = services.to_string();
        let tmp = self.harness.layer.path().to_str().unwrap();
        let own = [("VCAP_SERVICES", services.as_str()), ("TMPDIR", tmp), PROBE_OFF];
        let environment: Environment = environment.iter().copied().chain(own).collect();
        let layer = self.harness.layer.path();
        let app_dir = self.folder.path();
        let launch = prepare(&environment, Path::new("/nowhere"), layer, app_dir, &proxy);
        let launch = launch.unwrap().app;
        let variables = launch.variables.into_iter();
        let message = launch.message.unwrap_or_default();
        assert!(!message.contains("s3cret"), "{message}");
        (variables.map(|(variable, value)| (variable.name(), value)).collect(), message)
    }

    /// Nothing is set for the framework, and the log says why.
    pub(crate) fn assert_left_alone(&self, environment: &[(&str, &str)], because: &str) {
        let (variables, message) = self.launch(environment);
        assert!(!variables.keys().any(|name| !name.starts_with("PHP_SESSION_")), "{variables:?}");
        assert!(message.starts_with("warning: "), "{message}");
        assert!(message.contains(because), "{message}");
    }
}

/// Something reads the variables with the password.
pub(crate) const READ: (&str, &str) = ("BPL_PHP_SESSION_STORE_VARIABLES", "on");

pub(crate) fn login() -> Value {
    json!({"host": "h", "password": "s3cret"})
}

#[test]
fn a_stock_laravel_is_told_where_sessions_are() {
    let app = App::laravel("10.48.29", login());
    let (variables, message) = app.launch(&[]);
    assert_eq!(variables["SESSION_DRIVER"], "redis");
    assert_eq!(variables["REDIS_URL"], "redis://:s3cret@h:6379");
    assert!(message.contains("Laravel 10.48.29"), "{message}");
    assert!(message.contains("REDIS_URL"), "{message}");
    assert_eq!(app.launch(&[("BPL_PHP_SESSION_LOG", "off")]).1, "");
    let (variables, message) = app.launch(&[("BPL_PHP_SESSION_FRAMEWORK", "off")]);
    assert!(!variables.contains_key("SESSION_DRIVER"));
    assert!(message.is_empty());
}

#[test]
fn what_laravel_would_read_as_something_else_is_written_as_a_text() {
    let url = |version: &str, credentials: Value| {
        App::laravel(version, credentials).launch(&[]).0["REDIS_URL"].clone()
    };
    let password = |password: &str| url("10.0", json!({"host": "h", "password": password}));
    for (text, encoded) in [
        ("007", "007"),
        ("12345678901234567890", "%2212345678901234567890%22"),
        ("1e5", "%221e5%22"),
        ("TRUE", "%22TRUE%22"),
        ("\"x\"", "%22%5C%22x%5C%22%22"),
        ("a b&c:d@e", "a%20b%26c%3Ad%40e"),
    ] {
        assert_eq!(password(text), format!("redis://:{encoded}@h:6379"));
    }
    // 8 has no place for a user but a password that is a list.
    let user = json!({"host": "h", "username": "shop", "password": "1"});
    assert_eq!(url("9.52.0", user.clone()), "redis://shop:%221%22@h:6379");
    assert_eq!(url("8.83.26", user), "redis://h:6379?password[]=shop&password[]=%221%22");
    // A database stands elsewhere: `cache:clear` would empty one that cache and sessions share.
    let app = App::laravel("10.0", json!({"host": "h", "database": 3}));
    let (variables, _) = app.launch(&[]);
    assert_eq!(variables["REDIS_URL"], "redis://h:6379");
    assert_eq!(variables["REDIS_DB"], "3");
    let tls = json!({"host": "h", "tls": true, "ca.crt": CA, "tls.crt": CA, "tls.key": KEY});
    let url = url("10.0", tls);
    assert!(url.starts_with("rediss://h:6379?context[stream][cafile]=%2F"), "{url}");
    assert!(url.contains("&context[stream][local_pk]=%2F"), "{url}");
    // Predis has another name for them.
    assert!(url.contains("&ssl[cafile]=%2F"), "{url}");
    assert!(url.contains("&ssl[local_pk]=%2F"), "{url}");
}

#[test]
fn nothing_that_the_app_sets_is_overridden() {
    let app = App::laravel("10.48.29", login());
    for name in
        ["REDIS_HOST", "REDIS_URL", "REDIS_PASSWORD", "REDIS_USERNAME", "SESSION_CONNECTION"]
    {
        app.assert_left_alone(&[(name, "other")], &format!("the environment sets {name}"));
    }
    app.assert_left_alone(&[("SESSION_DRIVER", "cookie")], "sets SESSION_DRIVER to \"cookie\"");
    // Kubernetes sets this one for a Service that has the name.
    let kubernetes = [("REDIS_PORT", "tcp://10.0.0.1:6379")];
    assert_eq!(app.launch(&kubernetes).0["SESSION_DRIVER"], "redis");
    // The same server, by the app's own variables.
    for own in [("REDIS_HOST", "h"), ("REDIS_URL", "redis://:s3cret@h:6379/2")] {
        let (variables, message) = app.launch(&[own, ("REDIS_PASSWORD", "s3cret")]);
        assert_eq!(variables["SESSION_DRIVER"], "redis");
        assert!(!variables.contains_key("REDIS_URL"), "{message}");
        assert!(!message.contains("warning"), "{message}");
    }

    let app = app.with(".env", "SESSION_DRIVER=redis\nREDIS_PASSWORD=null\n");
    assert_eq!(app.launch(&[]).0["REDIS_URL"], "redis://:s3cret@h:6379");
    let app = app.with(".env.live", "REDIS_HOST=127.0.0.1\n");
    app.assert_left_alone(&[("APP_ENV", "live")], "the app's .env.live sets REDIS_HOST");
    assert!(app.launch(&[("APP_ENV", "other")]).0.contains_key("REDIS_URL"));
}

#[test]
fn a_launcher_inside_a_launcher_sets_the_same_and_says_nothing() {
    let app = App::laravel("10.48.29", login());
    let (outer, _) = app.launch(&[]);
    let environment: Vec<(&str, &str)> =
        outer.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(app.launch(&environment), (outer.clone(), String::new()));
}

#[test]
fn a_configuration_that_does_not_read_the_variables_is_told_apart() {
    let app = App::laravel("10.48.29", login());
    let app = app.with("config/session.php", "<?php return ['driver' => env('SESSION_DRIVER')];");
    assert!(app.launch(&[]).0.contains_key("REDIS_URL"));
    let app = app.with("config/database.php", "<?php return ['redis' => ['host' => 'x']];");
    app.assert_left_alone(&[], "config/database.php does not read REDIS_URL");
    App::laravel("5.8.38", login()).assert_left_alone(&[], "does not read REDIS_URL");

    let cached = "bootstrap/cache/config.php";
    let app = App::laravel("11.0.0", login()).with(cached, "<?php return ['url' => NULL];");
    app.assert_left_alone(&[], "cached in bootstrap/cache/config.php");
    // Made by the start command, from our own values.
    let app = app.with(cached, "<?php return ['url' => 'redis://:s3cret@h:6379'];");
    assert!(app.launch(&[]).0.contains_key("REDIS_URL"));
}

#[test]
fn a_connection_of_its_own_that_reads_our_variables_is_not_warned_of() {
    let config = "['url' => env('REDIS_URL')], ['host' => env('PHP_SESSION_STORE_HOST')]";
    let app = App::laravel("10.48.29", login()).with("config/database.php", config);
    let own = [("REDIS_HOST", "other"), ("SESSION_DRIVER", "redis"), ("SESSION_CONNECTION", "x")];
    let (variables, message) = app.launch(&own);
    assert!(!variables.contains_key("REDIS_URL"), "{message}");
    assert!(message.is_empty(), "{message}");
    app.assert_left_alone(&own[..1], "sets REDIS_HOST");
}

#[test]
fn what_laravel_s_configuration_has_no_place_for_is_said() {
    let cluster = json!({"cluster.nodes": "a:1,b:2", "password": "s3cret"});
    let app = App::laravel("10.48.29", cluster);
    app.assert_left_alone(&[], "neither a Redis cluster, nor a socket");
    assert_eq!(app.launch(&[]).0["PHP_SESSION_STORE_SERVERS"], "a:1,b:2");
}

#[test]
fn laravel_with_memcached() {
    let credentials = json!({"servers": "a:1,b:2", "username": "shop", "password": "True"});
    let app = App::new(Store::Memcached, Kind::Laravel, "10.48.29", credentials);
    let (variables, _) = app.launch(&[("MEMCACHED_PORT", "tcp://10.0.0.1:11211"), READ]);
    for (name, value) in [
        ("SESSION_DRIVER", "memcached"),
        ("MEMCACHED_HOST", "a"),
        ("MEMCACHED_PORT", "1"),
        ("MEMCACHED_USERNAME", "shop"),
        // env() would make a boolean of it.
        ("MEMCACHED_PASSWORD", "\"True\""),
        ("PHP_SESSION_STORE_URL", "memcached:shop:True@?host[a:1]&host[b:2]"),
        ("PHP_SESSION_STORE_PASSWORD", "True"),
    ] {
        assert_eq!(variables[name], value, "{name}");
    }
}

#[test]
fn a_login_that_a_cloud_issues_is_for_phps_own_sessions() {
    let app = App::laravel("10.48.29", json!({"host": "h", "auth": "google-iam"}));
    let proxy = ("BPL_PHP_SESSION_PROXY", "auto");
    app.assert_left_alone(&[proxy], "a login with the tokens of a cloud");
    let (variables, _) = app.launch(&[proxy, ("BPL_PHP_SESSION_STORE_VARIABLES", "on")]);
    assert_eq!(variables["PHP_SESSION_STORE_HOST"], "h");
    assert!(!variables.contains_key("PHP_SESSION_STORE_URL"));
}
