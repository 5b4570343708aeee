//! Requests while Sentinel puts a replica in the place of the primary: none fails, and each answer is checked.

use crate::fake_server::plain;
use crate::proxy_site::PASSWORD;
use crate::redis_process::run;
use crate::sentinel_site::{MASTER, Watched};
use nix::sys::signal::Signal;
use serde_json::json;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

const WORKERS: u32 = 6;

/// What a worker has seen: how often it counted, the longest it waited, and counts that were gone.
#[derive(Debug, Default)]
struct Seen {
    pages: u32,
    longest: Duration,
    lost: u32,
}

/// Visitors that count their visits, one request after the other, while something happens, which may hold up new requests.
/// Any failed request panics.
fn under_load(site: &Watched, happens: impl FnOnce(&RwLock<()>)) -> Vec<Seen> {
    let (is_over, breaks) = (AtomicBool::new(false), RwLock::new(()));
    thread::scope(|scope| {
        let workers: Vec<_> = (1..=WORKERS)
            .map(|number| {
                let (mut php, is_over, breaks) = (site.php(number), &is_over, &breaks);
                scope.spawn(move || {
                    let (mut seen, mut last) = (Seen::default(), 0_u32);
                    while !is_over.load(Ordering::Relaxed) {
                        let requested = breaks.read().unwrap();
                        let begun = Instant::now();
                        let count = php.count(&number.to_string());
                        drop(requested);
                        seen.longest = seen.longest.max(begun.elapsed());
                        seen.lost += (last + 1).saturating_sub(count);
                        (last, seen.pages) = (count, seen.pages + 1);
                        sleep(Duration::from_millis(1));
                    }
                    seen
                })
            })
            .collect();
        sleep(Duration::from_millis(300));
        happens(&breaks);
        sleep(Duration::from_secs(1));
        is_over.store(true, Ordering::Relaxed);
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    })
}

fn total(seen: &[Seen]) -> (u32, Duration, u32) {
    let longest = seen.iter().map(|it| it.longest).max().unwrap_or_default();
    (seen.iter().map(|it| it.pages).sum(), longest, seen.iter().map(|it| it.lost).sum())
}

#[test]
fn a_planned_failover_fails_no_request_and_loses_nothing() {
    let site = Watched::start(None);
    site.serve(&site.credentials(), 0);
    let old = site.primary();
    let seen = under_load(&site, |_| {
        site.fail_over();
        site.wait_for_another(old);
    });
    let (pages, longest, lost) = total(&seen);
    println!("planned: {pages} pages, longest {longest:?}, {lost} lost");
    assert_eq!(lost, 0, "{seen:?}");
}

/// The Sentinel that leads describes the old primary until then, or for `failover-timeout`.
#[test]
fn a_new_primary_serves_before_all_replicas_follow_it() {
    let site = Watched::with(None, &[], &format!("sentinel failover-timeout {MASTER} 30000\n"));
    site.serve(&site.credentials(), 0);
    let mut php = site.php(1);
    assert_eq!(php.count("a"), 1);
    let old = site.primary();
    for replica in site.servers.iter().filter(|it| it.port != site.servers[old].port) {
        run(&mut replica.admin(PASSWORD), &["CONFIG", "SET", "masterauth", "wrong"]);
    }
    site.fail_over();
    site.wait_for_another(old);
    let begun = Instant::now();
    assert_eq!([php.count("a"), php.count("a")], [2, 3]);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert!(site.leader_is_at_it());
}

#[test]
fn a_killed_primary_fails_no_request() {
    let site = Watched::start(None);
    site.serve(&site.credentials(), 0);
    let old = site.primary();
    let seen = under_load(&site, |_| {
        site.signal(old, Signal::SIGKILL);
        site.wait_for_another(old);
    });
    let (pages, longest, lost) = total(&seen);
    println!("killed: {pages} pages, longest {longest:?}, {lost} lost");
}

/// The worst time to come back: the old primary takes itself for one, and PHP's connections to it are still open.
#[test]
fn a_primary_that_stops_and_comes_back_is_not_believed() {
    let site = Watched::start(Some("of-sentinel"));
    site.serve(&site.credentials(), 0);
    let old = site.primary();
    // One connection for each.
    let mut idle: Vec<_> = (11..=16).map(|number| site.php(number)).collect();
    for (php, expected) in idle.iter_mut().zip(1..) {
        assert_eq!(php.count("idle"), expected);
    }
    let seen = under_load(&site, |breaks| {
        let quiet = breaks.write().unwrap();
        site.stop(old);
        drop(quiet);
        site.wait_for_another(old);
        site.signal(old, Signal::SIGCONT);
    });
    assert_eq!(total(&seen).2, 0, "{seen:?}");
    // Without load, nobody has noticed anything.
    let old = site.primary();
    site.signal(old, Signal::SIGSTOP);
    site.wait_for_another(old);
    site.signal(old, Signal::SIGCONT);
    for (php, expected) in idle.iter_mut().zip(7..) {
        assert_eq!(php.count("idle"), expected);
    }
    assert_eq!(site.stored("idle").as_deref(), Some("12"));
}

