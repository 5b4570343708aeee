//! Memcached servers, and locks, that fail behind the session proxy.

use crate::memcached_process::Memcached;
use crate::memcached_site::{EXISTS, FAILED, NOT_STORED, Php, SUCCESS, Site, key, lock, servers};
use crate::proxy_harness::{timed, wait_until};
use crate::servers::serve;
use nix::sys::signal::Signal;
use std::io::{Read, Write};
use std::thread::{self, sleep};
use std::time::Duration;

/// What PHP's handler allows for an answer.
const PATIENCE_OF_PHP: Duration = Duration::from_secs(5);

#[test]
fn a_lock_ends_with_its_connection_and_nobody_elses_unlock_counts() {
    let server = Memcached::start(&[]);
    let site = Site::before(&[server.port]);
    let (mut first, mut second) = (site.php(), site.php());
    assert_eq!(first.lock("a"), SUCCESS);
    // Another page's late end: PHP's handler would unlock whatever there is.
    assert_eq!(second.unlock("a"), SUCCESS);
    assert!(server.stored(&lock("a")).is_some());
    let ((), waited) = timed(|| {
        thread::scope(|scope| {
            scope.spawn(|| second.wait_for_lock("a"));
            sleep(Duration::from_millis(200));
            // Its process is killed.
            drop(first);
        });
    });
    assert!(waited < Duration::from_secs(2), "{waited:?}");
}

#[test]
fn whoever_came_first_is_served_first_however_often_php_asks() {
    let server = Memcached::start(&[]);
    let site = Site::before(&[server.port]);
    let mut holder = site.php();
    assert_eq!(holder.lock("a"), SUCCESS);
    let mut first = site.php();
    // Not within the time in which PHP has to be answered; the place is kept.
    let (answer, took) = timed(|| first.lock("a"));
    assert_eq!(answer, EXISTS);
    assert!(took < PATIENCE_OF_PHP, "{took:?}");
    thread::scope(|scope| {
        let second = scope.spawn(|| {
            let mut second = site.php();
            second.wait_for_lock("a");
            assert_eq!(second.read("a"), (SUCCESS, "first".to_owned()));
        });
        wait_until("the second", || site.status()["waiting"] == 2);
        holder.unlock("a");
        first.wait_for_lock("a");
        assert_eq!(first.write("a", "first"), SUCCESS);
        assert_eq!(first.unlock("a"), SUCCESS);
        second.join().unwrap();
    });
}

#[test]
fn a_lock_that_does_not_come_is_given_up_in_time() {
    let server = Memcached::start(&[]);
    let site = Site::waiting_for_locks(&servers(&[server.port]), Duration::from_secs(1));
    server.set(&lock("a"), "1");
    let mut php = site.php();
    let (answer, took) = timed(|| php.lock("a"));
    assert_eq!(answer, EXISTS);
    assert!((Duration::from_secs(1)..Duration::from_secs(3)).contains(&took), "{took:?}");
    // PHP asks again, at once.
    let (answer, took) = timed(|| php.lock("a"));
    assert_eq!(answer, EXISTS);
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert_eq!(site.status()["lock_timeouts"], 1);
}

/// A lock is evicted, or its time was too short: somebody else writes meanwhile.
#[test]
fn a_lost_lock_loses_no_change() {
    let server = Memcached::start(&[]);
    let (site, other) = (Site::before(&[server.port]), Site::before(&[server.port]));
    let (mut php, mut faster) = (site.php(), other.php());
    assert_eq!(php.count("a"), 1);
    php.wait_for_lock("a");
    assert_eq!(php.read("a").1, "1");
    server.delete(&lock("a"));
    assert_eq!(faster.count("a"), 2);
    assert_eq!(php.write("a", "the old one"), NOT_STORED);
    assert_eq!(php.unlock("a"), SUCCESS);
    assert_eq!(server.stored(&key("a")).as_deref(), Some("2"));
    // Where nobody has written, nothing is lost, either.
    php.wait_for_lock("a");
    assert_eq!(php.read("a").1, "2");
    server.delete(&lock("a"));
    assert_eq!(php.write("a", "3"), SUCCESS);
    // And somebody who locks nothing does not keep others from writing.
    php.wait_for_lock("a");
    assert_eq!(php.read("a").1, "3");
    server.set(&key("a"), "unlocked");
    assert_eq!(php.write("a", "4"), SUCCESS);
    assert_eq!(server.stored(&key("a")).as_deref(), Some("4"));
}

#[test]
fn a_lock_is_renewed_while_php_works() {
    let server = Memcached::start(&[]);
    let site = Site::before(&[server.port]);
    let mut php = site.php();
    assert_eq!(php.lock("a"), SUCCESS);
    let version = || server.say(&format!("gets {}\r\n", lock("a")), "END\r\n");
    let first = version();
    wait_until("the renewal", || version() != first);
    // It is the same lock, and is unlocked with the write.
    assert_eq!(php.read("a").0, 1);
    assert_eq!(php.write("a", "1"), SUCCESS);
    assert_eq!(server.stored(&lock("a")), None);
}

