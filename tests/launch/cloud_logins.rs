//! Traffic through the session proxy while tokens come and go: half an hour of a fast clock, with faults of the source and a
//! clock that jumps, and no request fails.

use crate::cloud_site::{CloudSite, Fault, Kind};
use crate::proxy_harness::wait_until;
use crate::proxy_site::{Php, serve};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
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
        let login = site.login();
        login.tokens.report_to(|text| SAID.lock().unwrap().push(text.to_owned()));
        let endpoint = RedisEndpoint {
            target: Target::Tcp { address, tls: None },
            auth: Some(Login::Issued(Arc::new(login))),
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

/// What the proxies say of their sources of tokens.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// With all these faults of the source, which are said under this name.
fn half_an_hour_of_traffic(kind: Kind, source: &str, faults: &[&[Fault]]) {
    let site = CloudSite::new(kind, FACTOR);
    let proxy = Proxy::start(&site);
    let begun = Instant::now();
    let traffic = Traffic::start(&proxy);
    wait_until("a token", || site.issued() > 0);
    // Each time that another token is due, the source has some of them, one after the other.
    for faults in faults {
        let issued = site.issued();
        for fault in *faults {
            site.set_fault(Some(*fault));
            let is_said = |said: &String| {
                said.starts_with("no new login token; the present one is valid for another")
                    && said.contains(source)
                    && said.contains(&fault.said())
            };
            wait_until(&fault.said(), || SAID.lock().unwrap().iter().any(is_said));
        }
        site.set_fault(None);
        wait_until("another token", || site.issued() > issued);
    }
    sleep(HALF_AN_HOUR.div_f64(FACTOR.into()).saturating_sub(begun.elapsed()));
    let (time, (pages, longest)) = (begun.elapsed() * FACTOR, traffic.end());
    println!(
        "{kind:?}: {} min, {pages} pages, the longest {longest:?}; {} tokens, {} renewals, {} closed, {} refused",
        time.as_secs() / 60,
        site.issued(),
        site.renewals.load(Ordering::SeqCst),
        site.closed.load(Ordering::SeqCst),
        site.refused.load(Ordering::SeqCst),
    );
    assert!(site.renewals.load(Ordering::SeqCst) >= 2);
    assert_eq!(site.closed.load(Ordering::SeqCst), 0);
    assert_eq!(site.refused.load(Ordering::SeqCst), 0);
}

const OF_SERVERS: [&[Fault]; 3] =
    [&[Fault::Status(429), Fault::Status(500)], &[Fault::Hang], &[Fault::Empty]];
const OF_FILES: [&[Fault]; 4] = [
    &[Fault::Status(429), Fault::Status(500)],
    &[Fault::Hang],
    &[Fault::Empty, Fault::EmptyFile],
    &[Fault::ExpiredFile],
];

#[test]
fn half_an_hour_with_tokens_of_aws_fails_no_request() {
    half_an_hour_of_traffic(Kind::Aws, "The container's credentials endpoint", &OF_FILES);
}

#[test]
fn half_an_hour_with_tokens_of_entra_fails_no_request() {
    half_an_hour_of_traffic(Kind::Azure, "Microsoft Entra", &OF_FILES);
}

#[test]
fn half_an_hour_with_tokens_of_google_fails_no_request() {
    half_an_hour_of_traffic(Kind::Google, "The Google metadata server", &OF_SERVERS);
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
