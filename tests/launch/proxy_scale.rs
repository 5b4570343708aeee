//! Many workers, few connections, large, slow and foreign commands: what the session proxy takes is bounded.

use crate::proxy_harness::wait_until;
use crate::proxy_site::{PASSWORD, PREFIX, Site, command, reply};
use crate::redis_process::run;
use serde_json::Value;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

const WORKERS: usize = 200;
const REQUESTS: usize = 10;

fn say(stream: &mut UnixStream, parts: &[&str]) -> String {
    stream.write_all(command(parts).as_bytes()).unwrap();
    reply(stream)
}

fn work(socket: &Path, worker: usize) {
    let mut stream = UnixStream::connect(socket).unwrap();
    let (key, owner) = (format!("{PREFIX}{worker}"), format!("test|{worker}"));
    let lock = format!("{key}_LOCK");
    for count in 0..REQUESTS {
        assert_eq!(say(&mut stream, &["SET", &lock, &owner, "NX", "PX", "30000"]), "+OK");
        let data = say(&mut stream, &["GET", &key]);
        assert_eq!(data, if count == 0 { "$-1".to_owned() } else { count.to_string() });
        let data = (count + 1).to_string();
        assert_eq!(say(&mut stream, &["SETEX", &key, "1440", &data]), "+OK");
        assert_eq!(say(&mut stream, &["EVALSHA", "b70c", "1", &lock, &owner]), ":1");
    }
}

#[test]
fn two_hundred_workers_share_what_a_small_plan_allows() {
    let site = Site::start(&["--maxclients", "20"]);
    let socket = site.socket();
    let mut admin = site.redis.admin(PASSWORD);
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let socket = &socket;
            scope.spawn(move || work(socket, worker));
        }
    });
    assert_eq!(site.redis.sessions(PASSWORD), WORKERS);
    let stats: String = redis::cmd("INFO").arg("everything").query(&mut admin).unwrap();
    let stat = |name: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
        line.and_then(|value| value.parse::<usize>().ok()).unwrap_or_else(|| panic!("{stats}"))
    };
    assert_eq!(stat("rejected_connections"), 0);
    // Two of them are the test's own.
    assert!(stat("connected_clients") <= 6 + 2, "{stats}");
}

/// The password has changed and the binding has not, yet: what is connected goes on.
#[test]
fn workers_share_the_connections_that_there_are_where_new_ones_are_refused() {
    let site = Site::start(&[]);
    let socket = site.socket();
    work(&socket, WORKERS);
    let mut admin = site.redis.admin(PASSWORD);
    run(&mut admin, &["CONFIG", "SET", "requirepass", "another"]);
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let socket = &socket;
            scope.spawn(move || work(socket, worker));
        }
    });
    assert_eq!(site.redis.sessions("another"), WORKERS + 1);
}

/// Longer than a lock lasts that nobody renews.
const LONG: Duration = Duration::from_secs(10);

#[test]
fn a_lock_lasts_as_long_as_its_connection() {
    let site = Site::start(&[]);
    let mut stream = UnixStream::connect(site.socket()).unwrap();
    let lock = format!("{PREFIX}x_LOCK");
    let is_locked = || -> bool {
        redis::cmd("EXISTS").arg(&lock).query(&mut site.redis.admin(PASSWORD)).unwrap()
    };
    assert_eq!(say(&mut stream, &["SET", &lock, "test|1", "NX", "PX", "30000"]), "+OK");
    sleep(LONG);
    assert!(is_locked());
    drop(stream);
    let gone = Instant::now();
    wait_until("the end of the lock", || !is_locked());
    assert!(gone.elapsed() < Duration::from_secs(2), "{:?}", gone.elapsed());
}

#[test]
fn what_is_none_of_a_sessions_commands_is_refused() {
    let site = Site::start(&[]);
    let socket = site.socket();
    let mut admin = site.redis.admin(PASSWORD);
    run(&mut admin, &["SET", "other", "precious"]);
    let mut stream = UnixStream::connect(&socket).unwrap();
    let foreign: [&[&str]; 9] = [
        &["GET", "other"],
        &["SETEX", "other", "60", "x"],
        &["DEL", "other"],
        &["SET", "other_LOCK", "x", "NX"],
        &["FLUSHALL"],
        &["KEYS", "*"],
        &["CONFIG", "GET", "requirepass"],
        &["SELECT", "1"],
        &["EVAL", "return redis.call('get', 'other')", "0"],
    ];
    for parts in foreign {
        let said = say(&mut stream, parts);
        assert!(said.starts_with("-NOPERM") || said.starts_with("-ERR not a"), "{parts:?}: {said}");
    }
    // A script is taken for what it is in PHP's handler, and is never run.
    let lock = format!("{PREFIX}x_LOCK");
    let script = ["EVAL", "return redis.call('del', 'other')", "1", &lock, "test|1"];
    assert_eq!(say(&mut stream, &script), ":1");
    let kept: String = redis::cmd("GET").arg("other").query(&mut admin).unwrap();
    assert_eq!(kept, "precious");
    let status: Value = serde_json::from_str(&say(&mut stream, &["SESSIONPROXY.STATUS"])).unwrap();
    assert_eq!(status["refused"], foreign.len(), "{status}");
    // Where the next command begins is not to be known.
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(reply(&mut stream), "-ERR Protocol error");
    assert_eq!(stream.read(&mut [0; 9]).unwrap(), 0);
}

/// How long a stream is left open by the proxy while bytes of a command come every so often.
fn closed_after(socket: &Path, bytes: &[u8], pause: Duration) -> Duration {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(pause)).unwrap();
    let started = Instant::now();
    let mut bytes = bytes.iter();
    while started.elapsed() < Duration::from_secs(30) {
        if let Some(byte) = bytes.next() {
            // The proxy may be gone, which the next read tells.
            let _ = stream.write_all(&[*byte]);
        }
        match stream.read(&mut [0; 9]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            _ => break,
        }
    }
    started.elapsed()
}

#[test]
fn a_command_that_does_not_come_to_an_end_is_given_up() {
    let site = Site::start(&[]);
    let socket = site.socket();
    let whole = command(&["GET", &format!("{PREFIX}x")]);
    let long = command(&["SETEX", &format!("{PREFIX}x"), "1440", &"x".repeat(1000)]);
    thread::scope(|scope| {
        let socket = &socket;
        let half = scope.spawn(|| closed_after(socket, b"*2", Duration::from_millis(100)));
        let slow =
            scope.spawn(|| closed_after(socket, long.as_bytes(), Duration::from_millis(200)));
        let (half, slow) = (half.join().unwrap(), slow.join().unwrap());
        for after in [half, slow] {
            let bound = Duration::from_secs(9)..Duration::from_secs(15);
            assert!(bound.contains(&after), "half {half:?}, slow {slow:?}");
        }
    });
    // One in pieces is served.
    let mut stream = UnixStream::connect(&socket).unwrap();
    for piece in whole.as_bytes().chunks(7) {
        stream.write_all(piece).unwrap();
        sleep(Duration::from_millis(20));
    }
    assert_eq!(reply(&mut stream), "$-1");
}
