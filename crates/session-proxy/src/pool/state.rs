//! Which connections there are, and who may open another one.

use super::Server;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// After a failover that the old server did not notice, the name may lead elsewhere.
pub(super) const GREATEST_AGE: Duration = Duration::from_mins(5);

/// How long no new connection is tried after the service has refused one, if there are others.
const REFUSAL: Duration = Duration::from_secs(1);

pub(super) struct PoolState<C> {
    pub(super) idle: Vec<Pooled<C>>,
    pub(super) open: HashMap<Server, OpenConnections>,
    /// Requests that wait for a connection.
    pub(super) waiting: usize,
    /// What last refused a new connection, and when. Open ones may go on, after a change of the password, say.
    pub(super) refused: Option<(Server, Instant)>,
}

/// A connection, and to whom.
pub(crate) struct Pooled<C> {
    pub(crate) connection: C,
    pub(crate) server: Server,
    pub(super) born: Instant,
}

/// The connections to one server.
#[derive(Default)]
pub(super) struct OpenConnections {
    /// Idle, borrowed, or connecting.
    pub(super) count: usize,
    pub(super) connecting: usize,
}

impl<C> Default for PoolState<C> {
    fn default() -> Self {
        Self { idle: Vec::new(), open: HashMap::new(), waiting: 0, refused: None }
    }
}

impl<C> PoolState<C> {
    /// Whether to wait for an open connection, because the service has just refused a new one.
    pub(super) fn must_share(&self, server: &Server) -> bool {
        let refused = self.refused.as_ref();
        let refused = refused.is_some_and(|(by, when)| by == server && when.elapsed() < REFUSAL);
        refused && self.has_connections(server)
    }

    pub(super) fn has_connections(&self, server: &Server) -> bool {
        self.open.get(server).is_some_and(|open| open.count > open.connecting)
    }

    pub(super) fn count(&self) -> usize {
        self.open.values().map(|open| open.count).sum()
    }

    pub(super) fn open(&mut self, server: &Server) -> &mut OpenConnections {
        self.open.entry(server.clone()).or_default()
    }

    /// One less.
    pub(super) fn leave(&mut self, server: &Server) {
        if let Some(open) = self.open.get_mut(server) {
            open.count -= 1;
            if open.count == 0 {
                self.open.remove(server);
            }
        }
    }

    /// An idle connection to this server.
    pub(super) fn take(&mut self, server: &Server) -> Option<Pooled<C>> {
        while let Some(at) = self.idle.iter().rposition(|pooled| pooled.server == *server) {
            let pooled = self.idle.remove(at);
            if pooled.born.elapsed() < GREATEST_AGE {
                return Some(pooled);
            }
            self.leave(server);
        }
        None
    }

    fn count_of(&self, server: &Server) -> usize {
        self.open.get(server).map_or(0, |open| open.count)
    }

    /// Whether there may be another connection to this server, for which an idle one to another server may have to go: to the
    /// one with most, if that still has more then. To wait for one's own connection takes less time than to open another one.
    pub(super) fn has_room(&mut self, server: &Server, most: usize) -> bool {
        let open = self.count_of(server);
        // A node that hangs must leave some to the others.
        let share = if *server == Server::Bound { most } else { most.div_ceil(2) };
        if open >= share {
            return false;
        }
        if self.count() < most {
            return true;
        }
        let counts = self.idle.iter().map(|pooled| self.count_of(&pooled.server)).enumerate();
        let Some((at, count)) = counts.max_by_key(|(_, count)| *count) else { return false };
        if open > 0 && open + 1 >= count {
            return false;
        }
        let other = self.idle.remove(at).server;
        self.leave(&other);
        true
    }
}
