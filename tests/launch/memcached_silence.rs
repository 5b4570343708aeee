//! Locks that are lost or left behind the session proxy, and Memcached servers that fall silent.

use crate::memcached_process::Memcached;
use crate::memcached_site::{EXISTS, FAILED, NOT_STORED, Php, SUCCESS, Site, key, lock};
use crate::proxy_harness::{timed, wait_until};
use nix::sys::signal::Signal;
use std::process;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// What a page may take.
const A_PAGE: Duration = Duration::from_secs(6);

/// Waits until the lock of a page that works has been looked after.
fn wait_for_renewal(site: &Site) {
    let round_trips = || site.status()["round_trips"].as_u64();
    let before = round_trips();
    wait_until("the renewal", || round_trips() > before);
}

/// A session whose lock is on the other one of two servers.
fn apart(php: &mut Php, servers: &[Memcached; 2]) -> String {
    let is_apart = |id: &String| {
        php.wait_for_lock(id);
        let place = |key: &str| servers.iter().position(|it| it.stored(key).is_some());
        let locked = place(&lock(id));
        assert_eq!(php.read(id).0, 1);
        assert_eq!(php.write(id, "1"), SUCCESS);
        assert_eq!(php.unlock(id), SUCCESS);
        place(&key(id)) != locked
    };
    (0..100).map(|number| format!("session{number}")).find(is_apart).unwrap()
}

/// Somebody else has had the lock meanwhile, and has written.
#[test]
fn a_lost_lock_is_not_taken_again() {
    let servers = [(); 2].map(|()| Memcached::start(&[]));
    let ports = [servers[0].port, servers[1].port];
    let apart = apart(&mut Site::before(&ports).php(), &servers);
    thread::scope(|scope| {
        for (ports, id) in [(&ports[..1], "together"), (&ports[..], &apart)] {
            let servers = &servers;
            scope.spawn(move || {
                let (site, other) = (Site::before(ports), Site::before(ports));
                let (mut php, mut faster) = (site.php(), other.php());
                let before = php.count(id);
                php.wait_for_lock(id);
                assert_eq!(php.read(id).1, before.to_string());
                let locked = servers.iter().find(|it| it.stored(&lock(id)).is_some());
                locked.unwrap().delete(&lock(id));
                assert_eq!(faster.count(id), before + 1);
                wait_for_renewal(&site);
                assert_eq!(php.write(id, "the old one"), NOT_STORED, "{id}");
                assert_eq!(php.unlock(id), SUCCESS);
                assert_eq!(faster.count(id), before + 2);
            });
        }
    });
}

/// A page whose server has restarted is written, although nothing of it is there.
#[test]
fn a_page_outlives_its_server() {
    let mut server = Memcached::start(&[]);
    let site = Site::before(&[server.port]);
    let mut php = site.php();
    assert_eq!(php.count("a"), 1);
    php.wait_for_lock("a");
    assert_eq!(php.read("a").1, "1");
    server.stop();
    server.start_again();
    wait_for_renewal(&site);
    assert_eq!(php.write("a", "2"), SUCCESS);
    assert_eq!(php.unlock("a"), SUCCESS);
    assert_eq!(server.stored(&key("a")).as_deref(), Some("2"));
}

/// What PHP says to end a page, or to begin one in strict mode.
type Asks = fn(&mut Php, &str) -> [u16; 2];

#[test]
fn a_page_does_not_wait_as_long_for_each_silent_server() {
    let end: Asks = |php, id| [php.write(id, "2"), php.unlock(id)];
    let begin: Asks = |php, id| [php.exists(id), php.lock(id)];
    // The renewal, which has just begun, waits in vain as well.
    let renewal = Duration::from_millis(2100);
    thread::scope(|scope| {
        for (name, is_locked, works, asks, answers) in [
            ("end", true, Duration::ZERO, end, [FAILED, SUCCESS]),
            ("begin", false, Duration::ZERO, begin, [EXISTS, NOT_STORED]),
            ("late", true, renewal, end, [FAILED, SUCCESS]),
        ] {
            scope.spawn(move || {
                let servers = [(); 2].map(|()| Memcached::start(&[]));
                let site = Site::before(&[servers[0].port, servers[1].port]);
                let mut php = site.php();
                let id = apart(&mut php, &servers);
                if is_locked {
                    php.wait_for_lock(&id);
                    assert_eq!(php.read(&id).1, "1");
                }
                let signal = |signal| {
                    for server in &servers {
                        server.signal(signal);
                    }
                };
                signal(Signal::SIGSTOP);
                sleep(works);
                let (answered, took) = timed(|| asks(&mut php, &id));
                signal(Signal::SIGCONT);
                assert_eq!(answered, answers, "{name}");
                assert!(took < A_PAGE, "{name}: {took:?}");
            });
        }
    });
}

/// The server has received what was given up, and carries it out as soon as it goes on.
#[test]
fn a_lock_that_was_given_up_hinders_nobody_of_its_container() {
    let server = Memcached::start(&[]);
    let site = Site::before(&[server.port]);
    assert_eq!(site.php().count("a"), 1);
    server.signal(Signal::SIGSTOP);
    assert_eq!(site.php().lock("a"), NOT_STORED);
    server.signal(Signal::SIGCONT);
    wait_until("the lock", || server.stored(&lock("a")).is_some());
    let left = server.stored(&lock("a")).unwrap();
    // As if another process of PHP had asked for it.
    let ours = format!("|{}|", process::id());
    assert!(left.contains(&ours), "{left}");
    server.set(&lock("a"), &left.replace(&ours, "|1|"));
    let (count, took) = timed(|| site.php().count("a"));
    assert_eq!(count, 2);
    assert!(took < Duration::from_secs(1), "{took:?}");
    // That of another container does.
    server.set(&lock("a"), "host|1|container.worker.1");
    assert_eq!(site.php().lock("a"), EXISTS);
}

/// Longer than a lock outlives the proxy.
#[test]
fn a_long_page_keeps_its_lock() {
    let server = Memcached::start(&[]);
    let (site, other) = (Site::before(&[server.port]), Site::before(&[server.port]));
    let (mut php, mut next) = (site.php(), other.php());
    assert_eq!(php.count("a"), 1);
    php.wait_for_lock("a");
    assert_eq!(php.read("a").1, "1");
    let until = Instant::now() + Duration::from_secs(12);
    while Instant::now() < until {
        assert_eq!(next.lock("a"), EXISTS);
    }
    assert_eq!(php.write("a", "2"), SUCCESS);
    assert_eq!(php.unlock("a"), SUCCESS);
    assert_eq!(next.count("a"), 3);
}
