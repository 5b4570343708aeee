//! Clients who ask for pages of one session at the same time.

use super::app::Instance;
use super::http_client::HttpClient;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: usize = 8;

/// What the clients have met.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) requests: u32,
    pub(crate) counted: u32,
    pub(crate) took: Duration,
}

/// Clients of one session ask for `hold.php`, which holds the session; each has one of the instances.
pub(crate) fn hammer(instances: &[&Instance], requests: u32, milliseconds: u32) -> Run {
    let address = instances[0].address();
    let path = format!("/hold.php?ms={milliseconds}");
    let mut visitor = HttpClient::new();
    visitor.get(address, "/hold.php");
    let asked = AtomicU32::new(0);
    let start = Instant::now();
    thread::scope(|scope| {
        for instance in instances.iter().cycle().take(CLIENTS) {
            scope.spawn(|| {
                let (mut client, address) = (visitor.twin(), instance.address());
                while asked.fetch_add(1, Ordering::Relaxed) < requests {
                    client.get(address, &path);
                }
            });
        }
    });
    let took = start.elapsed();
    let last = visitor.get(address, "/hold.php");
    let count: u32 = last.body.split(',').next().expect("a part").parse().expect("a count");
    // The first and the last request are not the clients'.
    Run { requests, counted: count - 2, took }
}
