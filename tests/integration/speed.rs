//! Requests a second, against what Cloud Foundry's PHP buildpack and Paketo's handler write for Redis: a new
//! connection for each request, and no lock. `make bench` shows them.

mod memcached;

use crate::support::app::{App, Instance, Server, build, config_for};
use crate::support::figures::{are_collected, record};
use crate::support::http_client::HttpClient;
use crate::support::relay::Relay;
use crate::support::sample::app_with_holding_page;
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::{BoundService, Redis, vcap};
use crate::support::tls::TlsServer;
use crate::support::{BOOKWORM, Suite, TRIXIE, on_both};
use php_session_store::store::Store;
use serde_json::json;
use std::thread;
use std::time::{Duration, Instant};

/// As many visitors as php-fpm has workers, each with a session.
const VISITORS: usize = 4;
/// Fewer are enough where nobody looks at the figures: the bounds have room for noise.
const ROUNDS: usize = 7;
const FEW_ROUNDS: usize = 3;

/// What the peers' save path amounts to.
pub(crate) const AS_PEERS: &str = "BPL_PHP_SESSION_OPTIONS=persistent=off&locking=off";

pub(crate) const ON: &str = "BPL_PHP_SESSION_PROXY=on";
pub(crate) const OFF: &str = "BPL_PHP_SESSION_PROXY=off";

/// Who comes, and how many workers of php-fpm there are.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    visitors: usize,
    workers: usize,
    /// All visitors together use these in turn; none: each has one of its own.
    sessions: usize,
    page: &'static str,
    /// How long each side is measured in each round; the sides take turns.
    turn: Duration,
}

pub(crate) const USUAL: Load = Load {
    visitors: VISITORS,
    workers: VISITORS,
    sessions: 0,
    page: "/",
    turn: Duration::from_millis(400),
};
const MANY_WORKERS: Load = Load { visitors: 64, workers: 64, ..USUAL };
const MANY_SESSIONS: Load = Load { sessions: 10_000, ..USUAL };
const ONE_SESSION: Load =
    Load { visitors: 8, workers: 8, sessions: 1, page: "/hold.php?ms=2", ..USUAL };

impl Load {
    /// With another length of a turn.
    pub(crate) const fn in_turns_of(self, turn: Duration) -> Self {
        Self { turn, ..self }
    }

    fn start(self, app: &App, options: &[&str]) -> Instance {
        if self.workers == USUAL.workers {
            return app.start(options);
        }
        let script = format!(
            "sed 's/^pm.max_children.*/pm.max_children = {}/' /workspace/php-fpm.conf >/tmp/fpm.conf
             sed s#/workspace/php-fpm.conf#/tmp/fpm.conf# /workspace/supervisord.conf >/tmp/supervisord.conf
             exec supervisord -c /tmp/supervisord.conf",
            self.workers
        );
        app.start_command(options, &["--", "sh", "-c", &script])
    }

    /// The visitors of one of those who come, who begins somewhere else than the others.
    fn visitors(self, number: usize) -> Vec<HttpClient> {
        if self.sessions == 0 {
            return vec![HttpClient::new()];
        }
        let first = number * self.sessions / self.visitors;
        let ids = (0..self.sessions).map(|at| (first + at) % self.sessions);
        // As many as may be needed in a turn.
        ids.take(2000).map(|id| HttpClient::of_session(&format!("speed{id}"))).collect()
    }
}

