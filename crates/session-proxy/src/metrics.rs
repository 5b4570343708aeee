//! The status as Prometheus metrics, if `BPL_PHP_SESSION_METRICS` is set.

use super::log::log;
use super::shared::Shared;
use super::signals::wait;
use super::status::Status;
use nix::poll::PollTimeout;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};
use store_client::Deadline;

/// How often to try to get the port, in milliseconds.
const BIND_EVERY: u16 = 250;
/// The worker before gives up the port when it retires.
const WORTH_MENTIONING: Duration = Duration::from_secs(2);
/// The pause if the container has too many open files.
const PAUSE: Duration = Duration::from_secs(1);
/// A scraper sends a few lines and reads a few kilobytes.
const PATIENCE: Duration = Duration::from_secs(2);
const LONGEST_REQUEST: usize = 8192;
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers scrapes one after the other, until the worker has retired: the next one wants the port.
pub(super) fn serve(address: &str, shared: &Arc<Shared>, lifeline: Option<&OwnedFd>) {
    let Some(listener) = bind(address, lifeline) else { return };
    if let Ok(address) = listener.local_addr() {
        log(format_args!("metrics at http://{address}/metrics"));
    }
    let mut registry = Registry::with_prefix("php_session_proxy");
    registry.register_collector(Box::new(Numbers(shared.clone())));
    let lifeline = lifeline.map(AsFd::as_fd);
    let both: Vec<_> = [listener.as_fd()].into_iter().chain(lifeline).collect();
    while wait(&both, PollTimeout::NONE).get(1) != Some(&true) {
        match listener.accept() {
            // A scraper that is gone needs no reply.
            Ok((client, _)) => drop(answer(client, &registry)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => sleep(PAUSE),
        }
    }
}

/// Waits for the port, which the worker before may still have; `None` if this one retires meanwhile.
fn bind(address: &str, lifeline: Option<&OwnedFd>) -> Option<TcpListener> {
    let started = Instant::now();
    loop {
        let bound = TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        match bound {
            Ok(listener) => return Some(listener),
            Err(error) if started.elapsed() > WORTH_MENTIONING => {
                log(format_args!("no metrics at {address}: {error}"));
            }
            Err(_) => {}
        }
        let lifeline = lifeline.map(AsFd::as_fd);
        if wait(lifeline.as_slice(), PollTimeout::from(BIND_EVERY)).contains(&true) {
            return None;
        }
    }
}

fn answer(mut client: TcpStream, registry: &Registry) -> io::Result<()> {
    client.set_write_timeout(Some(PATIENCE))?;
    let request = head(&mut client)?;
    let path = request.strip_prefix(b"GET ").and_then(|rest| rest.split(|it| *it == b' ').next());
    let (status, body) = if path == Some(b"/metrics") {
        let mut text = String::new();
        encode(&mut text, registry).map_err(io::Error::other)?;
        ("200 OK", text)
    } else {
        ("404 Not Found", "The metrics are at /metrics.\n".to_owned())
    };
    let length = body.len();
    write!(
        client,
        "HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// A request up to its empty line; it has no body.
fn head(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let deadline = Deadline::after(PATIENCE);
    let mut received = Vec::new();
    while !received.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        client.set_read_timeout(Some(deadline.remaining()?))?;
        let mut chunk = [0; 1024];
        match client.read(&mut chunk)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            length => received.extend_from_slice(&chunk[..length]),
        }
        if received.len() > LONGEST_REQUEST {
            return Err(ErrorKind::InvalidData.into());
        }
    }
    Ok(received)
}

/// Asks the proxy for its status on each scrape.
struct Numbers(Arc<Shared>);

impl fmt::Debug for Numbers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Numbers")
    }
}

impl Collector for Numbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        Status::of(&self.0).encode(&mut encoder)?;
        let (sum, buckets) = self.0.stats.histogram();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let help = "How long the service took for a round trip";
        let mut histogram = encoder.encode_descriptor(
            "round_trip",
            help,
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        histogram.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }
}

impl Status {
    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let service = [("service", self.service.as_str()), ("role", self.role.as_str())];
        let info = encoder.encode_descriptor("service", "The service", None, MetricType::Info)?;
        Info::new(service.to_vec()).encode(info)?;
        for (name, help, value) in self.gauges() {
            let gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(gauge)?;
        }
        for (name, help, value) in self.counters() {
            let counter = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(counter)?;
        }
        Ok(())
    }

    fn gauges(&self) -> [(&'static str, &'static str, u64); 7] {
        [
            ("started_seconds", "When this worker started, in seconds since 1970", self.started),
            ("clients", "Connections of PHP", self.clients),
            (
                "waiting_here",
                "Requests that wait for another request in this container",
                self.waiting,
            ),
            (
                "waiting_elsewhere",
                "Requests that wait for another container",
                self.waiting_elsewhere,
            ),
            ("connections", "Connections to the service", self.connections),
            ("connections_idle", "Connections to the service that are idle", self.idle),
            ("connections_limit", "The maximum number of connections", self.most_connections),
        ]
    }

    fn counters(&self) -> [(&'static str, &'static str, u64); 7] {
        [
            ("requests", "Sessions that were locked", self.requests),
            ("lock_timeouts", "Locks that somebody else held for too long", self.lock_timeouts),
            ("retries", "Commands that were sent again", self.retries),
            ("failures", "Commands without a reply in time", self.failures),
            ("refused", "Commands that do not belong to a session", self.refused),
            ("connections_opened", "Connections opened so far", self.opened),
            ("reconnections", "Connections that broke", self.reconnections),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::status::tests::example;
    use super::*;

    #[derive(Debug)]
    struct Example;

    impl Collector for Example {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            example().encode(&mut encoder)
        }
    }

    /// The percentiles are what Prometheus makes of the histogram.
    #[test]
    fn prometheus_is_told_all_that_the_status_has() {
        let mut registry = Registry::with_prefix("php_session_proxy");
        registry.register_collector(Box::new(Example));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let values: Vec<&str> = text.lines().filter_map(|line| line.rsplit(' ').next()).collect();
        for (name, value) in serde_json::to_value(example()).unwrap().as_object().unwrap() {
            let known = ["p50_us", "p99_us", "round_trips", "seconds"].contains(&name.as_str());
            let told = match value.as_str() {
                Some(word) => text.contains(&format!("{name}=\"{word}\"")),
                None => values.contains(&value.to_string().as_str()),
            };
            assert!(told || known, "{name} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
