//! The session proxy, between real PHP and real Redis.

use crate::support::app::{App, Instance, Server, build};
use crate::support::check::check_in;
use crate::support::docker::{both, docker, docker_ok};
use crate::support::faulty::{FaultyServer, Kind};
use crate::support::http_client::HttpClient;
use crate::support::sample::app_with_holding_page;
use crate::support::secrets::{MARKER, ODD_PASSWORD, holds_any};
use crate::support::services::{Redis, run, vcap};
use crate::support::{BOOKWORM, Suite, on_both};
use libcnb_test::{assert_contains, assert_not_contains};
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const ON: &str = "BPL_PHP_SESSION_PROXY=on";
const CLIENTS: u32 = 8;

/// The app with a page that holds its session, behind nginx and php-fpm.
pub(crate) fn with_app(suite: Suite, test: impl FnOnce(&App)) {
    let config = app_with_holding_page(suite, Store::Redis);
    build(&config, |app| test(&app.served_by(Server::NginxFpm)));
}

pub(crate) fn bound(redis: &Redis) -> String {
    let credentials = json!({"host": redis.host(), "password": ODD_PASSWORD});
    format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials)]))
}

pub(crate) fn start(app: &App, redis: &Redis) -> Instance {
    app.start(&["--env", ON, "--env", &bound(redis)])
}

pub(crate) fn admin(redis: &Redis) -> redis::Connection {
    let mut connection = redis.connection();
    run(&mut connection, &["AUTH", ODD_PASSWORD]);
    connection
}

pub(crate) fn status(instance: &Instance) -> Value {
    let json = instance.container.exec(&["launcher", "session-proxy", "status", "--json"]);
    let json = json.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{json}"));
    serde_json::from_str(json).unwrap()
}

/// What clients of one session have met.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) requests: u32,
    /// Pages that say that they have kept their change.
    pub(crate) kept: u32,
    /// Changes that are there in the end.
    pub(crate) counted: u32,
}

