//! What all conversations share.

use super::memory::Budget;
use super::sessions::Sessions;
use super::stats::{Counter, Stats};
use super::turns::Turns;
use super::upstream::Service;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What all conversations share.
pub(super) struct Shared {
    pub(super) service: Arc<Service>,
    pub(super) sessions: Sessions,
    pub(super) turns: Turns,
    pub(super) stats: Arc<Stats>,
    pub(super) secrets: Secrets,
    /// The prefix of session keys.
    pub(super) prefix: Vec<u8>,
    /// For large commands.
    pub(super) memory: Budget,
    pub(super) locking: bool,
    /// How long a request waits for the session's lock.
    pub(super) lock_timeout: Duration,
    pub(super) started: Instant,
    pub(super) most_connections: usize,
}

/// Creates the values of locks, which identify them as ours: `host|process|container.worker.number`.
pub(super) struct Secrets {
    /// Unique to this container.
    pub(super) container: String,
    /// Unique to this worker, now and for ever.
    pub(super) worker: String,
    pub(super) count: Counter,
}

impl Secrets {
    /// The common prefix of all locks of a PHP process in this container, whichever worker took them.
    pub(super) fn owner(&self, php: &[u8]) -> Vec<u8> {
        [php, b"|", self.container.as_bytes(), b"."].concat()
    }

    pub(super) fn next(&self, php: &[u8]) -> Vec<u8> {
        self.count.add();
        let unique = format!("{}.{:x}", self.worker, self.count.get());
        [self.owner(php), unique.into_bytes()].concat()
    }
}
