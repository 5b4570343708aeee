//! Traffic through the session proxy while tokens come and go: half an hour of a fast clock, with faults of the source and a
//! clock that jumps, and no request fails.

use crate::cloud_site::{CloudSite, Fault, Kind};
use crate::proxy_harness::wait_until;
use crate::proxy_site::{PREFIX, Php, endless, serve, settings};
use cloud_login::Cloud;
use session_proxy::{Access, Worker};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use store_client::{Address, IssuedLogin, Login, RedisEndpoint, Target};
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
        let login = site.login();
        login.tokens.start(|text| SAID.lock().unwrap().push(text.to_owned()));
        serve(&proxy.socket(), endpoint(site.open_door(), login), 0);
        proxy
    }

    fn socket(&self) -> PathBuf {
        self.0.path().join("redis.sock")
    }

    fn php(&self, number: u32) -> Php {
        Php::new(UnixStream::connect(self.socket()).unwrap(), number)
    }
}

fn endpoint(port: u16, login: IssuedLogin) -> RedisEndpoint {
    let address = Address::parse("127.0.0.1", port).unwrap();
    let auth = Some(Login::Issued(Arc::new(login)));
    RedisEndpoint { target: Target::Tcp { address, tls: None }, auth, database: None }
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
    assert!(longest < Duration::from_secs(1), "{longest:?}");
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

/// Nobody has used it for longer than a token lives.
#[test]
fn a_connection_that_is_closed_at_the_end_of_its_token_fails_no_request() {
    let site = CloudSite::new(Kind::Azure, 600);
    let proxy = Proxy::start(&site);
    let mut php = proxy.php(1);
    for visit in 1..=3 {
        assert_eq!(php.count("x"), visit);
        wait_until("the end", || site.closed.load(Ordering::SeqCst) >= visit);
    }
    assert_eq!(site.refused.load(Ordering::SeqCst), 0);
}

#[test]
fn a_token_is_there_before_the_first_page() {
    let site = CloudSite::new(Kind::Google, 1);
    let folder = tempfile::tempdir().unwrap();
    serve(&folder.path().join("redis.sock"), endpoint(site.open_door(), site.login()), 0);
    wait_until("a token", || site.issued() == 1);
}

/// Another CA, say: the source is not needed for that.
#[test]
fn a_change_of_something_else_keeps_the_token() {
    let site = CloudSite::new(Kind::Google, 1);
    let verify_peer = Arc::new(AtomicBool::new(true));
    let socket = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(socket.path().join("redis.sock")).unwrap();
    let (source, port, verifies) = (site.source(), site.open_door(), Arc::clone(&verify_peer));
    let (asked, read) = channel();
    thread::spawn(move || {
        let read = move || {
            let _ = asked.send(());
            let variables = source.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let endpoint = endpoint(port, Cloud::Google.login(variables));
            Ok(Access { endpoint, verify_peer: verifies.load(Ordering::SeqCst) })
        };
        Worker::new(settings(PREFIX), Box::new(read)).unwrap().serve(&listener, endless())
    });
    let connect = || Php::new(UnixStream::connect(socket.path().join("redis.sock")).unwrap(), 1);
    assert_eq!(connect().count("x"), 1);
    site.set_fault(Some(Fault::Hang));
    verify_peer.store(false, Ordering::SeqCst);
    while read.try_recv().is_ok() {}
    let mut visits = 1;
    wait_until("another look at the credentials", || {
        visits += 1;
        assert_eq!(connect().count("x"), visits);
        read.try_recv().is_ok()
    });
    assert_eq!(connect().count("x"), visits + 1);
}

/// A server may withdraw a token early, and close its connections; or, before, limit logins, against which another token is
/// of no use.
#[test]
fn a_token_that_is_withdrawn_is_replaced_and_not_one_that_comes_too_often() {
    let site = CloudSite::new(Kind::Google, 1);
    let proxy = Proxy::start(&site);
    let mut php = proxy.php(1);
    assert_eq!(php.count("x"), 1);
    // One that has just come is not replaced.
    sleep(Duration::from_secs(5));
    site.too_many.store(2, Ordering::SeqCst);
    site.close_all();
    let begun = Instant::now();
    assert_eq!(php.count("x"), 2);
    assert!(begun.elapsed() > Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(site.issued(), 1);
    site.withdraw_all();
    assert_eq!(php.count("x"), 3);
    assert_eq!(site.issued(), 2);
}
