//! The status of a proxy.

use super::shared::Shared;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The state of a proxy, as shown by `session-proxy status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The service, without its password.
    pub service: String,
    /// `master` or `slave`, as far as the last session tells, or `unknown`.
    pub role: String,
    /// When this worker started, in seconds since 1970.
    pub started: u64,
    /// Its uptime in seconds.
    pub seconds: u64,
    /// PHP's connections.
    pub clients: u64,
    /// Sessions locked.
    pub requests: u64,
    /// Commands answered by the service.
    pub round_trips: u64,
    /// Requests that wait for another request of the same session in this container.
    pub waiting: u64,
    /// Requests that wait for another container.
    pub waiting_elsewhere: u64,
    /// Locks that somebody else held for too long.
    pub lock_timeouts: u64,
    /// Connections to the service that broke.
    pub reconnections: u64,
    /// Commands sent again.
    pub retries: u64,
    /// Commands without a reply in time.
    pub failures: u64,
    /// Commands that do not belong to a session.
    pub refused: u64,
    /// Connections to the service.
    pub connections: u64,
    /// Idle connections.
    pub idle: u64,
    /// The maximum number of connections.
    pub most_connections: u64,
    /// Connections opened so far.
    pub opened: u64,
    /// The median round trip, in microseconds, rounded up to a power of two.
    pub p50_us: u64,
    /// The 99th percentile, likewise.
    pub p99_us: u64,
}

impl Status {
    pub(super) fn of(shared: &Shared) -> Self {
        let (connections, idle, opened) = shared.service.pool.counts();
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let stats = &shared.stats;
        Self {
            service: shared.service.pool.credentials().current().to_string(),
            role: stats.role().to_owned(),
            started: since_1970(shared.started.elapsed()),
            seconds: shared.started.elapsed().as_secs(),
            clients: stats.clients.get(),
            requests: stats.requests.get(),
            round_trips: stats.round_trips(),
            waiting: count(shared.turns.waiting()),
            waiting_elsewhere: stats.waiting_elsewhere.get(),
            reconnections: stats.reconnections.get(),
            lock_timeouts: stats.lock_timeouts.get(),
            retries: stats.retries.get(),
            failures: stats.failures.get(),
            refused: stats.refused.get(),
            connections: count(connections),
            idle: count(idle),
            most_connections: count(shared.most_connections),
            opened,
            p50_us: stats.percentile(50),
            p99_us: stats.percentile(99),
        }
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

fn since_1970(ago: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(ago).as_secs()
}

/// As text.
impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "service       {} ({})", self.service, self.role)?;
        writeln!(formatter, "running       {} s", self.seconds)?;
        writeln!(formatter, "PHP           {} connected", self.clients)?;
        writeln!(
            formatter,
            "sessions      {} locked so far, {} waiting here, {} for another container, {} gave up waiting",
            self.requests, self.waiting, self.waiting_elsewhere, self.lock_timeouts
        )?;
        writeln!(
            formatter,
            "round trips   {}, half within {} µs, 99 % within {} µs",
            self.round_trips, self.p50_us, self.p99_us
        )?;
        writeln!(
            formatter,
            "connections   {} of {}, {} idle, {} opened so far",
            self.connections, self.most_connections, self.idle, self.opened
        )?;
        write!(
            formatter,
            "problems      broken connections: {}, commands sent again: {}, without a reply: {}, refused: {}",
            self.reconnections, self.retries, self.failures, self.refused
        )
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Every number is another one.
    pub(crate) fn example() -> Status {
        Status {
            service: "tcp://10.0.0.5:6379".to_owned(),
            role: "master".to_owned(),
            started: 1_764_300_000,
            seconds: 1001,
            clients: 1002,
            requests: 1003,
            round_trips: 1004,
            waiting: 1005,
            waiting_elsewhere: 1006,
            lock_timeouts: 1007,
            reconnections: 1008,
            retries: 1009,
            failures: 1010,
            refused: 1011,
            connections: 1012,
            idle: 1013,
            most_connections: 1014,
            opened: 1015,
            p50_us: 1016,
            p99_us: 1017,
        }
    }

    #[test]
    fn people_are_told_all_that_programs_are() {
        let text = example().to_string();
        let json: serde_json::Value = serde_json::from_str(&example().json()).unwrap();
        // The seconds say it better than a number of ten digits.
        let told = json.as_object().unwrap().iter().filter(|(name, _)| *name != "started");
        for (name, value) in told {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert!(text.contains(&value), "{name} is not in\n{text}");
        }
    }
}
