//! How long a connection of PHP waits for servers that do not reply.

use super::op::{Op, Reply};
use super::servers::Result;
use super::service::Sessions;
use crate::pool::NoConnection;
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store_client::Deadline;

/// How long an answer may take. libmemcached waits for 5 seconds.
const PATIENCE: Duration = Duration::from_millis(4500);
/// How long it may take at least, however long the answers before it took.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);

/// The sessions of a connection, asked until a deadline.
pub(super) struct InTime<'a> {
    pub(super) all: &'a Sessions,
    pub(super) deadline: Deadline,
    /// How long it has waited in vain since a server replied: a page must not wait as long for each silent server.
    waited: Cell<Duration>,
}

impl<'a> InTime<'a> {
    pub(super) fn new(all: &'a Sessions) -> Self {
        Self { all, deadline: Deadline::after(PATIENCE), waited: Cell::default() }
    }

    /// Begins an answer, which may take this long at most.
    pub(super) fn begin(&mut self, most: Duration) {
        let left = PATIENCE.saturating_sub(self.waited.get()).max(LEAST_PATIENCE);
        self.deadline = Deadline::after(left.min(most));
    }

    /// Sends operations together to the server of `key`.
    pub(super) fn send(&self, key: &[u8], ops: &[Op<'_>]) -> Result<Vec<Reply>> {
        let begun = Instant::now();
        let sent = self.send_in_time(key, ops);
        let waited =
            sent.as_ref().map_or_else(|_| self.waited.get() + begun.elapsed(), |_| Duration::ZERO);
        self.waited.set(waited);
        sent
    }

    fn send_in_time(&self, key: &[u8], ops: &[Op<'_>]) -> Result<Vec<Reply>> {
        let servers = self.all.servers();
        let sent = servers.send(key, ops, self.deadline);
        if sent.as_ref().is_err_and(|failure| failure.fault.is_refusal()) {
            // Only other credentials help.
            let now = self.all.credentials.read_again();
            if !Arc::ptr_eq(&now, &servers) {
                return now.send(key, ops, self.deadline);
            }
        }
        sent
    }
}
