//! Servers that fail as told, and visitors who measure what it costs.

use super::app::Instance;
use super::docker::Container;
use super::http_client::HttpClient;
use super::services::{IMAGE, REALM, SASL_MEMCACHED, SASL_SETUP, USER};
use serde_json::{Value, json};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Without the marker of the other tests: in these tests PHP's own warnings show it.
pub(crate) const PASSWORD: &str = "a-password-that-PHP-may-show";

/// What a faulty server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Redis,
    Memcached,
    MemcachedWithLogin,
}

/// A server in a container that goes on when the server itself does not.
pub(crate) struct FaultyServer {
    kind: Kind,
    container: Container,
}

impl FaultyServer {
    /// Starts the server; it is started again whenever it ends, unless it shall be down.
    pub(crate) fn start(kind: Kind) -> Self {
        let (setup, command) = match kind {
            Kind::Redis => (
                // What is written survives a restart.
                "true",
                format!(
                    "redis-server --requirepass {PASSWORD} --appendonly yes --appendfsync always \
                     $(cat /slow 2>/dev/null)"
                ),
            ),
            Kind::Memcached => ("true", "memcached -u memcache".to_owned()),
            Kind::MemcachedWithLogin => (SASL_SETUP, SASL_MEMCACHED.to_owned()),
        };
        let script = format!(
            "{setup}
            while true; do if [ ! -f /down ]; then {command}; fi; sleep 0.05; done"
        );
        let options = ["--cap-add", "NET_ADMIN", "--hostname", REALM];
        let container = Container::start(&options, IMAGE, &["sh", "-c", &script]);
        container.wait_for_port(kind.port());
        let server = Self { kind, container };
        if kind == Kind::MemcachedWithLogin {
            server.set_password(PASSWORD);
        }
        server
    }

    /// What the app is told.
    pub(crate) fn credentials(&self) -> Value {
        let (ip, port) = (self.container.ip(), self.kind.port());
        match self.kind {
            Kind::Redis => json!({"host": ip, "port": port, "password": PASSWORD}),
            Kind::Memcached => json!({"servers": format!("{ip}:{port}")}),
            Kind::MemcachedWithLogin => {
                json!({"servers": format!("{ip}:{port}"), "username": USER, "password": PASSWORD})
            }
        }
    }

    /// Kills the server; it is back at once, or when the fault ends.
    pub(crate) fn kill(&self, stays_down: bool) {
        if stays_down {
            self.sh("touch /down");
        }
        self.sh(&format!("pkill -KILL {}", self.kind.process()));
        if !stays_down {
            thread::sleep(Duration::from_millis(500));
        }
    }

    /// Stops the process without closing anything.
    pub(crate) fn hang(&self) {
        self.sh(&format!("pkill -STOP {}", self.kind.process()));
    }

    /// Lets the network answer with resets, or not at all.
    pub(crate) fn cut(&self, target: &str) {
        let port = self.kind.port();
        self.sh(&format!("iptables -I INPUT -p tcp --dport {port} -j {target}"));
    }

    /// Changes the password, which the app does not know of.
    pub(crate) fn change_password(&self) {
        self.set_password("another-one");
    }

    fn set_password(&self, password: &str) {
        match self.kind {
            Kind::Redis => {
                let login = format!("redis-cli --no-auth-warning -a {PASSWORD}");
                self.sh(&format!("{login} config set requirepass {password}"));
            }
            Kind::Memcached => {}
            Kind::MemcachedWithLogin => self.sh(&format!(
                "printf %s {password} | saslpasswd2 -p -c -a memcached -f /sasl/db -u {REALM} {USER}"
            )),
        }
    }

    /// Changes the password and closes all connections, so that each has to log in again.
    pub(crate) fn lock_out(&self) {
        self.change_password();
        self.sh("redis-cli --no-auth-warning -a another-one client kill type normal skipme yes");
    }

    /// Leaves Redis no memory for anything new.
    pub(crate) fn fill(&self) {
        self.redis("config set maxmemory 1");
    }

    /// Takes the right to write from Redis's user.
    pub(crate) fn forbid(&self) {
        self.redis("acl setuser default -@write");
    }

    /// Makes Redis a replica, as a failover does.
    pub(crate) fn demote(&self) {
        self.redis("replicaof 127.0.0.1 1");
    }

    /// Restarts Redis, which then loads its data for this long, and says so to whoever asks.
    pub(crate) fn load(&self, seconds: u32) {
        const KEYS: u32 = 200;
        self.redis(&format!(
            "eval \"for i=1,{KEYS} do redis.call('set','other:'..i,string.rep('x',1024)) end\" 0"
        ));
        // What comes of a rewrite is read in pieces, with a look at the clients between them.
        self.redis("bgrewriteaof");
        let rewritten = "info persistence | grep -q aof_rewrite_in_progress:0";
        self.sh(&format!(
            "until redis-cli --no-auth-warning -a {PASSWORD} {rewritten}; do sleep 0.1; done"
        ));
        let micros = seconds * 1_000_000 / KEYS;
        self.sh(&format!(
            "echo --key-load-delay {micros} --loading-process-events-interval-bytes 1024 >/slow"
        ));
        self.kill(false);
    }

