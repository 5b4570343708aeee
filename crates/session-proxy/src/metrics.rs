//! The status as Prometheus metrics, if there is an address for them.

use super::log::log;
use super::signals::wait;
use super::status::Site;
use nix::poll::PollTimeout;
use prometheus_client::encoding::text::encode;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
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
const SCRAPER_PATIENCE: Duration = Duration::from_secs(2);
const LONGEST_REQUEST: usize = 8192;
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers scrapes one after the other, until the worker has retired: the next one wants the port.
pub(super) fn serve(address: &str, site: &dyn Site, lifeline: Option<&OwnedFd>) {
    let Some(listener) = bind(address, lifeline) else { return };
    if let Ok(address) = listener.local_addr() {
        log(format_args!("metrics at http://{address}/metrics"));
    }
    let lifeline = lifeline.map(AsFd::as_fd);
    let both: Vec<_> = [listener.as_fd()].into_iter().chain(lifeline).collect();
    while wait(&both, PollTimeout::NONE).get(1) != Some(&true) {
        match listener.accept() {
            // A scraper that is gone needs no reply.
            Ok((client, _)) => drop(answer(client, site)),
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

fn answer(mut client: TcpStream, site: &dyn Site) -> io::Result<()> {
    client.set_write_timeout(Some(SCRAPER_PATIENCE))?;
    let request = head(&mut client)?;
    let path = request.strip_prefix(b"GET ").and_then(|rest| rest.split(|it| *it == b' ').next());
    let (status, body) = if path == Some(b"/metrics") {
        let mut text = String::new();
        let (shared, service) = (site.shared(), site.service());
        shared.stats.set_now(service.connections, shared.turns.waiting());
        let metrics = shared.stats.registry(&service.name, &service.topology);
        encode(&mut text, &metrics).map_err(io::Error::other)?;
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
    let deadline = Deadline::after(SCRAPER_PATIENCE);
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
