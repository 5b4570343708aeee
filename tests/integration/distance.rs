//! A page's time by the distance of Redis, for each way to it: how long one visitor waits, and how many requests a second
//! four visitors get. `make bench` shows it.

use crate::speed::{AS_PEERS, Load, OFF, ON, USUAL, median, requests_a_second};
use crate::support::app::{App, Instance, Server, build, config_for};
use crate::support::docker::Container;
use crate::support::figures::{are_collected, record};
use crate::support::http_client::HttpClient;
use crate::support::relay::Relay;
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::{IMAGE, Redis, vcap};
use crate::support::{Suite, on_both};
use php_session_store::store::Store;
use serde_json::{Map, Value, json};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// The round trips that count, in milliseconds. Without any distance, PHP reaches Redis without the relay.
const ROUND_TRIPS: [f64; 6] = [0.0, 0.1, 0.2, 0.5, 1.0, 2.0];
/// From which one on the launch takes the session proxy: of interest where the figures are.
const LIMIT: f64 = 0.08;
/// How far from it a round trip may be: by this part, or by so many milliseconds.
const TOLERANCE: (f64, f64) = (0.2, 0.03);
/// A busy machine delays the relay.
const TRIES: usize = 10;
/// How long each way is measured in each round; the ways take turns.
const TURN: Duration = Duration::from_millis(200);
const MANY: Load = USUAL.in_turns_of(TURN);
/// In which the first one warms everything up.
const ROUNDS: usize = 8;
/// The same where nobody looks at the figures. The median of three holds where another program disturbs one of them.
const FEW_ROUNDS: usize = 4;
/// Starts that choose a way to a server on the same machine.
const STARTS: usize = 9;

/// The ways to Redis: the peers' settings, PHP's own handler with its locks, the same with kept connections, and the
/// session proxy.
const WAYS: [(&str, &str); 4] = [
    ("peers", AS_PEERS),
    ("own", OFF),
    ("kept", "BPL_PHP_SESSION_OPTIONS=persistent=on"),
    ("proxy", ON),
];
const PEERS: usize = 0;
const OWN: usize = 1;
const PROXY: usize = 3;

/// The page without its session.
pub(crate) const WITHOUT_SESSION: &str = "<?php
header('Content-Type: text/plain');
printf(\"%d, served by %s\\n\", 1, gethostname());
";

/// A Redis, and the relay that stands for a distance.
struct Service {
    redis: Redis,
    relay: Relay,
    /// Measures the round trip, as another container on the same machine.
    client: Container,
}

impl Service {
    fn start() -> Self {
        let redis = Redis::start(ODD_PASSWORD);
        let address = SocketAddr::new(redis.host().parse::<IpAddr>().expect("an address"), 6379);
        let relay = Relay::start(address, Duration::ZERO);
        Self { redis, relay, client: Container::start(&[], IMAGE, &["sleep", "infinity"]) }
    }

    /// The option that binds it to an app: on the same machine, or behind the relay.
    fn bound(&self, is_far: bool) -> String {
        let (host, port) = self.at(is_far);
        let credentials = json!({"host": host, "port": port, "password": ODD_PASSWORD});
        format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials)]))
    }

    fn at(&self, is_far: bool) -> (String, u16) {
        if is_far { (self.relay.host(), self.relay.port()) } else { (self.redis.host(), 6379) }
    }

    /// The median of round trips, in milliseconds.
    fn round_trip(&self, is_far: bool) -> f64 {
        let (host, port) = self.at(is_far);
        let ping = ["redis-benchmark", "-c", "1", "-n", "300", "-t", "ping_mbulk", "--csv"];
        let server = ["-h", &host, "-p", &port.to_string(), "-a", ODD_PASSWORD];
        let said = self.client.exec(&[&ping[..], &server].concat());
        let figure = said.lines().last().and_then(|line| line.split(',').nth(4));
        let figure = figure.and_then(|it| it.trim_matches('"').parse().ok());
        figure.unwrap_or_else(|| panic!("no median in {said}"))
    }

    /// Makes a round trip take this time, in milliseconds. Fails if it takes another one.
    fn tune(&self, round_trip: f64) -> Distance {
        if round_trip == 0.0 {
            let (added, measured) = (Duration::ZERO, self.round_trip(false));
            return Distance { round_trip, added, measured };
        }
        // The relay itself takes some time, and so do the threads that are to wake up.
        let (mut added, mut all) = (0.0, Vec::new());
        for _ in 0..TRIES {
            let relayed = Duration::from_secs_f64(added / 1e3);
            self.relay.set_round_trip(relayed);
            let measured = self.round_trip(true);
            if (measured - round_trip).abs() <= f64::max(round_trip * TOLERANCE.0, TOLERANCE.1) {
                return Distance { round_trip, added: relayed, measured };
            }
            all.push(measured);
            added = f64::max(added + round_trip - measured, 0.0);
        }
        panic!("a round trip of {round_trip} ms took {all:?}");
    }
}

/// A distance of the server, in milliseconds.
struct Distance {
    round_trip: f64,
    /// What the relay adds for it.
    added: Duration,
    measured: f64,
}

impl Distance {
    fn is_far(&self) -> bool {
        self.round_trip > 0.0
    }
}

/// How long one visitor waits for a page, in milliseconds.
fn waits(instance: &Instance, page: &str) -> f64 {
    let (mut visitor, address) = (HttpClient::new(), instance.address());
    visitor.get(address, page);
    let mut waits = Vec::new();
    let start = Instant::now();
    while start.elapsed() < TURN {
        let asked = Instant::now();
        let answer = visitor.get(address, page);
        waits.push(asked.elapsed().as_secs_f64() * 1e3);
        assert!(answer.status == 200, "{answer:?}");
    }
    median(waits)
}

