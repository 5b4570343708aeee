//! What all conversations share.

use super::server::Limits;
use super::servers::Service;
use super::sessions::Sessions;
use crate::credentials::{Credentials, Read};
use crate::memory::Budget;
use crate::settings::Settings;
use crate::shared::Secrets;
use crate::stats::Stats;
use crate::turns::Turns;
use crate::upstream::Access;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use store_client::MemcachedEndpoint;

/// What all conversations share.
pub(crate) struct Shared {
    pub(super) sessions: Sessions,
    pub(super) turns: Turns,
    pub(super) stats: Arc<Stats>,
    pub(super) secrets: Secrets,
    /// The prefix of session keys.
    pub(super) prefix: Vec<u8>,
    /// For large requests.
    pub(super) memory: Budget,
    pub(super) locking: bool,
    /// How long a request waits for the session's lock.
    pub(super) lock_timeout: Duration,
    /// Whether the log has said that the server keeps no session as large as one was.
    pub(super) said_too_large: AtomicBool,
    pub(super) started: Instant,
}

impl Shared {
    /// Reads the service's address and login.
    pub(crate) fn new(
        settings: Settings,
        read: Read<Access<MemcachedEndpoint>>,
    ) -> anyhow::Result<Self> {
        let stats = Arc::new(Stats::begin(settings.most_connections));
        let limits = Limits {
            connect_timeout: settings.connect_timeout,
            read_timeout: settings.read_timeout,
            most_connections: settings.most_connections,
        };
        let prefix = settings.prefix.into_bytes();
        let service = Service::new(Credentials::new(read)?, limits, stats.clone(), prefix.len());
        Ok(Self {
            sessions: Sessions { service, prefix: prefix.len() },
            turns: Turns::default(),
            stats,
            secrets: Secrets::new(settings.container)?,
            prefix,
            memory: Budget::default(),
            locking: settings.locking,
            lock_timeout: settings.lock_timeout,
            said_too_large: AtomicBool::default(),
            started: Instant::now(),
        })
    }
}
