//! What all conversations share.

use super::memory::Budget;
use super::retry::RetryingClient;
use super::sessions::Sessions;
use super::stats::Stats;
use super::turns::Turns;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What all conversations share.
pub(super) struct Shared {
    pub(super) service: Arc<RetryingClient>,
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
    /// How long a lock outlives the proxy.
    pub(super) lock_time: Duration,
    pub(super) started: Instant,
}

impl Shared {
    /// What the proxy counts, and its connections and queues as they are now.
    pub(super) fn stats_now(&self) -> &Stats {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let (connections, idle) = self.service.pool.counts();
        self.stats.connections.set(count(connections));
        self.stats.idle.set(count(idle));
        self.stats.waiting_here.set(count(self.turns.waiting()));
        &self.stats
    }
}

/// Creates the values of locks, which identify them as ours: `host|process|container.worker.number`.
pub(super) struct Secrets {
    /// Unique to this container.
    pub(super) container: String,
    /// Unique to this worker, now and for ever.
    pub(super) worker: String,
    pub(super) count: AtomicU64,
}

impl Secrets {
    /// The common prefix of all locks of a PHP process in this container, whichever worker took them.
    pub(super) fn owner(&self, php: &[u8]) -> Vec<u8> {
        [php, b"|", self.container.as_bytes(), b"."].concat()
    }

    pub(super) fn next(&self, php: &[u8]) -> Vec<u8> {
        let unique = format!("{}.{:x}", self.worker, self.count.fetch_add(1, Ordering::Relaxed));
        [self.owner(php), unique.into_bytes()].concat()
    }
}