/// Requests of one session, by several processes, while nobody answers.
#[test]
fn requests_that_wait_for_a_failover_come_in_their_order() {
    let mut site = Watched::start(None);
    // The first one that is asked is dead.
    let credentials = site.credentials();
    site.sentinels[0].kill();
    site.serve(&credentials, 0);
    assert_eq!(site.php(0).count("one"), 1);
    let old = site.primary();
    site.signal(old, Signal::SIGKILL);
    thread::scope(|scope| {
        let waiting: Vec<_> = (1..=8)
            .map(|number| {
                let mut php = site.php(number);
                let page = scope.spawn(move || php.count("one"));
                sleep(Duration::from_millis(50));
                page
            })
            .collect();
        let counts: Vec<u32> = waiting.into_iter().map(|page| page.join().unwrap()).collect();
        assert_eq!(counts, (2..=9).collect::<Vec<_>>());
    });
}

/// It names a port where nothing listens.
#[test]
fn a_sentinel_that_lies_is_outvoted() {
    let site = Watched::start(None);
    let mut credentials = site.credentials();
    let liar = plain(|words| match words[1] {
        "GET-MASTER-ADDR-BY-NAME" => Some("*2\r\n$9\r\n127.0.0.1\r\n$1\r\n1\r\n"),
        _ => Some("-ERR no\r\n"),
    });
    let nodes = credentials["sentinel.nodes"].as_str().unwrap();
    credentials["sentinel.nodes"] = json!(format!("127.0.0.1:{liar},{nodes}"));
    site.serve(&credentials, 0);
    assert_eq!(site.php(1).count("a"), 1);
    let begun = Instant::now();
    assert_eq!(site.php(1).count("a"), 2);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn a_write_waits_for_as_many_replicas_as_it_has_to() {
    let mut site = Watched::start(None);
    site.serve(&site.credentials(), 2);
    let mut php = site.php(1);
    assert_eq!(php.count("a"), 1);
    let replica = (site.primary() + 1) % 3;
    site.servers[replica].stop();
    assert_eq!(php.lock("a"), "+OK");
    assert_eq!(php.read("a"), "1");
    thread::scope(|scope| {
        let write = scope.spawn(|| php.write("a", "2"));
        sleep(Duration::from_secs(2));
        site.servers[replica].start_again();
        assert_eq!(write.join().unwrap(), "+OK");
    });
    // It does not come back within the bound.
    let site = Watched::start(None);
    site.serve(&site.credentials(), 3);
    let mut php = site.php(1);
    assert_eq!(php.lock("a"), "+OK");
    let refused = php.write("a", "1");
    assert!(refused.starts_with("-NOREPLICAS 2 of 3 replicas"), "{refused}");
}

/// How many acknowledged writes a killed primary takes with it: docs/proxy.md has the figures.
#[test]
#[ignore = "it measures, for a minute"]
fn what_a_killed_primary_takes_with_it() {
    for wait_replicas in [0, 1] {
        let (mut pages, mut longest, mut lost) = (0, Duration::ZERO, 0);
        for _ in 0..10 {
            let site = Watched::start(None);
            site.serve(&site.credentials(), wait_replicas);
            let old = site.primary();
            let seen = under_load(&site, |_| {
                site.signal(old, Signal::SIGKILL);
                site.wait_for_another(old);
            });
            let of_run = total(&seen);
            (pages, longest, lost) = (pages + of_run.0, longest.max(of_run.1), lost + of_run.2);
        }
        println!("wait_replicas={wait_replicas}: {pages} writes, {lost} lost, longest {longest:?}");
        assert!(wait_replicas == 0 || lost == 0, "{lost} lost");
    }
}

#[test]
fn without_any_sentinel_sessions_go_on_where_they_are() {
    let mut site = Watched::start(None);
    site.serve(&site.credentials(), 0);
    let mut php = site.php(1);
    assert_eq!(php.count("a"), 1);
    for sentinel in &mut site.sentinels {
        sentinel.kill();
    }
    let begun = Instant::now();
    for expected in 2..20 {
        assert_eq!(php.count("a"), expected);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}
