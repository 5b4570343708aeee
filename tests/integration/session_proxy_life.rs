//! What the session proxy asks of its surroundings: processes and threads. What its processes do for each other is tested
//! without containers, in `tests/launch/proxy_processes.rs`.

use crate::session_proxy::{start, with_app};
use crate::support::app::make_readable;
use crate::support::docker::{Container, wait_until};
use crate::support::http_client::HttpClient;
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::Redis;
use crate::support::{Suite, TRIXIE, on_both};
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Where nobody is left, a page has no session, as with a Redis that is down. Any command of the launcher starts the proxy
/// again.
fn a_proxy_of_which_nothing_is_left_is_started_by_the_next_command(suite: Suite) {
    with_app(suite, |app| {
        let redis = Redis::start(ODD_PASSWORD);
        let instance = start(app, &redis);
        let mut visitor = HttpClient::new();
        assert_eq!(visitor.get(instance.address(), "/hold.php").body.trim(), "1,kept");
        // Each that is left starts others meanwhile.
        let all = "while pkill -KILL -f '[s]ession-proxy'; do :; done";
        instance.container.exec_as_root(&["sh", "-c", all]);
        for _ in 0..4 {
            let answer = visitor.twin().get(instance.address(), "/hold.php");
            assert!(!answer.body.contains("kept"), "{answer:?}");
        }
        instance.container.exec(&["launcher", "true"]);
        assert_eq!(visitor.get(instance.address(), "/hold.php").body.trim(), "2,kept");
    });
}

fn echo(stream: &mut UnixStream) -> bool {
    let mut answer = [0; 11];
    stream.write_all(b"*2\r\n$4\r\nECHO\r\n$5\r\nready\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && &answer == b"$5\r\nready\r\n"
}

#[test]
fn a_container_without_threads_costs_connections_and_neither_the_proxy_nor_its_log() {
    const THREADS: usize = 24;
    with_app(TRIXIE, |app| {
        let redis = Redis::start(ODD_PASSWORD);
        let shared = tempfile::tempdir().unwrap();
        make_readable(shared.path());
        fs::set_permissions(shared.path(), Permissions::from_mode(0o1777)).unwrap();
        let volume = format!("{}:/session-proxy", shared.path().display());
        let bound = crate::session_proxy::bound(&redis);
        let folder = "BPL_PHP_SESSION_PROXY_FOLDER=/session-proxy";
        let threads = THREADS.to_string();
        let options = ["--env", folder, "--env", &bound, "--volume", &volume];
        let limited = ["--pids-limit", &threads, "--entrypoint", "session-proxy"];
        let proxy = Container::start(&[&options[..], &limited].concat(), &app.image, &[]);
        proxy.wait_for_log("ready at");
        let user = fs::read_dir(shared.path()).unwrap().next().unwrap().unwrap();
        let connect = || {
            let stream = UnixStream::connect(user.path().join("redis.sock")).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream
        };
        let mut pages: Vec<UnixStream> = (0..THREADS + 4).map(|_| connect()).collect();
        pages.retain_mut(echo);
        assert!((THREADS / 2..THREADS).contains(&pages.len()), "{}", pages.len());
        let log = proxy.logs();
        assert_eq!(log.matches("no thread for a connection from PHP").count(), 1, "{log}");
        assert!(pages.iter_mut().all(echo));
        drop(pages);
        wait_until("a thread", || echo(&mut connect()));
    });
}

on_both! {
    a_proxy_of_which_nothing_is_left_is_started_by_the_next_command;
}
