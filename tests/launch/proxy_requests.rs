//! What PHP's handler asks of the session proxy, request by request, before real servers: whatever a page does with its
//! session, in whatever order, it gets what the server would have given it.

use crate::proxy_site::{PASSWORD, Site, key, lock};
use crate::redis_process::run;
use std::thread;
use std::time::{Duration, Instant};

const NIL: &str = "$-1";

fn eight_clients_lose_no_update(site: &Site) {
    thread::scope(|scope| {
        for number in 0..8 {
            let mut php = site.php(number);
            scope.spawn(move || {
                for _ in 0..50 {
                    php.count("shared");
                }
            });
        }
    });
    assert_eq!(site.stored("shared").as_deref(), Some("400"));
    assert_eq!(site.stored("shared_LOCK"), None);
}

#[test]
fn a_server_that_enforces_slots_keeps_sessions_in_four_round_trips() {
    let site = Site::with_slots();
    let mut php = site.php(1);
    assert_eq!([php.count("a"), php.count("a"), php.count("a")], [1, 2, 3]);
    site.forget_calls();
    php.count("a");
    // Lock, read, write, unlock. The scripts' own `GET`s of the lock come on top of PHP's.
    let calls = ["eval", "setex", "get"].map(|command| site.calls(command));
    assert_eq!(calls, [2, 1, 3]);
    eight_clients_lose_no_update(&site);
    // A page that takes longer than it is certain that the lock is there.
    let mut slow = site.php(2);
    assert_eq!((slow.lock("a"), slow.read("a")), ("+OK".into(), "4".into()));
    run(&mut site.redis.admin(PASSWORD), &["DEL", &lock("a")]);
    thread::sleep(Duration::from_millis(3100));
    run(&mut site.redis.admin(PASSWORD), &["SET", &key("a"), "somebody else's"]);
    assert!(slow.write("a", "5").contains("lock of the session was lost"));
    assert_eq!(site.stored("a").as_deref(), Some("somebody else's"));
}

#[test]
fn another_server_takes_two_round_trips_also_in_strict_mode() {
    let site = Site::start(&[]);
    eight_clients_lose_no_update(&site);
    let mut php = site.php(1);
    php.count("a");
    site.forget_calls();
    php.count("a");
    assert_eq!(site.calls("eval"), 2);
    site.forget_calls();
    assert_eq!(php.exists("a"), ":1");
    php.count("a");
    assert_eq!((site.calls("eval"), site.calls("exists")), (2, 0));
    assert_eq!(php.exists("no such session"), ":0");
    assert_eq!(site.stored("no such session_LOCK"), None);
}