    fn redis(&self, command: &str) {
        self.sh(&format!("redis-cli --no-auth-warning -a {PASSWORD} {command}"));
    }

    /// Ends every fault.
    pub(crate) fn heal(&self) {
        self.sh("rm -f /down; iptables -F INPUT");
        self.sh(&format!("pkill -CONT {} || true", self.kind.process()));
        if self.kind == Kind::Redis {
            let login = "redis-cli --no-auth-warning -a another-one";
            self.sh(&format!("{login} config set requirepass {PASSWORD} || true"));
            // It would go on loading.
            self.sh("if [ -f /slow ]; then rm /slow; pkill -KILL redis-server; sleep 0.5; fi");
        } else {
            self.set_password(PASSWORD);
        }
        self.container.wait_for_port(self.kind.port());
        if self.kind == Kind::Redis {
            self.redis("replicaof no one");
            self.redis("config set maxmemory 0");
            self.redis("acl setuser default +@all");
        }
    }

    fn sh(&self, script: &str) {
        self.container.exec(&["sh", "-c", script]);
    }
}

impl Kind {
    fn port(self) -> u16 {
        if self == Self::Redis { 6379 } else { 11211 }
    }

    fn process(self) -> &'static str {
        if self == Self::Redis { "redis-server" } else { "memcached" }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Redis => "Redis",
            Self::Memcached => "Memcached",
            Self::MemcachedWithLogin => "Memcached, SASL",
        })
    }
}

/// What visitors have met.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) requests: u32,
    /// Answers that were no page.
    pub(crate) errors: u32,
    /// Pages with an empty session in place of the visitor's.
    pub(crate) forgotten: u32,
    /// Pages with an earlier state of the visitor's session.
    pub(crate) lost: u32,
    pub(crate) longest: Duration,
}

impl Outcome {
    fn and(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            errors: self.errors + other.errors,
            forgotten: self.forgotten + other.forgotten,
            lost: self.lost + other.lost,
            longest: self.longest.max(other.longest),
        }
    }
}

/// Visitors with a session each.
pub(crate) struct Clients(Vec<(HttpClient, u32)>);

impl Clients {
    /// Lets visitors come, as soon as every worker serves them, so that connections stand.
    pub(crate) fn served(size: usize, instance: &Instance) -> Self {
        let start = Instant::now();
        loop {
            let mut clients = Self((0..size).map(|_| (HttpClient::new(), 0)).collect());
            let outcome = clients.visit(instance, 5);
            if (outcome.errors, outcome.forgotten, outcome.lost) == (0, 0, 0) {
                return clients;
            }
            // libmemcached leaves a server alone for 2 seconds after a failure.
            let waited = start.elapsed();
            let log = || instance.container.logs();
            assert!(waited < Duration::from_secs(30), "no sessions again: {outcome:?}\n{}", log());
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Every visitor makes some requests, all visitors at the same time.
    pub(crate) fn visit(&mut self, instance: &Instance, rounds: u32) -> Outcome {
        self.visit_while(instance, |round| round < rounds)
    }

    /// Every visitor makes requests until it is over, and one more.
    pub(crate) fn visit_until(&mut self, instance: &Instance, is_over: &AtomicBool) -> Outcome {
        let before = self.visit_while(instance, |_| !is_over.load(Ordering::Relaxed));
        before.and(self.visit(instance, 1))
    }

    fn visit_while(
        &mut self,
        instance: &Instance,
        goes_on: impl Fn(u32) -> bool + Sync,
    ) -> Outcome {
        let (address, goes_on) = (instance.address(), &goes_on);
        thread::scope(|scope| {
            let visits: Vec<_> = self
                .0
                .iter_mut()
                .map(|(visitor, count)| {
                    scope.spawn(move || {
                        (0..u32::MAX)
                            .take_while(|round| goes_on(*round))
                            .fold(Outcome::default(), |outcome, _| {
                                outcome.and(visit_once(visitor, count, address))
                            })
                    })
                })
                .collect();
            let outcomes = visits.into_iter().map(|visit| visit.join().expect("a visit"));
            outcomes.fold(Outcome::default(), Outcome::and)
        })
    }
}

fn visit_once(visitor: &mut HttpClient, count: &mut u32, address: std::net::SocketAddr) -> Outcome {
    let start = Instant::now();
    let answer = visitor.get(address, "/");
    let longest = start.elapsed();
    let number: Option<u32> = answer.body.split(',').next().and_then(|it| it.parse().ok());
    let error = answer.status != 200 || number.is_none();
    let is_expected = error || number == Some(*count + 1);
    let (forgotten, lost) = (!is_expected && number == Some(1), !is_expected && number != Some(1));
    *count = number.unwrap_or(*count);
    let [errors, forgotten, lost] = [error, forgotten, lost].map(u32::from);
    Outcome { requests: 1, errors, forgotten, lost, longest }
}
