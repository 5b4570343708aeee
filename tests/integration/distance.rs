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
/// How long each way is measured in each round; the ways take turns.
const TURN: Duration = Duration::from_millis(200);
const MANY: Load = USUAL.in_turns_of(TURN);
/// In which the first one warms everything up.
const ROUNDS: usize = 8;

/// The ways to Redis: the peers' settings, PHP's own handler with its locks, the same with kept connections, and the
/// session proxy.
const WAYS: [(&str, &str); 4] = [
    ("peers", AS_PEERS),
    ("own", OFF),
    ("kept", "BPL_PHP_SESSION_OPTIONS=persistent=on"),
    ("proxy", ON),
];

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

    /// Makes a round trip take this time, in milliseconds.
    fn tune(&self, round_trip: f64) -> Distance {
        if round_trip == 0.0 {
            let (added, measured) = (Duration::ZERO, self.round_trip(false));
            return Distance { round_trip, added, measured };
        }
        // The relay itself takes some time, and so do the threads that are to wake up.
        let mut added = 0.0;
        for _ in 0..3 {
            self.relay.set_round_trip(Duration::from_secs_f64(added / 1e3));
            added = f64::max(added + round_trip - self.round_trip(true), 0.0);
        }
        let added = Duration::from_secs_f64(added / 1e3);
        self.relay.set_round_trip(added);
        Distance { round_trip, added, measured: self.round_trip(true) }
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

    /// What a session adds to a page by a way, in parts of what it adds with the peers' settings.
    fn added_beside_the_peers(&self, way: usize) -> f64 {
        let added = |way: usize, round: usize| self.page[way][round] - self.without_session[round];
        let rounds = 0..self.without_session.len();
        median(rounds.map(|round| added(way, round) / added(0, round)).collect())
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
        let distances = ROUND_TRIPS.map(|round_trip| service.tune(round_trip));
        let started = |is_far: bool| {
            let bound = service.bound(is_far);
            WAYS.map(|(_, setting)| app.start(&["--env", &bound, "--env", setting]))
        };
        let (near, far) = (started(false), started(true));
        let mut measured = ROUND_TRIPS.map(|_| Measured::default());
        // A try of each is enough where nobody looks at the figures.
        for round in 0..if are_collected() { ROUNDS } else { 2 } {
            for (distance, measured) in distances.iter().zip(&mut measured) {
                if round == 1 {
                    *measured = Measured::default();
                }
                service.relay.set_round_trip(distance.added);
                measured.round(if distance.is_far() { &far } else { &near });
            }
        }
        let defaults = distances.each_ref().map(|distance| {
            service.relay.set_round_trip(distance.added);
            by_default(app, &service.bound(distance.is_far()))
        });
        for ((distance, measured), by_default) in distances.iter().zip(&measured).zip(defaults) {
            measured.record(suite, distance, by_default);
        }
        // In between, the least of the relay's round trips decides; what is near may seem far while the machine is busy.
        assert_eq!([defaults[3], defaults[5]], ["proxy"; 2]);
        let near = service.bound(false);
        assert!((0..10).any(|_| by_default(app, &near) == "own"), "a server nearby is far");
        let ratios = measured.map(|it| it.added_beside_the_peers(WAYS.len() - 1));
        // On a quiet machine 0.7, 0.6 and 0.6.
        assert!(ratios[3..].iter().all(|ratio| *ratio < 1.0), "{ROUND_TRIPS:?}: {ratios:?}");
    });
}

on_both! {
    a_page_by_distance;
}
