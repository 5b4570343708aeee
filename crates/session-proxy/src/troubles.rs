//! Servers that do not reply, and since when.

use super::pool::Server;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Shorter problems are not worth a line in the log.
const WORTH_MENTIONING: Duration = Duration::from_millis(100);

/// Since when which server has not replied.
#[derive(Default)]
pub(super) struct Troubles(Mutex<HashMap<Server, Instant>>);

impl Troubles {
    /// For how long a server has not replied; `which` is asked only if there is one.
    pub(super) fn last(&self, which: impl FnOnce() -> Server) -> Option<Duration> {
        let all = self.all();
        if all.is_empty() { None } else { all.get(&which()).map(Instant::elapsed) }
    }

    pub(super) fn begin(&self, server: &Server, since: Instant) {
        self.all().entry(server.clone()).or_insert(since);
    }

    /// These reply again; tells whether that is worth a line in the log.
    pub(super) fn end<'a>(&self, servers: impl IntoIterator<Item = &'a Server>) -> bool {
        let mut all = self.all();
        let since = servers.into_iter().filter_map(|it| all.remove(it)).min();
        since.is_some_and(|since| since.elapsed() > WORTH_MENTIONING)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Server, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
