//! The numbers of a proxy: its status and Prometheus read the same ones.

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::info::Info;
use prometheus_client::metrics::{MetricType, gauge};
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A number that may also fall.
pub(super) type Gauge = gauge::Gauge<u64, AtomicU64>;

/// One table of all numbers: what the status calls them, and what Prometheus does.
macro_rules! numbers {
    ($($number:ident: $kind:ty, $name:literal, $help:literal;)*) => {
        /// What the proxy counts. Those of its connections and queues are set when somebody asks.
        #[derive(Debug, Default)]
        pub(super) struct Stats {
            $(#[doc = $help] pub(super) $number: $kind,)*
            pub(super) round_trips: RoundTrips,
            role: AtomicU8,
        }

        impl Stats {
            /// All of them as they are now, for the status.
            pub(super) fn numbers(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($number), self.$number.get()),)*]
            }

            fn register(&self, registry: &mut Registry) {
                $(registry.register($name, $help, self.$number.clone());)*
            }
        }
    };
}

numbers! {
    started: Gauge, "started_seconds", "When this worker started, in seconds since 1970";
    clients: Gauge, "clients", "Connections of PHP";
    waiting: Gauge, "waiting_here", "Requests that wait for another request in this container";
    waiting_elsewhere: Gauge, "waiting_elsewhere", "Requests that wait for another container";
    connections: Gauge, "connections", "Connections to the service";
    idle: Gauge, "connections_idle", "Connections to the service that are idle";
    most_connections: Gauge, "connections_limit", "The maximum number of connections";
    requests: Counter, "requests", "Requests for the lock of a session";
    lock_timeouts: Counter, "lock_timeouts", "Locks that somebody else held for too long";
    retries: Counter, "retries", "Commands that were sent again";
    failures: Counter, "failures", "Commands without a reply in time";
    refused: Counter, "refused", "Requests and connections that were refused: no command of sessions, too long, too many";
    opened: Counter, "connections_opened", "Connections opened so far";
    reconnections: Counter, "reconnections", "Connections that broke";
}

/// The words of Redis, in the order of the numbers that stand for them.
const ROLES: [&str; 3] = ["unknown", "master", "slave"];

impl Stats {
    /// Those of a worker that starts now, with so many connections at most.
    pub(super) fn begin(most_connections: usize) -> Self {
        let stats = Self::default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        stats.started.set(now.unwrap_or_default().as_secs());
        stats.most_connections.set(number(most_connections));
        stats
    }

    /// The connections and the idle ones of them, and the requests that wait in this container.
    pub(super) fn set_now(&self, (connections, idle): (usize, usize), waiting: usize) {
        self.connections.set(number(connections));
        self.idle.set(number(idle));
        self.waiting.set(number(waiting));
    }

    /// All numbers as Prometheus's metrics, for this service.
    pub(super) fn registry(&self, service: &str, topology: &str) -> Registry {
        let mut registry = Registry::with_prefix("php_session_proxy");
        let labels = [("service", service), ("topology", topology), ("role", self.role())];
        let service: Vec<_> = labels.map(|(name, value)| (name, value.to_owned())).to_vec();
        registry.register("service", "The service", Info::new(service));
        self.register(&mut registry);
        let help = "How long the service took for a round trip";
        registry.register_with_unit("round_trip", help, Unit::Seconds, self.round_trips.clone());
        registry
    }

    /// An answer to PHP, and whether the request was to write a session. It tells the server's role: `ROLE` is not asked for,
    /// as a user with the rights of sessions may not, and each refusal would be an entry in the server's `ACL LOG`.
    pub(super) fn answered(&self, writes: bool, answer: &[u8]) {
        // A script's error contains its command's error somewhere in the text.
        let only_reads = |error: &[u8]| error.windows(8).any(|word| word == b"READONLY");
        if answer.starts_with(b"-") && only_reads(answer) {
            self.role.store(2, Ordering::Relaxed);
        } else if writes && answer.starts_with(b"+") {
            self.role.store(1, Ordering::Relaxed);
        }
    }

    /// `master` if the last session was written, `slave` if the server only reads.
    pub(super) fn role(&self) -> &'static str {
        ROLES[usize::from(self.role.load(Ordering::Relaxed))]
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Powers of two microseconds: up to 67 seconds, and all above.
const BUCKETS: usize = 27;

/// How long round trips took: a histogram that percentiles can be read from, which Prometheus's own cannot.
#[derive(Debug, Clone, Default)]
pub(super) struct RoundTrips {
    microseconds: Counter,
    buckets: [Counter; BUCKETS],
}

impl RoundTrips {
    pub(super) fn observe(&self, took: Duration) {
        let bits = u128::BITS - took.as_micros().leading_zeros();
        let bucket = usize::try_from(bits).unwrap_or(BUCKETS).min(BUCKETS - 1);
        self.buckets[bucket].inc();
        self.microseconds.inc_by(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().map(Counter::get).sum()
    }

    /// The given percentile, in microseconds, rounded up to a power of two.
    pub(super) fn percentile(&self, percent: u64) -> u64 {
        let total = self.count();
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count.get();
            if total > 0 && seen * 100 >= total * percent {
                return 1 << bucket;
            }
        }
        0
    }
}

impl EncodeMetric for RoundTrips {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let seconds = |micros: u64| Duration::from_micros(micros).as_secs_f64();
        let buckets = self.buckets.iter().enumerate();
        let mut buckets: Vec<(f64, u64)> =
            buckets.map(|(bucket, count)| (seconds(1 << bucket), count.get())).collect();
        buckets[BUCKETS - 1].0 = f64::INFINITY;
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = seconds(self.microseconds.get());
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;

    #[test]
    fn the_servers_role_is_what_it_did_with_the_last_session() {
        let stats = Stats::default();
        stats.answered(false, b"+OK\r\n");
        assert_eq!(stats.role(), "unknown");
        stats.answered(true, b"+OK\r\n");
        assert_eq!(stats.role(), "master");
        stats.answered(true, b"-OOM command not allowed\r\n");
        assert_eq!(stats.role(), "master");
        stats.answered(
            true,
            b"-ERR user_script:1: -READONLY You can't write against a read only replica.\r\n",
        );
        assert_eq!(stats.role(), "slave");
    }

    #[test]
    fn percentiles_are_upper_bounds() {
        let stats = Stats::default();
        let trips = &stats.round_trips;
        assert_eq!(trips.percentile(50), 0);
        for _ in 0..98 {
            trips.observe(Duration::from_micros(100));
        }
        trips.observe(Duration::from_millis(10));
        trips.observe(Duration::from_hours(1));
        assert_eq!((trips.percentile(50), trips.percentile(99)), (128, 16384));
        let mut text = String::new();
        encode(&mut text, &stats.registry("", "")).unwrap();
        for line in [
            "sum 3600.0198",
            "count 100",
            "bucket{le=\"0.000064\"} 0",
            "bucket{le=\"0.000128\"} 98",
            "bucket{le=\"33.554432\"} 99",
            "bucket{le=\"+Inf\"} 100",
        ] {
            let line = format!("\nphp_session_proxy_round_trip_seconds_{line}\n");
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
    }
}
