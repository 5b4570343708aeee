//! The status of a proxy.

use super::shared::Shared;
use super::site::Site;
use super::stats::Stats;
use indoc::indoc;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

/// The state of a proxy, as shown by `session-proxy status`: a JSON object.
#[derive(Debug, Serialize, Deserialize)]
pub struct Status(Value);

impl Status {
    pub(super) fn of(site: &dyn Site, shared: &Shared) -> Self {
        let primary = site.primary();
        Self::new(
            &site.service(),
            &site.topology(),
            primary.as_deref(),
            shared.started.elapsed(),
            shared.stats_now(site.counts()),
        )
    }

    /// `service` is the service without its password, `primary` what Sentinels named last.
    fn new(
        service: &str,
        topology: &str,
        primary: Option<&str>,
        uptime: Duration,
        stats: &Stats,
    ) -> Self {
        let mut all = json!({
            "service": service,
            "topology": topology,
            "role": stats.role(),
            "seconds": uptime.as_secs(),
            "round_trips": stats.round_trips.count(),
            "p50_us": stats.round_trips.percentile(50),
            "p99_us": stats.round_trips.percentile(99),
        });
        for (name, number) in stats.numbers() {
            all[name] = json!(number);
        }
        if let Some(primary) = primary {
            all["primary"] = json!(primary);
        }
        Self(all)
    }

    /// The primary that Sentinels named last.
    #[must_use]
    pub fn primary(&self) -> Option<&str> {
        self.0["primary"].as_str()
    }

    /// What kind of service it is, as far as the proxy knows.
    #[must_use]
    pub fn topology(&self) -> Option<&str> {
        self.0["topology"].as_str()
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> String {
        self.0.to_string()
    }
}

/// As text.
impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = |name: &str| match &self.0[name] {
            Value::String(text) => text.clone(),
            number => number.to_string(),
        };
        write!(
            formatter,
            indoc! {"
                service       {}{} ({}, {})
                running       {} s
                PHP           {} connected
                sessions      {} locked so far, {} waiting here, {} for another container, {} gave up waiting
                round trips   {}, half within {} µs, 99 % within {} µs
                connections   {} of {}, {} idle, {} opened so far
                problems      broken connections: {}, commands sent again: {}, without a reply: {}, refused: {}"
            },
            it("service"),
            self.primary().map(|it| format!("; primary now {it}")).unwrap_or_default(),
            it("topology"),
            it("role"),
            it("seconds"),
            it("clients"),
            it("requests"),
            it("waiting"),
            it("waiting_elsewhere"),
            it("lock_timeouts"),
            it("round_trips"),
            it("p50_us"),
            it("p99_us"),
            it("connections"),
            it("most_connections"),
            it("idle"),
            it("opened"),
            it("reconnections"),
            it("retries"),
            it("failures"),
            it("refused"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;

    const SERVICE: &str = "tcp://10.0.0.5:6379";
    const TOPOLOGY: &str = "cluster of 3 primaries";

    /// Every number is another one, the round trips' too.
    fn example() -> (Status, Stats) {
        let it = Stats::default();
        let gauges = [
            &it.started,
            &it.clients,
            &it.waiting,
            &it.waiting_elsewhere,
            &it.connections,
            &it.idle,
            &it.most_connections,
        ];
        for (gauge, number) in gauges.into_iter().zip(1001..) {
            gauge.set(number);
        }
        let counters = [
            &it.requests,
            &it.lock_timeouts,
            &it.retries,
            &it.failures,
            &it.refused,
            &it.opened,
            &it.reconnections,
        ];
        for (counter, number) in counters.into_iter().zip(2001..) {
            counter.inc_by(number);
        }
        for took in [1, 1, 1, 100] {
            it.round_trips.observe(Duration::from_millis(took));
        }
        it.answered(true, b"+OK\r\n");
        (Status::new(SERVICE, TOPOLOGY, None, Duration::from_secs(3001), &it), it)
    }

    fn numbers(status: &Status) -> Vec<(String, String)> {
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let all = status.0.as_object().unwrap().clone();
        all.into_iter().map(|(name, value)| (name, text(value))).collect()
    }

    #[test]
    fn people_are_told_all_that_programs_are() {
        let (status, _) = example();
        let text = status.to_string();
        // The seconds say it better than a number of ten digits.
        for (name, value) in numbers(&status).into_iter().filter(|(name, _)| name != "started") {
            assert!(text.contains(&value), "{name} is not in\n{text}");
        }
    }

    /// The percentiles are what Prometheus makes of the histogram.
    #[test]
    fn prometheus_is_told_all_that_the_status_has() {
        let (status, all) = example();
        let mut text = String::new();
        encode(&mut text, &all.registry(SERVICE, TOPOLOGY)).unwrap();
        for (name, value) in numbers(&status) {
            let known = ["p50_us", "p99_us", "seconds"].contains(&name.as_str());
            let told = [format!("{name}=\"{value}\""), format!(" {value}\n")];
            assert!(known || told.iter().any(|it| text.contains(it)), "{name} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
