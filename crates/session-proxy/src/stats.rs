//! Counters and times, for the proxy's status.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

/// A counter.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn subtract(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts one more as long as the returned guard lives.
    pub(super) fn during(&self) -> During<'_> {
        self.add();
        During(self)
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts one more as long as it lives.
pub(super) struct During<'a>(&'a Counter);

impl Drop for During<'_> {
    fn drop(&mut self) {
        self.0.subtract();
    }
}

/// Powers of two microseconds: up to 67 seconds.
const BUCKETS: usize = 27;

/// What the proxy counts.
#[derive(Debug, Default)]
pub(super) struct Stats {
    pub(super) clients: Counter,
    /// Sessions locked, or read or written without a lock.
    pub(super) requests: Counter,
    pub(super) lock_timeouts: Counter,
    pub(super) retries: Counter,
    pub(super) failures: Counter,
    pub(super) refused: Counter,
    /// Connections to the service that broke.
    pub(super) reconnections: Counter,
    /// Requests now waiting for another container.
    pub(super) waiting_elsewhere: Counter,
    role: AtomicU8,
    microseconds: AtomicU64,
    latencies: [Counter; BUCKETS],
}

/// The words of Redis, in the order of the numbers that stand for them.
const ROLES: [&str; 3] = ["unknown", "master", "slave"];

impl Stats {
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

    pub(super) fn round_trip(&self, took: Duration) {
        let bits = u128::BITS - took.as_micros().leading_zeros();
        let bucket = usize::try_from(bits).unwrap_or(BUCKETS).min(BUCKETS - 1);
        self.latencies[bucket].add();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn round_trips(&self) -> u64 {
        self.latencies.iter().map(Counter::get).sum()
    }

    /// The total time of all round trips in seconds, and for each bucket its upper bound in seconds and its count.
    pub(super) fn histogram(&self) -> (f64, Vec<(f64, u64)>) {
        let seconds = |micros: u64| Duration::from_micros(micros).as_secs_f64();
        let buckets = self.latencies.iter().enumerate();
        let buckets = buckets.map(|(bucket, count)| (seconds(1 << bucket), count.get()));
        (seconds(self.microseconds.load(Ordering::Relaxed)), buckets.collect())
    }

    /// The given percentile of round trip times, in microseconds.
    pub(super) fn percentile(&self, percent: u64) -> u64 {
        let total = self.round_trips();
        let mut seen = 0;
        for (bucket, count) in self.latencies.iter().enumerate() {
            seen += count.get();
            if total > 0 && seen * 100 >= total * percent {
                return 1 << bucket;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(stats.percentile(50), 0);
        for _ in 0..98 {
            stats.round_trip(Duration::from_micros(100));
        }
        stats.round_trip(Duration::from_millis(10));
        stats.round_trip(Duration::from_hours(1));
        assert_eq!(stats.round_trips(), 100);
        assert_eq!((stats.percentile(50), stats.percentile(99)), (128, 16384));
        let (sum, buckets) = stats.histogram();
        assert!((sum - 3600.0198).abs() < 1e-6, "{sum}");
        assert_eq!(buckets[7], (0.000_128, 98));
    }
}
