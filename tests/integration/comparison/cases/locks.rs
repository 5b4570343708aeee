//! Locks, and pages at the same time.

use super::{Case, case};

const HOLD: &str = "visit(); hold(300);";
const OFF: &str = "ini_set('redis.session.locking_enabled', 0);";
const ENDS: &str = "ini_set('redis.session.lock_expire', 1);";
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
            .during("look(); hold(300);", &format!("{OFF} session_start(); session_destroy();"))
            .page("visit();"),
    ]
}

/// Pages that do not lock, or not always.
fn without_locks() -> Vec<Case> {
    let visit_off = format!("{OFF} visit();");
    vec![
        case("locking off").page(&*visit_off).page(&*visit_off).page("visit();"),
        case("locking off, and nothing changes").page("visit();").page(format!("{OFF} look();")).page("visit();"),
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
            .during(HOLD, &visit_off)
            .page("visit();")
            .files_differ(FILES),
        case("locking off, while another page has a lock and changes nothing")
            .page("visit();")
            .during("look(); hold(300);", &visit_off)
            .page("visit();"),
        case("locking off, and a page has a lock meanwhile")
            .page("visit();")
            .during(&format!("{visit_off} hold(300);"), "visit();")
            .page("visit();")
            .files_differ(FILES),
        case("locking off within the session").page(format!("visit(); {OFF}")).page("visit();"),
        case("locking on within the session")
            .page(format!("{OFF} visit(); ini_set('redis.session.locking_enabled', 1);"))
            .page("visit();")
            .files_differ("phpredis does not write without the lock that it did not take"),
        case("locking off, then on")
            .page(format!("{OFF} visit(); session_write_close(); ini_set('redis.session.locking_enabled', 1); visit();"))
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
            .files_differ(FILES),
        case("a lock that ends by itself, and a page meanwhile")
            .page("visit();")
            .during(&format!("{ENDS} visit(); hold(1500);"), "session_start(); add('meanwhile');")
            .page("visit();")
            .proxy_differs(
                "/answers/1/0/said_later",
                "PHP's handler looks after the lock before it writes, the proxy as it writes",
            )
            .files_differ(FILES),
        case("a lock without an end")
            .page("visit();")
            .page("ini_set('redis.session.lock_expire', 0); visit();")
            .page("visit();"),
        case("one try for the lock")
            .page("visit();")
            .during(HOLD, "ini_set('redis.session.lock_retries', 1); ini_set('redis.session.lock_wait_time', 1000); visit();")
            .page("visit();")
            .proxy_differs("", "PHP does not tell the proxy how long it waits; the build and the launch look for these names")
            .files_differ(FILES),
        case("a lock, soon after a page could not get it")
            .page("visit();")
            .during(
                "visit(); hold(0); for ($i = 0; $i < 4000 && !file_exists('/tmp/go_on'); $i++) { usleep(1000); }",
                "session_start(); session_write_close(); touch('/tmp/go_on'); usleep(200000); visit(); header_remove('Set-Cookie');",
            )
            .page("visit();"),
        case("a lock that is not given up in time")
            .page("visit();")
            .during("visit(); hold(5000);", "visit();")
            .page("visit();")
            .files_differ(FILES),
    ]
}
