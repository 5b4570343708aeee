//! What all conversations share.

use super::credentials::{Credentials, Read};
use super::lock::lock_time;
use super::memory::Budget;
use super::pool::Pool;
use super::retry::{RetryingClient, Waits};
use super::sessions::Sessions;
use super::settings::Settings;
use super::stats::Stats;
use super::turns::Turns;
use super::upstream::Access;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store_client::random;

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
    /// Reads the service's address and login.
    pub(super) fn new(settings: Settings, read: Read<Access>) -> anyhow::Result<Self> {
        let stats = Arc::new(Stats::begin(settings.most_connections));
        let credentials = Credentials::new(read)?;
        let (most, wait) = (settings.most_connections, settings.connect_timeout);
        let pool = Pool::new(credentials, most, wait, stats.opened.clone());
        let waits = Waits {
            read_timeout: settings.read_timeout,
            bound: settings.failover_timeout,
            replicas: settings.wait_replicas,
        };
        let service = Arc::new(RetryingClient::new(pool, waits, stats.clone()));
        let secrets = Secrets::new(settings.container)?;
        let worker = secrets.worker.clone();
        Ok(Self {
            sessions: Sessions::new(service.clone(), settings.prefix.clone(), worker),
            service,
            turns: Turns::default(),
            stats,
            secrets,
            prefix: settings.prefix.into_bytes(),
            memory: Budget::default(),
            locking: settings.locking,
            lock_timeout: settings.lock_timeout,
            lock_time: lock_time(settings.failover_timeout),
            started: Instant::now(),
        })
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
    pub(super) fn new(container: String) -> io::Result<Self> {
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

    /// Whether a lock of a PHP process in this container is from another worker, which has died. Threads of one process are
    /// one to us.
    pub(super) fn are_inherited(&self, secret: &[u8], php: &[u8]) -> bool {
        let unique = secret.strip_prefix(self.owner(php).as_slice());
        unique.is_some_and(|unique| !unique.starts_with(self.worker.as_bytes()))
    }
}
