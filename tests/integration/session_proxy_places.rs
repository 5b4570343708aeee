//! Wherever PHP runs, and whatever Redis is reached by, the way through the session proxy is the same.

use crate::session_proxy::{ON, bound, status};
use crate::support::app::{App, Instance, Server, build, config_for};
use crate::support::docker::{Container, Network, docker, docker_ok};
use crate::support::http_client::HttpClient;
use crate::support::sample::app_for_every_server;
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::{IMAGE, Redis, vcap};
use crate::support::{BOOKWORM, Suite, on_both};
use libcnb_test::assert_contains;
use php_session_store::php::redis_commands::rights;
use php_session_store::plan::PREFIX;
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

/// The counter, for all web servers; one build for each check of a release.
fn with_app(suite: Suite, test: impl FnOnce(&App)) {
    let folder = app_for_every_server();
    let mut config = config_for(Server::Php, suite, "web");
    config.app_dir(folder.path());
    build(config.env("BP_PHP_SESSION_STORE", "redis"), test);
}

/// Counts, and the proxy has seen it.
fn assert_counts(instance: &Instance) {
    let mut visitor = HttpClient::new();
    let counts = [0; 3].map(|_| visitor.count(instance.address()));
    assert_eq!(counts, [1, 2, 3], "{}", instance.container.logs());
    let status = status(instance);
    assert!(status["requests"].as_u64() >= Some(3), "{status}");
}

fn stop(instance: &Instance) -> Duration {
    let started = Instant::now();
    // `php -S` waits for the end of that.
    docker_ok(&["stop", "--time", "8", &instance.container.name]);
    started.elapsed()
}

/// As root, nginx and php-fpm give their workers a user of their own.
const AS_ROOT: &str = "\
    sed 's/^listen = .*/&\\nuser = www-data\\ngroup = www-data\\nlisten.mode = 0666/' /workspace/php-fpm.conf >/tmp/fpm.conf
    sed 's#/workspace/php-fpm.conf#/tmp/fpm.conf#' /workspace/supervisord.conf >/tmp/supervisord.conf
    exec supervisord -c /tmp/supervisord.conf";

fn php_sits_anywhere(suite: Suite) {
    with_app(suite, |app| {
        let redis = Redis::start(ODD_PASSWORD);
        let bound = bound(&redis);
        let on = ["--env", ON, "--env", &bound];
        for server in [Server::Php, Server::NginxFpm, Server::Apache, Server::ApacheFpm] {
            let app = app.served_by(server);
            let instance = app.start(&on);
            assert_counts(&instance);
            // Neither the proxy nor what started it is left over, and nobody waits for them at the end.
            let defunct =
                instance.container.exec(&["sh", "-c", "ps -eo stat,args | grep ^Z || true"]);
            assert_eq!(defunct, "", "{server:?}");
            let off = app.start(&["--env", "BPL_PHP_SESSION_PROXY=off", "--env", &bound]);
            let (with, without) = (stop(&instance), stop(&off));
            assert!(with < without + Duration::from_secs(3), "{server:?}: {with:?}, {without:?}");
            let log = instance.container.logs();
            assert!(!log.contains("unknown child"), "{server:?}: {log}");
        }

        let app = app.served_by(Server::NginxFpm);
        let options = [&on[..], &["--user", "0"]].concat();
        let instance = app.start_command(&options, &["--", "sh", "-c", AS_ROOT]);
        assert_counts(&instance);
        let users = instance.container.exec_as_root(&["ps", "-eo", "user,args"]);
        let has = |user: &str, what: &str| {
            users.lines().any(|line| line.starts_with(user) && line.contains(what))
        };
        assert!(has("www-data", "php-fpm: pool"), "{users}");
        assert!(has("root", "session-proxy work"), "{users}");

        // A worker of a queue starts a session for each job.
        let jobs = "for ($i = 0; $i < 3; $i++) { session_id('job'); session_start(); \
            $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; session_write_close(); } \
            session_start(); echo ini_get('session.save_path'), ' n=', $_SESSION['n'];";
        let started = Instant::now();
        let (ok, said) = app.run(&on, &["--", "php", "-r", jobs]);
        assert!(ok, "{said}");
        assert_contains!(said, "unix://");
        assert_contains!(said, "n=3");
        // The container ends with its task.
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    });
}

fn assert_reached(app: &App, credentials: &Value, options: &[&str]) {
    let services = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials.clone())]));
    let options = [&["--env", ON, "--env", &services], options].concat();
    assert_counts(&app.start(&options));
}

fn redis_is_reached_anyhow(suite: Suite) {
    with_app(suite, |app| {
        // The rights that PHP's own handler takes, and no others.
        let (rights, login) = (rights(PREFIX), format!(">{ODD_PASSWORD}"));
        let rights: Vec<&str> = rights.split(' ').collect();
        let users = [&["--user", "default", "off", "--user", "shop", "on", &login], &rights[..]];
        let redis = Redis::start_with(&users.concat());
        let credentials = json!({
            "host": redis.host(), "username": "shop", "password": ODD_PASSWORD, "database": 3,
        });
        assert_reached(app, &credentials, &[]);

        let network = Network::with_ipv6();
        let in_network = ["--network", network.name.as_str()];
        let command = ["redis-server", "--bind", "*", "-::*", "--requirepass", ODD_PASSWORD];
        let server = Container::start(&in_network, IMAGE, &command);
        server.wait_for_log("Ready to accept connections");
        let credentials = json!({"host": server.ipv6(), "password": ODD_PASSWORD});
        assert_reached(app, &credentials, &in_network);

        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let mount = format!("{}:/sock", folder.path().display());
        let command = ["redis-server", "--port", "0", "--unixsocket", "/sock/redis.sock"];
        let command = [&command[..], &["--unixsocketperm", "777"]].concat();
        let server = Container::start(&["--volume", &mount], IMAGE, &command);
        server.wait_for_log("ready to accept connections at /sock/redis.sock");
        assert_reached(app, &json!({"uri": "unix:///sock/redis.sock"}), &["--volume", &mount]);
    });
}

/// The socket is for the app's user: another one of the same container can neither enter its folder, nor connect.
#[test]
fn another_user_is_kept_out() {
    with_app(BOOKWORM, |app| {
        let redis = Redis::start(ODD_PASSWORD);
        let instance = app.start(&["--env", ON, "--env", &bound(&redis)]);
        let connect = "$s = @stream_socket_client('unix://' . glob('/tmp/php-session-store-*')[0] . '/redis.sock'); \
            if (!$s) { exit(3); } @fwrite($s, \"*2\\r\\n$4\\r\\nECHO\\r\\n$1\\r\\nx\\r\\n\"); \
            exit(@fread($s, 9) === \"$1\\r\\nx\\r\\n\" ? 0 : 4);";
        let by = |user: &str| {
            let exec = ["exec", "--user", user, &instance.container.name, "php", "-r", connect];
            docker(&exec).status.code()
        };
        assert_eq!((by("1000"), by("4711")), (Some(0), Some(3)));
        instance.container.exec_as_root(&[
            "sh",
            "-c",
            "chmod 777 /tmp/php-session-store-* /tmp/php-session-store-*/redis.sock",
        ]);
        assert_eq!((by("1000"), by("4711")), (Some(0), Some(4)));
        assert_eq!(status(&instance)["refused"], 1);
    });
}

on_both! {
    php_sits_anywhere;
    redis_is_reached_anyhow;
}