#[test]
fn who_asks_for_a_session_and_does_not_lock_it_is_in_nobodys_way() {
    let site = Site::start(&[]);
    let (mut strict, mut other) = (site.php(1), site.php(2));
    other.count("a");
    // Without locks, PHP reads after it has asked.
    assert_eq!(strict.exists("a"), ":1");
    assert_eq!(strict.read("a"), "1");
    other.count("a");
    assert_eq!(strict.write("a", "9"), "+OK");
    assert_eq!(other.read("a"), "9");
    // And code that only asks goes on with something else.
    assert_eq!(strict.exists("a"), ":1");
    let started = Instant::now();
    assert_eq!(other.count("a"), 10);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    // Nobody waits for a lock to be told that a session exists.
    assert_eq!(other.lock("a"), "+OK");
    let started = Instant::now();
    assert_eq!(strict.exists("a"), ":1");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

/// `redis.session.locking_enabled=0` set by a page, while others lock.
#[test]
fn a_page_that_switches_locking_off_writes_as_without_the_proxy() {
    let site = Site::start(&[]);
    let (mut unlocked, mut other) = (site.php(1), site.php(2));
    assert_eq!((unlocked.read("a"), unlocked.write("a", "1")), (NIL.into(), "+OK".into()));
    assert_eq!((other.lock("a"), other.read("a")), ("+OK".into(), "1".into()));
    assert_eq!((unlocked.read("a"), unlocked.write("a", "2")), ("1".into(), "+OK".into()));
    assert_eq!(other.write("a", "3"), "+OK");
    assert_eq!(site.stored("a").as_deref(), Some("3"));
    // Also as its connection's first request.
    assert_eq!(site.php(3).write("a", "4"), "+OK");
    assert_eq!(site.stored("a").as_deref(), Some("4"));
}

/// A handler that wraps PHP's: it asks for other ids than it was asked for, and writes as often as it likes.
#[test]
fn a_handler_may_lock_one_session_and_write_others() {
    let site = Site::start(&[]);
    let mut php = site.php(1);
    assert_eq!((php.lock("other"), php.read("other")), ("+OK".into(), NIL.into()));
    assert!(php.has_lock("other"));
    assert_eq!(php.write("a", "1"), "+OK");
    assert_eq!(php.write("other", "2"), "+OK");
    // PHP takes its lock for its own until it gives it up.
    assert!(php.has_lock("other"));
    assert_eq!(php.write("other", "3"), "+OK");
    assert_eq!(php.write("b", "4"), "+OK");
    assert_eq!(php.unlock("other"), ":1");
    let stored = ["a", "other", "b"].map(|id| site.stored(id).unwrap());
    assert_eq!(stored, ["1", "3", "4"]);
    // But not over what somebody else has written in between.
    assert_eq!(php.lock("other"), "+OK");
    assert_eq!((php.read("other"), php.write("other", "5")), ("3".into(), "+OK".into()));
    site.php(2).count("other");
    assert!(php.write("other", "7").contains("lock of the session was lost"));
    assert_eq!(site.stored("other").as_deref(), Some("6"));
}

#[test]
fn ids_are_as_long_as_they_are() {
    let site = Site::start(&[]);
    let mut php = site.php(1);
    for id in ["a".repeat(4000), "a".repeat(200_000), "a_LOCK".to_owned(), String::new()] {
        assert_eq!([php.count(&id), php.count(&id)], [1, 2], "{} letters", id.len());
    }
}

/// `redis.session.lock_expire`, of a page or an option.
#[test]
fn a_lock_ends_when_php_wants_it_to() {
    let site = Site::start(&[]);
    let (mut stuck, mut other) = (site.php(1), site.php(2));
    assert_eq!((stuck.lock_for("a", 300), stuck.read("a")), ("+OK".into(), NIL.into()));
    let started = Instant::now();
    assert_eq!(other.lock("a"), "+OK");
    let waited = started.elapsed();
    assert!((200..2000).contains(&waited.as_millis()), "{waited:?}");
    assert!(!stuck.has_lock("a"));
    assert_eq!((other.read("a"), other.write("a", "other's")), (NIL.into(), "+OK".into()));
    assert!(stuck.write("a", "mine").contains("lock of the session was lost"));
    assert_eq!(site.stored("a").as_deref(), Some("other's"));
    // Where nobody was waiting, nothing is lost.
    assert_eq!((stuck.lock_for("b", 100), stuck.read("b")), ("+OK".into(), NIL.into()));
    thread::sleep(Duration::from_millis(300));
    assert!(stuck.has_lock("b"));
    assert_eq!((stuck.write("b", "mine"), stuck.unlock("b")), ("+OK".into(), ":1".into()));
    assert_eq!(site.stored("b").as_deref(), Some("mine"));
    // Without such a wish it is kept, and ends with the connection.
    let owner = stuck.owner.clone();
    assert_eq!(stuck.say(&["SET", &lock("c"), &owner, "NX"]), "+OK");
    thread::sleep(Duration::from_millis(300));
    assert!(stuck.has_lock("c"));
    drop(stuck);
    assert_eq!(other.lock("c"), "+OK");
}