pub(crate) fn requests_a_second(instance: &Instance, load: Load) -> f64 {
    let address = instance.address();
    let mut all: Vec<Vec<HttpClient>> = (0..load.visitors).map(|it| load.visitors(it)).collect();
    for visitors in &mut all {
        visitors[0].get(address, load.page);
    }
    let start = Instant::now();
    let requests: u32 = thread::scope(|scope| {
        let visit = |mut visitors: Vec<HttpClient>| {
            let count = visitors.len();
            let mut requests = 0;
            while start.elapsed() < load.turn {
                let answer = visitors[requests % count].get(address, load.page);
                assert!(answer.status == 200, "{answer:?}");
                assert!(!answer.body.contains("lost"), "{answer:?}");
                requests += 1;
            }
            u32::try_from(requests).expect("few requests")
        };
        let visitors: Vec<_> =
            all.into_iter().map(|visitors| scope.spawn(move || visit(visitors))).collect();
        visitors.into_iter().map(|visitor| visitor.join().expect("answers")).sum()
    });
    f64::from(requests) / start.elapsed().as_secs_f64()
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Compares options with the peers' settings, on one image and one server; the ratio is the median of the
/// rounds'.
fn compare(app: &App, suite: Suite, what: &str, bound: &str, options: &str) -> f64 {
    let options = format!("BPL_PHP_SESSION_OPTIONS={options}");
    compare_setting(app, suite, what, bound, &options)
}

fn compare_setting(app: &App, suite: Suite, what: &str, bound: &str, setting: &str) -> f64 {
    compare_settings(app, suite, what, bound, [setting, AS_PEERS], USUAL)
}

/// Compares two settings in turn.
fn compare_settings(
    app: &App,
    suite: Suite,
    what: &str,
    bound: &str,
    settings: [&str; 2],
    load: Load,
) -> f64 {
    let [ours, peers] =
        settings.map(|setting| load.start(app, &["--env", bound, "--env", setting]));
    let mut rounds = Vec::new();
    for _ in 0..=if are_collected() { ROUNDS } else { FEW_ROUNDS } {
        rounds.push((requests_a_second(&ours, load), requests_a_second(&peers, load)));
    }
    // The first one warms everything up.
    rounds.remove(0);
    let [here, there]: [Vec<f64>; 2] =
        [rounds.iter().map(|it| it.0).collect(), rounds.iter().map(|it| it.1).collect()];
    let beside =
        if settings[1] == AS_PEERS { "the peers' settings" } else { "no proxy, with locks" };
    let figure = json!({
        "what": what, "suite": suite.name, "beside": beside, "here": here, "there": there,
    });
    record("speed", &figure);
    median(rounds.iter().map(|round| round.0 / round.1).collect())
}

/// What saving the TLS handshake of each request gains at least, with room for noise: on a quiet machine it was 23
/// and 2.4. With a private CA, the handshake of phpredis 5.3.7 reads all of the system's CAs as well.
fn least_with_tls(suite: Suite) -> f64 {
    if suite.name == BOOKWORM.name { 15.0 } else { 1.9 }
}

fn faster_than_the_peers(suite: Suite) {
    let mut config = config_for(Server::NginxFpm, suite, "web");
    build(config.env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let app = &app.served_by(Server::NginxFpm);
        let redis = BoundService::start(Store::Redis, ODD_PASSWORD);
        let server = TlsServer::start("no", &[]);
        let with_tls =
            format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", server.credentials())]));
        let bound = redis.env();
        let compared = [
            // Both open a connection for each request; the lock costs two round trips.
            (compare_setting(app, suite, "Redis", &bound, OFF), 0.6),
            // What a kept connection gains pays for the lock.
            (compare(app, suite, "Redis, persistent=on", &bound, "persistent=on"), 0.8),
            (
                compare(
                    app,
                    suite,
                    "Redis, persistent=on, locking=off",
                    &bound,
                    "persistent=on&locking=off",
                ),
                1.0,
            ),
            (compare_setting(app, suite, "Redis with TLS", &with_tls, OFF), 0.6),
            (
                compare(app, suite, "Redis with TLS, persistent=on", &with_tls, "persistent=on"),
                least_with_tls(suite),
            ),
        ];
        assert_at_least(&compared);
    });
}

/// All are measured before one is judged.
fn assert_at_least(compared: &[(f64, f64)]) {
    assert!(
        compared.iter().all(|(ratio, least)| ratio > least),
        "ratio, and the least: {compared:?}"
    );
}

fn faster_than_the_peers_with_the_proxy(suite: Suite) {
    let mut config = config_for(Server::NginxFpm, suite, "web");
    build(config.env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let app = &app.served_by(Server::NginxFpm);
        let redis = BoundService::start(Store::Redis, ODD_PASSWORD);
        let on = "BPL_PHP_SESSION_PROXY=on";
        let server = TlsServer::start("no", &[]);
        let with_tls =
            format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", server.credentials())]));
        let compared = [
            // It locks, and the peers do not.
            (compare_setting(app, suite, "Redis, proxy", &redis.env(), on), 0.6),
            (
                compare_setting(app, suite, "Redis with TLS, proxy", &with_tls, on),
                least_with_tls(suite),
            ),
        ];
        assert_at_least(&compared);
    });
}

/// A server that is not next door, many workers, many sessions, and one that many want at once.
#[test]
fn faster_than_the_peers_with_the_proxy_under_other_loads() {
    let config = app_with_holding_page(TRIXIE, Store::Redis);
    build(&config, |app| {
        let app = &app.served_by(Server::NginxFpm);
        let redis = Redis::start(ODD_PASSWORD);
        let relay = Relay::start(redis.container.address(6379), Duration::from_millis(1));
        let bound = |host: &str, port: u16| {
            let credentials = json!({"host": host, "port": port, "password": ODD_PASSWORD});
            format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials)]))
        };
        let (near, far) = (bound(&redis.host(), 6379), bound(&relay.host(), relay.port()));
        let compare = |what: &str, bound: &str, other: &str, load: Load| {
            compare_settings(app, TRIXIE, what, bound, [ON, other], load)
        };
        let what = "Redis 1 ms away, 8 clients in one session, proxy";
        // The peers don't lock, so PHP's own handler with locks is below 1; with itself it is 1.
        let compared = [
            (compare("Redis 1 ms away, proxy", &far, AS_PEERS, USUAL), 1.0),
            (compare("Redis, proxy, 64 workers", &near, AS_PEERS, MANY_WORKERS), 0.6),
            (compare("Redis, proxy, 10,000 sessions", &near, AS_PEERS, MANY_SESSIONS), 0.6),
            (compare(what, &far, OFF, ONE_SESSION), 1.2),
        ];
        assert_at_least(&compared);
    });
}

on_both! {
    faster_than_the_peers_with_the_proxy;
    faster_than_the_peers;
}