/// What was measured at a distance, a figure for each round.
#[derive(Clone, Default)]
struct Measured {
    without_session: Vec<f64>,
    /// One visitor's page.
    page: [Vec<f64>; WAYS.len()],
    requests: [Vec<f64>; WAYS.len()],
}

impl Measured {
    fn round(&mut self, instances: &[Instance; WAYS.len()]) {
        self.without_session.push(waits(&instances[0], "/plain.php"));
        for (way, instance) in instances.iter().enumerate() {
            self.page[way].push(waits(instance, "/"));
        }
        for (way, instance) in instances.iter().enumerate() {
            self.requests[way].push(requests_a_second(instance, MANY));
        }
    }

    /// What a session adds to a page through the proxy, in parts of what it adds by another way.
    fn added_beside(&self, other: usize) -> f64 {
        let added = |way: usize, round: usize| self.page[way][round] - self.without_session[round];
        let rounds = 0..self.without_session.len();
        median(rounds.map(|round| added(PROXY, round) / added(other, round)).collect())
    }

    /// Requests a second through the proxy, in parts of those with the peers' settings.
    fn requests_beside_the_peers(&self) -> f64 {
        let rounds = self.requests[PROXY].iter().zip(&self.requests[PEERS]);
        median(rounds.map(|(proxy, peers)| proxy / peers).collect())
    }

    fn record(&self, suite: Suite, distance: &Distance, by_default: &str) {
        let way = |(number, (name, _)): (usize, &(&str, &str))| {
            let (page, requests) = (&self.page[number], &self.requests[number]);
            ((*name).to_owned(), json!({"page": page, "requests": requests}))
        };
        let ways: Map<String, Value> = WAYS.iter().enumerate().map(way).collect();
        let figure = json!({
            "suite": suite.name, "round_trip": distance.round_trip, "measured": distance.measured,
            "without_session": self.without_session, "ways": ways, "by_default": by_default,
        });
        record("distance", &figure);
    }
}

/// The way that an app takes if nothing is set.
fn by_default(app: &App, bound: &str) -> &'static str {
    let (_, said) = app.run(&["--env", bound], &["true"]);
    if said.contains("through the session proxy") { "proxy" } else { "own" }
}

fn a_page_by_distance(suite: Suite) {
    let mut config = config_for(Server::NginxFpm, suite, "web");
    config.file("htdocs/plain.php", WITHOUT_SESSION);
    build(config.env("BP_PHP_SESSION_STORE", Store::Redis.name()), |app| {
        let app = &app.served_by(Server::NginxFpm);
        let service = Service::start();
        let at_limit = are_collected().then_some(LIMIT);
        let round_trips = ROUND_TRIPS.into_iter().chain(at_limit);
        let distances: Vec<_> = round_trips.map(|it| service.tune(it)).collect();
        let started = |is_far: bool| {
            let bound = service.bound(is_far);
            WAYS.map(|(_, setting)| app.start(&["--env", &bound, "--env", setting]))
        };
        let (near, far) = (started(false), started(true));
        let mut measured = vec![Measured::default(); distances.len()];
        for round in 0..if are_collected() { ROUNDS } else { FEW_ROUNDS } {
            for (distance, measured) in distances.iter().zip(&mut measured) {
                if round == 1 {
                    *measured = Measured::default();
                }
                service.relay.set_round_trip(distance.added);
                measured.round(if distance.is_far() { &far } else { &near });
            }
        }
        for (distance, measured) in distances.iter().zip(&measured) {
            service.relay.set_round_trip(distance.added);
            let by_default = by_default(app, &service.bound(distance.is_far()));
            measured.record(suite, distance, by_default);
            // Below, the least of the relay's round trips decides.
            if distance.round_trip >= 0.5 {
                assert_eq!(by_default, "proxy", "{} ms", distance.round_trip);
            }
        }
        let near = service.bound(false);
        // What is near may seem far while the machine is busy.
        let own = (0..STARTS).filter(|_| by_default(app, &near) == "own").count();
        assert!(own > STARTS / 2, "a server nearby is far in {} of {STARTS}", STARTS - own);
        for (distance, measured) in distances.iter().zip(&measured) {
            assert_proxy_is_faster(distance.round_trip, measured);
        }
    });
}

/// The bounds leave room for a machine that others use. A regression is beyond them: PHP's own handler,
/// with its locks, adds 1.5 to 1.7 times what the peers' settings do.
fn assert_proxy_is_faster(round_trip: f64, measured: &Measured) {
    if round_trip >= 0.2 {
        // On a quiet machine 0.5 to 0.6, and then less and less; on one that compiles meanwhile, 1.0 was seen in a round.
        let beside_own = measured.added_beside(OWN);
        assert!(beside_own < 1.3, "{round_trip} ms: {beside_own} of PHP's own handler");
    }
    if round_trip >= 0.5 {
        // 0.6 to 0.7. At 0.2 ms it is 0.9 in the median, but 0.7 to 1.5 in single rounds.
        let beside_peers = measured.added_beside(PEERS);
        assert!(beside_peers < 1.0, "{round_trip} ms: {beside_peers} of the peers' settings");
    }
    if round_trip >= 1.0 {
        // 1.3 and more; PHP's own handler 0.65.
        let requests = measured.requests_beside_the_peers();
        assert!(requests > 0.9, "{round_trip} ms: {requests} of the peers' requests a second");
    }
}

on_both! {
    a_page_by_distance;
}
