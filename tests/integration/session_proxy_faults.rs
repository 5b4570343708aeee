//! The session proxy under faults: killed processes, servers that restart, few connections, new passwords.

use crate::session_proxy::{
    ON, admin, admin_with, bound, hammer, start, status, who_shows, with_app,
};
use crate::support::docker::{Container, wait_until};
use crate::support::http_client::HttpClient;
use crate::support::secrets::{MARKER, ODD_PASSWORD};
use crate::support::services::{IMAGE, Redis, run, vcap};
use crate::support::{Suite, on_both};
use serde_json::json;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

fn whatever_is_killed_no_update_is_lost(suite: Suite) {
    with_app(suite, |app| {
        let redis = Redis::start(ODD_PASSWORD);
        let instance = start(app, &redis);
        // Connections to the service cost nothing.
        let reset = hammer(&[&instance], 300, || {
            for _ in 0..10 {
                thread::sleep(Duration::from_millis(50));
                run(&mut admin(&redis), &["CLIENT", "KILL", "TYPE", "normal"]);
            }
        });
        assert_eq!((reset.kept, reset.counted), (reset.requests, reset.requests), "{reset:?}");
        // A process costs those who wait for its answer in that moment, and nobody an update.
        let kills = ["work", "work", "supervise", "work"];
        let hammered = hammer(&[&instance], 100, || {
            for what in kills {
                thread::sleep(Duration::from_secs(1));
                let what = format!("session-proxy {what}");
                instance.container.exec_as_root(&["pkill", "-KILL", "-f", &what]);
            }
        });
        assert!(hammered.kept <= hammered.counted, "{hammered:?}");
        assert!(hammered.requests - hammered.kept <= 8 * 3, "{hammered:?}");
        let log = instance.container.logs();
        assert!(log.contains("starting it again"), "{log}");
        // A request that begins with the crash waits no longer than any other.
        let mut visitor = HttpClient::new();
        visitor.get(instance.address(), "/hold.php");
        let slow = thread::scope(|scope| {
            let mut twin = visitor.twin();
            let slow = scope.spawn({
                let address = instance.address();
                move || twin.get(address, "/hold.php?ms=1000")
            });
            thread::sleep(Duration::from_millis(400));
            instance.container.exec_as_root(&["pkill", "-KILL", "-f", "session-proxy work"]);
            slow.join().unwrap()
        });
        assert!(slow.body.contains("kept"), "{slow:?}");
        let started = Instant::now();
        let answer = visitor.get(instance.address(), "/hold.php");
        assert_eq!(answer.body.trim(), "3,kept");
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        // A folder that is removed is there again within a second, for connections that are new.
        instance.container.exec_as_root(&["sh", "-c", "rm -rf /tmp/php-session-store-*"]);
        thread::sleep(Duration::from_secs(1));
        assert_eq!(visitor.get(instance.address(), "/hold.php").body.trim(), "4,kept");
        instance.container.exec_as_root(&["pkill", "-KILL", "-f", "session-proxy work"]);
        assert_eq!(visitor.get(instance.address(), "/hold.php").body.trim(), "5,kept");
        assert_eq!(who_shows(&instance, &[MARKER]), [] as [&str; 0]);
    });
}

/// Starts Redis again and again, in one container: the address of one that is stopped is soon somebody else's.
const REDIS_FOR_EVER: &str = "while true; do \
    redis-server --protected-mode no --save '' --requirepass \"$0\"; sleep 3; done";

fn a_server_that_restarts_fails_no_request(suite: Suite) {
    with_app(suite, |app| {
        let command = ["sh", "-c", REDIS_FOR_EVER, ODD_PASSWORD];
        let redis = Redis { container: Container::start(&[], IMAGE, &command) };
        redis.container.wait_for_port(6379);
        let instance = start(app, &redis);
        let mut visitor = HttpClient::new();
        visitor.get(instance.address(), "/hold.php");
        // The page is working while the server, and its lock, go.
        let answer = thread::scope(|scope| {
            let slow = scope.spawn(|| visitor.get(instance.address(), "/hold.php?ms=1500"));
            thread::sleep(Duration::from_millis(200));
            // Away for long enough that the page's end meets it.
            redis.container.exec_as_root(&["pkill", "-KILL", "redis-server"]);
            slow.join().unwrap()
        });
        assert_eq!((answer.status, answer.body.trim()), (200, "2,kept"));
        instance.container.wait_for_log("the service is responding again");
        assert_eq!(who_shows(&instance, &[MARKER]), [] as [&str; 0]);
    });
}

/// More PHP processes than the server takes connections.
fn a_server_with_few_connections_is_enough(suite: Suite) {
    with_app(suite, |app| {
        let redis = Redis::start_with(&["--requirepass", ODD_PASSWORD, "--maxclients", "5"]);
        let few = "BPL_PHP_SESSION_PROXY_CONNECTIONS=2";
        let instance = app.start(&["--env", ON, "--env", few, "--env", &bound(&redis)]);
        let (address, failed) = (instance.address(), AtomicU32::new(0));
        thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let answer = HttpClient::new().get(address, "/hold.php?ms=5");
                        if !answer.body.contains("kept") {
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(failed.load(Ordering::Relaxed), 0, "{}", instance.container.logs());
        let status = status(&instance);
        assert!(status["connections"].as_u64() <= Some(2), "{status}");
    });
}

fn a_new_password_needs_no_restart(suite: Suite) {
    with_app(suite, |app| {
        const OLD: &str = "the-old-one";
        const NEW: &str = "the-new-one";
        let redis = Redis::start(OLD);
        let folder = tempfile::tempdir().unwrap();
        crate::support::app::make_readable(folder.path());
        let file = folder.path().join("services.json");
        let write = |password: &str| {
            let credentials = json!({"host": redis.host(), "password": password});
            fs::write(&file, vcap(&[("redis-sessions", credentials)])).unwrap();
        };
        write(OLD);
        let volume = format!("{}:/services", folder.path().display());
        let path = "VCAP_SERVICES_FILE_PATH=/services/services.json";
        let instance = app.start(&["--env", ON, "--env", path, "--volume", &volume]);
        let mut visitor = HttpClient::new();
        visitor.get(instance.address(), "/hold.php");
        write(NEW);
        run(&mut admin_with(&redis, OLD), &["CONFIG", "SET", "requirepass", NEW]);
        run(&mut admin_with(&redis, NEW), &["CLIENT", "KILL", "TYPE", "normal"]);
        assert_eq!(visitor.get(instance.address(), "/hold.php").body.trim(), "2,kept");
        // Another host, without any refusal.
        let other = Redis::start(NEW);
        let credentials = json!({"host": other.host(), "password": NEW});
        fs::write(&file, vcap(&[("redis-sessions", credentials)])).unwrap();
        wait_until("the other server", || {
            HttpClient::new().get(instance.address(), "/hold.php");
            other.sessions(NEW) > 0
        });
        assert_eq!(who_shows(&instance, &[OLD, NEW]), [] as [&str; 0]);
    });
}

on_both! {
    whatever_is_killed_no_update_is_lost;
    a_server_that_restarts_fails_no_request;
    a_server_with_few_connections_is_enough;
    a_new_password_needs_no_restart;
}
