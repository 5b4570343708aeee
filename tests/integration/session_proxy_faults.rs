//! The session proxy whose processes are killed, behind real PHP. What a server does to it is tested without containers, in
//! `tests/launch/proxy_service.rs`.

use crate::session_proxy::{admin, hammer, start, who_shows, with_app};
use crate::support::http_client::HttpClient;
use crate::support::secrets::{MARKER, ODD_PASSWORD};
use crate::support::services::{Redis, run};
use crate::support::{Suite, on_both};
use libcnb_test::assert_contains;
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
        assert_contains!(log, "starting it again");
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

on_both! {
    whatever_is_killed_no_update_is_lost;
}