#[test]
fn a_server_that_restarts_fails_no_request() {
    let mut server = Memcached::start(&[]);
    let site = Site::before(&[server.port]);
    let mut php = site.php();
    assert_eq!(php.count("a"), 1);
    php.wait_for_lock("a");
    assert_eq!(php.read("a").1, "1");
    server.stop();
    thread::scope(|scope| {
        let page = scope.spawn(|| php.write("a", "2"));
        sleep(Duration::from_secs(1));
        server.start_again();
        assert_eq!(page.join().unwrap(), SUCCESS);
    });
    assert_eq!(server.stored(&key("a")).as_deref(), Some("2"));
}

/// A page's requests while the server is away: PHP gives up on the first that fails, and a new visitor has an id.
fn page_without_server(php: &mut Php) -> Duration {
    let (answers, took) = timed(|| (php.create("new"), php.exists("a"), php.lock("a")));
    assert_eq!(answers, (SUCCESS, EXISTS, NOT_STORED));
    took
}

#[test]
fn a_server_that_is_down_or_hangs_costs_seconds_once() {
    let mut server = Memcached::start(&[]);
    let site = Site::before(&[server.port]);
    assert_eq!(site.php().count("a"), 1);
    let hang = |server: &mut Memcached| server.signal(Signal::SIGSTOP);
    let stop = |server: &mut Memcached| server.stop();
    let faults: [fn(&mut Memcached); 2] = [hang, stop];
    for fault in faults {
        fault(&mut server);
        let first = page_without_server(&mut site.php());
        assert!(first < Duration::from_secs(6), "{first:?}");
        for _ in 0..2 {
            let next = page_without_server(&mut site.php());
            assert!(next < Duration::from_secs(2), "{next:?}");
        }
        server.signal(Signal::SIGCONT);
        if fault as usize == stop as fn(&mut Memcached) as usize {
            server.start_again();
        }
        wait_until("the server", || site.php().lock("a") == SUCCESS);
    }
}

/// A page's end meets a server that hangs.
#[test]
fn a_write_that_fails_is_an_error_in_time() {
    let server = Memcached::start(&[]);
    let site = Site::before(&[server.port]);
    let mut php = site.php();
    assert_eq!(php.lock("a"), SUCCESS);
    server.signal(Signal::SIGSTOP);
    let (answers, took) = timed(|| (php.write("a", "1"), php.unlock("a")));
    server.signal(Signal::SIGCONT);
    assert_eq!(answers, (FAILED, SUCCESS));
    assert!(took < Duration::from_secs(6), "{took:?}");
}

#[test]
fn of_two_servers_only_the_killed_ones_sessions_fail() {
    let (server, mut killed) = (Memcached::start(&[]), Memcached::start(&[]));
    let site = Site::before(&[server.port, killed.port]);
    let ids: Vec<String> = (0..40).map(|number| format!("session{number}")).collect();
    let mut php = site.php();
    for id in &ids {
        assert_eq!(php.count(id), 1);
    }
    let (kept, lost): (Vec<_>, Vec<_>) =
        ids.iter().partition(|id| server.stored(&key(id)).is_some());
    assert!(kept.len() > 5, "{kept:?}");
    assert!(lost.len() > 5, "{lost:?}");
    killed.stop();
    for id in &kept {
        let (count, took) = timed(|| php.count(id));
        assert_eq!(count, 2);
        assert!(took < PATIENCE_OF_PHP, "{took:?}");
    }
    let mut php = site.php();
    for id in &lost {
        // Its lock may be on the other server.
        let fails = php.lock(id) == NOT_STORED || php.read(id).0 == FAILED;
        assert!(fails, "{id}");
    }
}

/// Servers that say anything but what a server says: an error in time, and no memory taken for a length that they name.
#[test]
fn what_is_no_reply_is_an_error_in_time() {
    let answers: [&[u8]; 8] = [
        // A version of 4 GiB; and one that answers every question, the login too.
        b"\x81\x0b\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\x81\x0b\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"VALUE memc.sess.key.a 0 99999999999 1\r\nx",
        b"STORED\r\nVALUE memc.sess.key.lock.a 0 1 1\r\nxx",
        b"ERROR Too many open connections\r\n",
        &[b'x'; 5000],
        b"",
    ];
    thread::scope(|scope| {
        for answer in answers {
            scope.spawn(move || {
                let port = serve(move |mut stream| {
                    while let Ok(1..) = stream.read(&mut [0; 4096]) {
                        if stream.write_all(answer).is_err() {
                            return;
                        }
                    }
                });
                let mut with_login = servers(&[port]);
                with_login["username"] = "shop".into();
                with_login["password"] = "hunter2".into();
                for credentials in [servers(&[port]), with_login] {
                    let (said, took) = timed(|| Site::new(&credentials).php().lock("a"));
                    assert_eq!(said, NOT_STORED);
                    assert!(took < PATIENCE_OF_PHP, "{took:?}");
                }
            });
        }
    });
}