/// Counts with several clients of one session, spread over instances: so many requests, and as long as something
/// else goes on.
pub(crate) fn hammer(
    instances: &[&Instance],
    at_least: u32,
    meanwhile: impl FnOnce() + Send,
) -> Run {
    let mut visitor = HttpClient::new();
    let first = instances[0].address();
    visitor.get(first, "/hold.php");
    let (requests, kept) = (AtomicU32::new(0), AtomicU32::new(0));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let address = instances[client as usize % instances.len()].address();
            let (mut twin, requests, kept, over) = (visitor.twin(), &requests, &kept, &over);
            scope.spawn(move || {
                while requests.load(Ordering::Relaxed) < at_least || !over.load(Ordering::Relaxed) {
                    requests.fetch_add(1, Ordering::Relaxed);
                    let answer = twin.get(address, "/hold.php?ms=2");
                    if answer.status == 200 && answer.body.contains("kept") {
                        kept.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        scope.spawn(|| {
            meanwhile();
            over.store(true, Ordering::Relaxed);
        });
    });
    let last = visitor.get(first, "/hold.php");
    let count: u32 = last.body.split(',').next().unwrap().parse().unwrap();
    // The first and the last request are not the clients'.
    Run { requests: requests.into_inner(), kept: kept.into_inner(), counted: count - 2 }
}

fn a_request_takes_two_round_trips(suite: Suite) {
    with_app(suite, |app| {
        let redis = Redis::start(ODD_PASSWORD);
        let instance = start(app, &redis);
        let mut visitor = HttpClient::new();
        visitor.get(instance.address(), "/hold.php");
        run(&mut admin(&redis), &["CONFIG", "RESETSTAT"]);
        for _ in 0..10 {
            visitor.get(instance.address(), "/hold.php");
        }
        let counted: String =
            redis::cmd("INFO").arg("commandstats").query(&mut admin(&redis)).unwrap();
        let calls = |command: &str| {
            let line =
                counted.lines().find(|line| line.starts_with(&format!("cmdstat_{command}:")));
            line.map_or(0, |line| {
                line.split(['=', ',']).nth(1).and_then(|calls| calls.parse().ok()).unwrap_or(0)
            })
        };
        assert_eq!(calls("eval"), 20, "{counted}");
        // The script's own; PHP's would come on top.
        assert_eq!((calls("setex"), calls("del"), calls("evalsha")), (10, 10, 0), "{counted}");
        let status = status(&instance);
        assert_eq!(status["role"], "master", "{status}");
        let (kept, said) = app.check(&["--env", ON, "--env", &bound(&redis)]);
        assert!(kept, "{said}");
    });
}

/// One instance with the proxy, one without it, as in a rolling deployment.
fn instances_with_and_without_it_lose_no_update(suite: Suite) {
    with_app(suite, |app| {
        let redis = Redis::start(ODD_PASSWORD);
        let with = start(app, &redis);
        let off = "BPL_PHP_SESSION_PROXY=off";
        let without = app.start(&["--env", off, "--env", &bound(&redis)]);
        let run = hammer(&[&with, &without], 300, || {});
        assert!(run.requests >= 300);
        assert_eq!((run.kept, run.counted), (run.requests, run.requests));
        assert_eq!(redis.sessions(ODD_PASSWORD), 1);
        // Both have had it, and often: how often each depends on when they ask for the lock.
        let requests = status(&with)["requests"].as_u64();
        assert!(requests > Some(30), "{requests:?}");
    });
}

fn php_sees_a_socket_and_no_password(suite: Suite) {
    with_app(suite, |app| {
        let redis = Redis::start(ODD_PASSWORD);
        let instance = start(app, &redis);
        let mut visitor = HttpClient::new();
        let shown = visitor.get(instance.address(), "/info.php").body;
        assert_contains!(shown, "redis.sock");
        let set = instance.container.exec(&["launcher", "sh", "-c", "env"]);
        assert_contains!(set, "PHP_SESSION_SAVE_PATH=unix://");
        run(&mut admin(&redis), &["CONFIG", "SET", "requirepass", "another"]);
        run(&mut admin_with(&redis, "another"), &["CLIENT", "KILL", "TYPE", "normal"]);
        let started = Instant::now();
        visitor.get(instance.address(), "/info.php");
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        instance.container.wait_for_log("WRONGPASS");
        assert_eq!(who_shows(&instance, &[ODD_PASSWORD, MARKER]), [] as [&str; 0]);
    });
}

/// Who shows one of these passwords, of all that tell about an instance: a page with PHP's warnings, settings and
/// environment, the launch with its variables, and the log.
pub(crate) fn who_shows(instance: &Instance, passwords: &[&str]) -> Vec<&'static str> {
    let page = HttpClient::new().get(instance.address(), "/info.php").body;
    let launch = ["exec", &instance.container.name, "launcher", "env"];
    let told = [
        ("a page", page),
        ("the launch", both(&docker(&launch))),
        ("the log", instance.container.logs()),
    ];
    let told = told.into_iter().filter(|(_, text)| {
        // That is the platform's.
        let ours = text.lines().filter(|line| !line.contains("VCAP_SERVICES"));
        holds_any(&ours.collect::<Vec<_>>().join("\n"), passwords)
    });
    told.map(|(who, _)| who).collect()
}

pub(crate) fn admin_with(redis: &Redis, password: &str) -> redis::Connection {
    let mut connection = redis.connection();
    run(&mut connection, &["AUTH", password]);
    connection
}

/// From PHP to the proxy, and from the proxy to Redis.
#[test]
fn the_check_says_which_leg_fails() {
    with_app(BOOKWORM, |app| {
        // Its container stays, and with it the address, which is nobody else's.
        let server = FaultyServer::start(Kind::Redis);
        let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", server.credentials())]));
        let instance = app.start(&["--env", ON, "--env", &bound]);
        let look = || check_in(&instance.container, &["launcher", "session-check", "--json"]);
        let steps = |report: &Value| -> Vec<(String, bool)> {
            let steps = report["steps"].as_array().unwrap().iter();
            steps.map(|it| (it["name"].as_str().unwrap().to_owned(), it["ok"] == true)).collect()
        };
        let (_, report) = look();
        let both = [("connect".to_owned(), true), ("reach the service".to_owned(), true)];
        assert_eq!(steps(&report)[..2], both, "{report:#}");

        server.kill(true);
        let (status, report) = look();
        let last = steps(&report).pop().unwrap();
        assert_eq!(last, ("reach the service".to_owned(), false), "{report:#}");
        assert_eq!(status, Some(1), "{report:#}");
        let what = report["causes"][0]["what"].as_str().unwrap();
        assert!(what.contains("through the session proxy"), "{report:#}");

        instance.container.exec_as_root(&["pkill", "-STOP", "-f", "session-proxy"]);
        let (status, report) = look();
        let summary = report.to_string();
        assert!(summary.contains("does not answer at /tmp/php-session-store-"), "{report:#}");
        assert_eq!(status, Some(2), "{report:#}");
        instance.container.exec_as_root(&["pkill", "-CONT", "-f", "session-proxy"]);
    });
}

/// Without `/tmp`, capabilities or a name for its user.
fn it_runs_in_a_hardened_container(suite: Suite) {
    with_app(suite, |app| {
        let redis = Redis::start(ODD_PASSWORD);
        let hardened = [
            "--read-only",
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
            "--user",
            "4711:0",
        ];
        let binding = bound(&redis);
        let options = [&hardened[..], &["--env", ON, "--env", &binding]].concat();
        let instance = app.served_by(Server::Php).start_command(
            &options,
            &["php", "-d", "opcache.enable=0", "-S", "0.0.0.0:8080", "-t", "htdocs"],
        );
        let mut visitor = HttpClient::new();
        visitor.get(instance.address(), "/hold.php");
        assert_eq!(visitor.get(instance.address(), "/hold.php").body.trim(), "2,kept");
        let path =
            instance.container.exec(&["launcher", "sh", "-c", "env | grep ^PHP_SESSION_SAVE_PATH"]);
        assert_contains!(path, "/dev/shm/");
        // Without that, there is no folder for a socket.
        let nowhere = [&options[..], &["--ipc", "none"]].concat();
        let (ok, said) = app.run(&nowhere, &["true"]);
        assert!(!ok, "{said}");
        assert_contains!(said, "no folder for its socket");
        assert_contains!(said, "Set TMPDIR to a folder");
    });
}

/// The web server ends when it is told to, and with it the container: the proxy is no reason to wait.
fn a_stop_takes_no_longer(suite: Suite) {
    with_app(suite, |app| {
        let redis = Redis::start(ODD_PASSWORD);
        let instance = start(app, &redis);
        HttpClient::new().get(instance.address(), "/hold.php");
        // A later launch finds the proxy, and starts none.
        instance.container.exec(&["launcher", "true"]);
        let processes = instance.container.exec(&["ps", "-eo", "stat,args"]);
        let count = |what: &str| processes.lines().filter(|line| line.contains(what)).count();
        let ours = (count("session-proxy supervise"), count("session-proxy work"));
        assert_eq!(ours, (1, 1), "{processes}");
        assert!(!processes.lines().any(|line| line.starts_with('Z')), "{processes}");
        let started = Instant::now();
        docker_ok(&["stop", "--time", "30", &instance.container.name]);
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
        let log = instance.container.logs();
        assert_not_contains!(log, "unknown child");
    });
}

on_both! {
    a_request_takes_two_round_trips;
    instances_with_and_without_it_lose_no_update;
    php_sees_a_socket_and_no_password;
    a_stop_takes_no_longer;
    it_runs_in_a_hardened_container;
}
