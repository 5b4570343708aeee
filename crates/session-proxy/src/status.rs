//! The status of a proxy.

use super::shared::Shared;
use super::stats::Stats;
use indoc::indoc;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// What a worker serves: the sessions of a service, for the connections of one of PHP's handlers.
pub(super) trait Site: Send + Sync {
    fn shared(&self) -> &Shared;

    /// The service as it is now.
    fn service(&self) -> ServiceStatus;

    /// Serves a client until it is gone.
    fn converse(&self, client: &UnixStream) -> io::Result<()>;
}

/// A service as it is now.
pub(super) struct ServiceStatus {
    /// Without its password.
    pub(super) name: String,
    /// What kind of service it is, as far as is known.
    pub(super) topology: String,
    /// The primary that Sentinels named last, if there are any.
    pub(super) primary: Option<String>,
    /// The number of connections, and of idle ones.
    pub(super) connections: (usize, usize),
}

/// The state of a proxy, as shown by `session-proxy status`: a JSON object.
#[derive(Debug, Serialize, Deserialize)]
pub struct Status(Value);

impl Status {
    pub(super) fn of(site: &dyn Site) -> Self {
        let (shared, service) = (site.shared(), site.service());
        shared.stats.set_now(service.connections, shared.turns.waiting());
        Self::new(&service, shared.started.elapsed(), &shared.stats)
    }

    fn new(service: &ServiceStatus, uptime: Duration, stats: &Stats) -> Self {
        let mut all = json!({
            "service": service.name,
            "topology": service.topology,
            "role": stats.role(),
            "seconds": uptime.as_secs(),
            "round_trips": stats.round_trips.count(),
            "p50_us": stats.round_trips.percentile(50),
            "p99_us": stats.round_trips.percentile(99),
        });
        for (name, number) in stats.numbers() {
            all[name] = json!(number);
        }
        if let Some(primary) = &service.primary {
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

const TEXT: &str = indoc! {"
    service       {service}{primary} ({topology}, {role})
    running       {seconds} s
    PHP           {clients} connected
    sessions      {requests} asked for so far, {waiting} waiting here, {waiting_elsewhere} for another container, {lock_timeouts} gave up waiting
    round trips   {round_trips}, half within {p50_us} µs, 99 % within {p99_us} µs
    connections   {connections} of {most_connections}, {idle} idle, {opened} opened so far
    problems      broken connections: {reconnections}, commands sent again: {retries}, without a reply: {failures}, refused: {refused}"};

/// As text.
impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let primary = self.primary().map(|it| format!("; primary now {it}")).unwrap_or_default();
        let mut text = TEXT.replace("{primary}", &primary);
        for (name, value) in self.0.as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text = text.replace(&format!("{{{name}}}"), &value);
        }
        formatter.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;

    fn service() -> ServiceStatus {
        ServiceStatus {
            name: "tcp://10.0.0.5:6379".to_owned(),
            topology: "cluster of 3 primaries".to_owned(),
            primary: None,
            connections: (0, 0),
        }
    }

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
        (Status::new(&service(), Duration::from_secs(3001), &it), it)
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
        let ServiceStatus { name, topology, .. } = service();
        encode(&mut text, &all.registry(&name, &topology)).unwrap();
        for (name, value) in numbers(&status) {
            let known = ["p50_us", "p99_us", "seconds"].contains(&name.as_str());
            let told = [format!("{name}=\"{value}\""), format!(" {value}\n")];
            assert!(known || told.iter().any(|it| text.contains(it)), "{name} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
