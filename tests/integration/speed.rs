//! Requests a second, against what Cloud Foundry's PHP buildpack and Paketo's handler write for Redis: a new
//! connection for each request, and no lock. `make speed` prints the table.

use crate::support::app::{App, Instance, Server, build, config_for};
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::{BoundService, vcap};
use crate::support::tls::TlsServer;
use crate::support::visitor::Visitor;
use crate::support::{BOOKWORM, Suite, TRIXIE};
use php_session_store::store::Store;
use std::thread;
use std::time::{Duration, Instant};

/// As many visitors as php-fpm has workers, each with a session.
const VISITORS: usize = 4;
/// How long each side is measured in each round; the sides take turns.
const TURN: Duration = Duration::from_secs(1);
const ROUNDS: usize = 9;

/// What the peers' save path amounts to.
const AS_PEERS: &str = "BPL_PHP_SESSION_OPTIONS=persistent=off&locking=off";

fn requests_a_second(instance: &Instance) -> f64 {
    let address = instance.address();
    let start = Instant::now();
    let requests: u32 = thread::scope(|scope| {
        let visit = || {
            let mut visitor = Visitor::new();
            visitor.count(address);
            let mut requests = 0;
            while start.elapsed() < TURN {
                visitor.count(address);
                requests += 1;
            }
            requests
        };
        let visitors: Vec<_> = (0..VISITORS).map(|_| scope.spawn(visit)).collect();
        visitors.into_iter().map(|visitor| visitor.join().expect("answers")).sum()
    });
    f64::from(requests) / start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
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
    let ours = app.start(&["--env", bound, "--env", setting]);
    let peers = app.start(&["--env", bound, "--env", AS_PEERS]);
    let mut rounds = Vec::new();
    for _ in 0..=ROUNDS {
        rounds.push((requests_a_second(&ours), requests_a_second(&peers)));
    }
    // The first one warms everything up.
    rounds.remove(0);
    let ours = median(rounds.iter().map(|round| round.0).collect());
    let peers = median(rounds.iter().map(|round| round.1).collect());
    let ratios: Vec<f64> = rounds.iter().map(|round| round.0 / round.1).collect();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0.0, f64::max);
    let ratio = median(ratios);
    println!(
        "| {what}, {} | {ours:.0} | {peers:.0} | {ratio:.2} ({least:.2} to {most:.2}) |",
        suite.name
    );
    ratio
}

fn faster_than_the_peers(suite: Suite) {
    let mut config = config_for(Server::NginxFpm, suite, "web");
    build(config.env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let app = &app.served_by(Server::NginxFpm);
        let redis = BoundService::start(Store::Redis, ODD_PASSWORD);
        // Both open a connection for each request; the lock costs two round trips.
        let ratio = compare(app, suite, "Redis", &redis.env(), "");
        assert!(ratio > 0.6, "{ratio}");
        // What a kept connection gains pays for the lock.
        let ratio = compare(app, suite, "Redis, persistent=on", &redis.env(), "persistent=on");
        assert!(ratio > 0.8, "{ratio}");
        let unlocked = "persistent=on&locking=off";
        let ratio =
            compare(app, suite, "Redis, persistent=on, locking=off", &redis.env(), unlocked);
        assert!(ratio > 1.0, "{ratio}");
        let server = TlsServer::start("no", &[]);
        let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", server.credentials())]));
        let ratio = compare(app, suite, "Redis with TLS", &bound, "");
        assert!(ratio > 0.6, "{ratio}");
        let ratio = compare(app, suite, "Redis with TLS, persistent=on", &bound, "persistent=on");
        assert!(ratio > 1.5, "{ratio}");
    });
}

fn faster_than_the_peers_with_the_proxy(suite: Suite) {
    let mut config = config_for(Server::NginxFpm, suite, "web");
    build(config.env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let app = &app.served_by(Server::NginxFpm);
        let redis = BoundService::start(Store::Redis, ODD_PASSWORD);
        let on = "BPL_PHP_SESSION_PROXY=on";
        // It locks, and the peers do not.
        let ratio = compare_setting(app, suite, "Redis, proxy", &redis.env(), on);
        assert!(ratio > 0.6, "{ratio}");
        let server = TlsServer::start("no", &[]);
        let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", server.credentials())]));
        let ratio = compare_setting(app, suite, "Redis with TLS, proxy", &bound, on);
        assert!(ratio > 1.5, "{ratio}");
    });
}

#[test]
fn faster_than_the_peers_with_the_proxy_on_debian_12() {
    faster_than_the_peers_with_the_proxy(BOOKWORM);
}

#[test]
fn faster_than_the_peers_with_the_proxy_on_debian_13() {
    faster_than_the_peers_with_the_proxy(TRIXIE);
}

#[test]
fn faster_than_the_peers_on_debian_12() {
    faster_than_the_peers(BOOKWORM);
}

#[test]
fn faster_than_the_peers_on_debian_13() {
    faster_than_the_peers(TRIXIE);
}
