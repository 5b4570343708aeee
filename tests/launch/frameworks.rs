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
struct App {
    harness: Harness,
    folder: TempDir,
    credentials: Value,
}

type Variables = BTreeMap<&'static str, String>;

impl App {
    fn new(store: Store, kind: Kind, version: &str, credentials: Value) -> Self {
        let harness = Harness::of_framework(store, kind, version);
        Self { harness, folder: tempfile::tempdir().unwrap(), credentials }
    }

    fn laravel(version: &str, credentials: Value) -> Self {
        Self::new(Store::Redis, Kind::Laravel, version, credentials)
    }

    fn with(self, file: &str, text: &str) -> Self {
        let path = self.folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// The variables, and what the log says.
    fn launch(&self, environment: &[(&str, &str)]) -> (Variables, String) {
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
    fn assert_left_alone(&self, environment: &[(&str, &str)], because: &str) {
        let (variables, message) = self.launch(environment);
        assert!(!variables.keys().any(|name| !name.starts_with("PHP_SESSION_")), "{variables:?}");
        assert!(message.starts_with("warning: ") && message.contains(because), "{message}");
    }
}

/// Something reads the variables with the password.
const READ: (&str, &str) = ("BPL_PHP_SESSION_STORE_VARIABLES", "on");

fn login() -> Value {
    json!({"host": "h", "password": "s3cret"})
}

#[test]
fn a_stock_laravel_is_told_where_sessions_are() {
    let app = App::laravel("10.48.29", login());
    let (variables, message) = app.launch(&[]);
    assert_eq!(variables["SESSION_DRIVER"], "redis");
    assert_eq!(variables["REDIS_URL"], "redis://:s3cret@h:6379");
    assert!(message.contains("Laravel 10.48.29") && message.contains("REDIS_URL"), "{message}");
    assert_eq!(app.launch(&[("BPL_PHP_SESSION_LOG", "off")]).1, "");
    let (variables, message) = app.launch(&[("BPL_PHP_SESSION_FRAMEWORK", "off")]);
    assert!(!variables.contains_key("SESSION_DRIVER") && message.is_empty());
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
    assert!(url.contains("&ssl[cafile]=%2F") && url.contains("&ssl[local_pk]=%2F"), "{url}");
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
        assert!(!variables.contains_key("REDIS_URL") && !message.contains("warning"), "{message}");
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
    assert!(!variables.contains_key("REDIS_URL") && message.is_empty(), "{message}");
    app.assert_left_alone(&own[..1], "sets REDIS_HOST");
}

#[test]
fn what_laravel_s_configuration_has_no_place_for_is_said() {
    let cluster = json!({"cluster.nodes": "a:1,b:2", "password": "s3cret"});
    let app = App::laravel("10.48.29", cluster);
    app.assert_left_alone(&[], "neither a Redis cluster nor a socket");
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
        assert!(!variables.contains_key("REDIS_URL") && message.is_empty(), "{message}");
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
