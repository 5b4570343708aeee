//! Locks, and pages at the same time.

use super::{Case, case};
use php_session_store::store::Store::{Memcached, Redis};

/// While another page waits for the lock.
const HOLD: &str = "visit(); hold(300);";
/// While another page waits for none, or not for long.
const UNTIL_OVER: &str = "visit(); hold_until_over();";
const OFF: &str = "locking(false);";
const ENDS: &str = "lock_ends(1);";
const FILES: &str = "this handler always locks, and waits without an end";

/// What pages set about locks, and what they do at the same time.
pub(super) fn cases() -> Vec<Case> {
    [at_the_same_time(), without_locks(), locks_that_end()].into_iter().flatten().collect()
}

/// Pages of one session.
fn at_the_same_time() -> Vec<Case> {
    vec![
        case("a page waits for another one")
            .page("visit();")
            .during(HOLD, "visit();")
            .page("visit();"),
        case("read and close meanwhile")
            .page("visit();")
            .during(HOLD, "look(['read_and_close' => true]);")
            .page("visit();"),
        case("the session is destroyed meanwhile")
            .page("visit();")
            .during(
                "look(); hold_until_over();",
                &format!("{OFF} session_start(); session_destroy();"),
            )
            .page("visit();"),
    ]
}

/// Pages that do not lock, or not always.
fn without_locks() -> Vec<Case> {
    let visit_off = format!("{OFF} visit();");
    vec![
        case("locking off").page(&*visit_off).page(&*visit_off).page("visit();"),
        case("locking off, and nothing changes")
            .page("visit();")
            .page(format!("{OFF} look();"))
            .page("visit();"),
        case("locking off, and regenerate")
            .page("visit();")
            .page(format!("{OFF} visit(); session_regenerate_id(true); add();"))
            .page("visit();"),
        case("locking off, and destroy")
            .page("visit();")
            .page(format!("{OFF} session_start(); session_destroy();"))
            .page("visit();"),
        case("locking off, while another page has a lock")
            .page("visit();")
            .during(UNTIL_OVER, &visit_off)
            .page("visit();")
            .files_differ(FILES),
        case("locking off, while another page has a lock and changes nothing")
            .page("visit();")
            .during("look(); hold_until_over();", &visit_off)
            .page("visit();"),
        case("locking off, and a page has a lock meanwhile")
            .page("visit();")
            .during(&format!("{visit_off} hold_until_over();"), "visit();")
            .page("visit();")
            .files_differ(FILES),
        case("locking off within the session").page(format!("visit(); {OFF}")).page("visit();"),
        case("locking on within the session")
            .page(format!("{OFF} visit(); locking(true);"))
            .page("visit();")
            .files_differ("phpredis does not write without the lock that it did not take")
            .with(Redis),
        case("locking off, then on")
            .page(format!("{OFF} visit(); session_write_close(); locking(true); visit();"))
            .page("visit();"),
    ]
}

/// Locks that end by themselves, or too late for others.
fn locks_that_end() -> Vec<Case> {
    vec![
        case("a lock that ends by itself")
            .page("visit();")
            .page(format!("{ENDS} visit(); usleep(1300000);"))
            .page("visit();")
            .proxy_differs("", "nobody else has locked the session since, so nothing is lost if this page writes it")
            .with(Redis)
            .files_differ(FILES)
            .with(Redis),
        case("a lock that ends by itself, and a page meanwhile")
            .page("visit();")
            .during(
                &format!("{ENDS} {UNTIL_OVER}"),
                "session_start(); add('meanwhile');",
            )
            .page("visit();")
            .proxy_differs(
                "/answers/1/0/said_later",
                "PHP's handler looks after the lock before it writes, the proxy as it writes",
            )
            .with(Redis)
            .proxy_differs("", "the proxy renews the lock; php-memcached writes over what the other page has written")
            .with(Memcached)
            .files_differ(FILES),
        case("a lock without an end")
            .page("visit();")
            .page("lock_ends(0); visit();")
            .page("visit();"),
        case("a lock of more than thirty days")
            .page("visit();")
            .page("lock_ends(2592001); visit();")
            .page("visit();")
            .only_with(Memcached),
        case("one try for the lock")
            .page("visit();")
            .during("visit(); hold(1000);", "tries_once(); visit();")
            .page("visit();")
            .proxy_differs("", "PHP does not tell the proxy how long it waits; the build and the launch look for these names")
            .files_differ(FILES),
        case("a lock, soon after a page could not get it")
            .page("visit();")
            .during(
                UNTIL_OVER,
                "session_start(); session_write_close(); go_on(); usleep(200000); visit(); header_remove('Set-Cookie');",
            )
            .page("visit();"),
        case("a lock that is not given up in time")
            .page("visit();")
            .during("visit(); hold(5000);", "visit();")
            .page("visit();")
            .files_differ(FILES),
    ]
}
