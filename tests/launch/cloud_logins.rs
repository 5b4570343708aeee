//! Traffic through the session proxy while tokens come and go: half an hour of a fast clock, with faults of the source and a
//! clock that jumps, and no request fails.

use crate::cloud_site::{CloudSite, Fault, Kind};
use crate::proxy_harness::wait_until;
use crate::proxy_site::{Php, serve};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use store_client::{Address, Login, RedisEndpoint, Target};
use tempfile::TempDir;

/// How much faster than others the clock runs.
const FACTOR: u32 = 60;
const HALF_AN_HOUR: Duration = Duration::from_mins(30);
const VISITORS: u32 = 3;

/// A session proxy in this process.
struct Proxy(TempDir);

impl Proxy {
    fn start(site: &CloudSite) -> Self {
        let proxy = Self(tempfile::tempdir().unwrap());
        let address = Address::parse("127.0.0.1", site.open_door()).unwrap();
        let endpoint = RedisEndpoint {
            target: Target::Tcp { address, tls: None },
            auth: Some(Login::Issued(Arc::new(site.login()))),
            database: None,
        };
        serve(&proxy.socket(), endpoint, 0);
        proxy
    }

    fn socket(&self) -> PathBuf {
        self.0.path().join("redis.sock")
    }

    fn php(&self, number: u32) -> Php {
        Php::new(UnixStream::connect(self.socket()).unwrap(), number)
    }
}

/// Visitors who count, each in a session of its own. A page that fails ends the test.
struct Traffic {
    ends: Arc<AtomicBool>,
    pages: Arc<AtomicU32>,
    visitors: Vec<thread::JoinHandle<Duration>>,
}

impl Traffic {
    fn start(proxy: &Proxy) -> Self {
        let (ends, pages) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let visitors = (0..VISITORS).map(|number| {
            let (mut php, ends, pages) = (proxy.php(number), ends.clone(), pages.clone());
            thread::spawn(move || {
                let (session, mut longest) = (format!("session-{number}"), Duration::ZERO);
                let mut count = 0;
                while !ends.load(Ordering::SeqCst) {
                    let begun = Instant::now();
                    count += 1;
                    assert_eq!(php.count(&session), count);
                    longest = longest.max(begun.elapsed());
                    pages.fetch_add(1, Ordering::SeqCst);
                    sleep(Duration::from_millis(20));
                }
                longest
            })
        });
        let visitors = visitors.collect();
        Self { ends, pages, visitors }
    }

    /// Ends it. Returns how many pages there were, and how long one of them took at most.
    fn end(self) -> (u32, Duration) {
        self.ends.store(true, Ordering::SeqCst);
        let longest = self.visitors.into_iter().map(|visitor| visitor.join().unwrap()).max();
        (self.pages.load(Ordering::SeqCst), longest.unwrap())
    }
}

fn half_an_hour_of_traffic(kind: Kind) {
    let site = CloudSite::new(kind, FACTOR);
    let proxy = Proxy::start(&site);
    let traffic = Traffic::start(&proxy);
    let begun = Instant::now();
    let faults = [Fault::Status(429), Fault::Status(500), Fault::Empty];
    while begun.elapsed() * FACTOR < HALF_AN_HOUR {
        // A third of the time there is one of them.
        let tick = usize::try_from(begun.elapsed().as_millis() / 500).unwrap();
        let fault = faults.get(tick / 3 % faults.len()).filter(|_| tick % 3 == 2);
        *site.fault.lock().unwrap() = fault.copied();
        sleep(Duration::from_millis(20));
    }
    *site.fault.lock().unwrap() = None;
    let (pages, longest) = traffic.end();
    println!(
        "{kind:?}: {pages} pages, the longest {longest:?}; {} tokens, {} renewals, {} closed, {} refused",
        site.issued(),
        site.renewals.load(Ordering::SeqCst),
        site.closed.load(Ordering::SeqCst),
        site.refused.load(Ordering::SeqCst),
    );
    assert!(site.issued() >= 3, "{}", site.issued());
    assert!(site.renewals.load(Ordering::SeqCst) >= 2);
    assert_eq!(site.closed.load(Ordering::SeqCst), 0);
    assert_eq!(site.refused.load(Ordering::SeqCst), 0);
}

#[test]
fn half_an_hour_with_tokens_of_aws_fails_no_request() {
    half_an_hour_of_traffic(Kind::Aws);
}

#[test]
fn half_an_hour_with_tokens_of_entra_fails_no_request() {
    half_an_hour_of_traffic(Kind::Azure);
}

#[test]
fn half_an_hour_with_tokens_of_google_fails_no_request() {
    half_an_hour_of_traffic(Kind::Google);
}

/// The proxy's clock and the server's jump together, as on a machine that was asleep.
#[test]
fn a_clock_that_jumps_past_the_end_of_the_token_fails_no_request() {
    let site = CloudSite::new(Kind::Azure, 1);
    let proxy = Proxy::start(&site);
    let traffic = Traffic::start(&proxy);
    for day in 1..=2 {
        sleep(Duration::from_millis(200));
        site.clock.jump(Duration::from_hours(24));
        wait_until("another token", || site.issued() > day);
    }
    traffic.end();
    assert!(site.closed.load(Ordering::SeqCst) >= 1);
}

/// A server may withdraw a token early, and close its connections.
#[test]
fn a_token_that_is_withdrawn_is_replaced() {
    let site = CloudSite::new(Kind::Google, 1);
    let proxy = Proxy::start(&site);
    let mut php = proxy.php(1);
    assert_eq!(php.count("x"), 1);
    // One that has just come is not replaced.
    sleep(Duration::from_secs(5));
    site.withdraw_all();
    assert_eq!(php.count("x"), 2);
    assert_eq!(site.issued(), 2);
}
