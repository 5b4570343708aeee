//! What all conversations share.

use super::memory::Budget;
use super::settings::Settings;
use super::stats::Stats;
use super::turns::Turns;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use store_client::random;

pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) turns: Turns,
    pub(super) stats: Stats,
    pub(super) secrets: Secrets,
    /// For large commands.
    pub(super) memory: Budget,
    pub(super) started: Instant,
}

impl Shared {
    pub(super) fn new(settings: Settings) -> io::Result<Self> {
        let secrets = Secrets::new(settings.container.clone())?;
        let stats = Stats::begin(settings.most_connections);
        let (turns, memory) = Default::default();
        Ok(Self { settings, turns, stats, secrets, memory, started: Instant::now() })
    }

    /// The prefix of session keys.
    pub(super) fn prefix(&self) -> &[u8] {
        self.settings.prefix.as_bytes()
    }
}

/// Creates the values of locks, which identify them as ours: `host|process|container.worker.number`.
pub(super) struct Secrets {
    /// Unique to this container.
    container: String,
    /// Unique to this worker, now and for ever.
    pub(super) worker: String,
    count: AtomicU64,
}

impl Secrets {
    fn new(container: String) -> io::Result<Self> {
        Ok(Self { container, worker: random()?, count: AtomicU64::default() })
    }

    /// The common prefix of all locks of a PHP process in this container, whichever worker took them.
    pub(super) fn owner(&self, php: &[u8]) -> Vec<u8> {
        [php, b"|", self.container.as_bytes(), b"."].concat()
    }

    pub(super) fn next(&self, php: &[u8]) -> Vec<u8> {
        let unique = format!("{}.{:x}", self.worker, self.count.fetch_add(1, Ordering::Relaxed));
        [self.owner(php), unique.into_bytes()].concat()
    }

    /// Whether a lock is in the way of nobody who has the turn for its session: it is of this PHP process, or of this worker.
    pub(super) fn are_left(&self, secret: &[u8], php: &[u8]) -> bool {
        let worker = secret.rsplit(|byte| *byte == b'.').nth(1);
        worker == Some(self.worker.as_bytes()) || secret.starts_with(&self.owner(php))
    }

    /// Whether a lock of a PHP process in this container is from another worker, which has died. Threads of one process are
    /// one to us.
    pub(super) fn are_inherited(&self, secret: &[u8], php: &[u8]) -> bool {
        let unique = secret.strip_prefix(self.owner(php).as_slice());
        unique.is_some_and(|unique| !unique.starts_with(self.worker.as_bytes()))
    }
}
