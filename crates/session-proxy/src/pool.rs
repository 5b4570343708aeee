//! A few connections for many PHP processes: each round trip borrows one.

use super::credentials::Credentials;
use super::upstream::Upstream;
use prometheus_client::metrics::counter::Counter;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store_client::{Connection, Deadline, RedisError};

/// After a failover that the old server did not notice, the name may lead elsewhere.
const GREATEST_AGE: Duration = Duration::from_mins(5);

/// How long no new connection is tried after the service has refused one, if there are others.
const REFUSAL: Duration = Duration::from_secs(1);

/// The connections to the service.
pub(super) struct Pool {
    credentials: Credentials<Upstream>,
    most: usize,
    connect_timeout: Duration,
    /// Connections opened so far.
    opened: Counter,
    state: Mutex<PoolState>,
    returned: Condvar,
}

#[derive(Default)]
struct PoolState {
    idle: Vec<Pooled>,
    /// Idle, borrowed, or connecting.
    count: usize,
    connecting: usize,
    /// Requests that wait for a connection.
    waiting: usize,
    /// What last refused a new connection, and when. Open ones may go on, after a change of the password, say.
    refused: Option<(Arc<Upstream>, Instant)>,
}

impl PoolState {
    /// Whether to wait for an open connection, because the service has just refused a new one.
    fn must_share(&self, upstream: &Arc<Upstream>) -> bool {
        let refused = self
            .refused
            .as_ref()
            .is_some_and(|(by, when)| Arc::ptr_eq(by, upstream) && when.elapsed() < REFUSAL);
        refused && self.has_connections()
    }

    fn has_connections(&self) -> bool {
        self.count > self.connecting
    }
}

struct Pooled {
    connection: Connection,
    upstream: Arc<Upstream>,
    born: Instant,
}

/// A connection for one round trip. Dropping it closes it, unless it is given back.
pub(super) struct Lease<'a> {
    pooled: Pooled,
    slot: Slot<'a>,
}

/// One of the allowed connections. Dropping it makes room for another.
struct Slot<'a>(&'a Pool);

/// There is no connection for a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoConnection {
    #[error(transparent)]
    Failed(#[from] RedisError),
    #[error("all {0} connections to the service are in use")]
    AllInUse(usize),
}

impl Pool {
    pub(super) fn new(
        credentials: Credentials<Upstream>,
        most: usize,
        connect_timeout: Duration,
        opened: Counter,
    ) -> Self {
        let (state, returned) = (Mutex::default(), Condvar::new());
        Self { credentials, most, connect_timeout, opened, state, returned }
    }

    pub(super) fn credentials(&self) -> &Credentials<Upstream> {
        &self.credentials
    }

    /// Borrows a connection to the service that is bound now. If it has just refused a new one, waits for an open one.
    pub(super) fn borrow(&self, deadline: Deadline) -> Result<Lease<'_>, NoConnection> {
        let upstream = self.credentials.current();
        let mut state = self.state();
        loop {
            while let Some(pooled) = state.idle.pop() {
                if pooled.is_good_for(&upstream) {
                    return Ok(Lease { pooled, slot: Slot(self) });
                }
                state.count -= 1;
            }
            if state.count < self.most && !state.must_share(&upstream) {
                state.count += 1;
                state.connecting += 1;
                break;
            }
            let in_use = state.count;
            let left = deadline.remaining().map_err(|_| NoConnection::AllInUse(in_use))?;
            state.waiting += 1;
            let waited = self.returned.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
        drop(state);
        let slot = Slot(self);
        let connected = upstream.client.connect(deadline.or_after(self.connect_timeout));
        let mut state = self.state();
        state.connecting -= 1;
        match &connected {
            Ok(_) => {
                self.opened.inc();
                state.refused = None;
            }
            Err(error) if error.problem.is_refusal() => {
                state.refused = Some((Arc::clone(&upstream), Instant::now()));
            }
            Err(_) => {}
        }
        drop(state);
        let connection = connected?;
        Ok(Lease { pooled: Pooled { connection, upstream, born: Instant::now() }, slot })
    }

    /// Closes idle connections: they lead to a server that is gone or no longer the primary.
    pub(super) fn close_idle(&self) {
        let mut state = self.state();
        state.count -= state.idle.len();
        state.idle.clear();
        self.returned.notify_all();
    }

    /// Whether there are connections, idle or borrowed.
    pub(super) fn has_connections(&self) -> bool {
        self.state().has_connections()
    }

    /// The number of connections, and of idle ones.
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.count, state.idle.len())
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pooled {
    fn is_good_for(&self, upstream: &Arc<Upstream>) -> bool {
        Arc::ptr_eq(&self.upstream, upstream) && self.born.elapsed() < GREATEST_AGE
    }
}

impl Lease<'_> {
    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.pooled.connection
    }

    /// Returns it for the next request.
    pub(super) fn give_back(self) {
        let Self { pooled, slot } = self;
        let mut state = slot.0.state();
        state.idle.push(pooled);
        // Its slot is still taken, until the end of this function.
        state.count += 1;
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.count -= 1;
        // To wake nobody is a system call, too.
        if state.waiting > 0 {
            self.0.returned.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::upstream::Access;
    use super::*;
    use std::os::unix::net::UnixListener;
    use store_client::{RedisEndpoint, Target};

    #[test]
    fn a_connection_is_used_again_until_it_is_too_old() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("redis.sock");
        let server = UnixListener::bind(&socket).unwrap();
        let endpoint = RedisEndpoint { target: Target::Unix(socket), auth: None, database: None };
        let access = Access { endpoint, verify_peer: true };
        let credentials = Credentials::new(Box::new(move || Ok(access.clone()))).unwrap();
        let opened = Counter::default();
        let pool = Pool::new(credentials, 1, Duration::from_secs(1), opened.clone());
        let counts = || (pool.counts(), opened.get());
        let soon = || Deadline::after(Duration::from_secs(1));
        pool.borrow(soon()).unwrap().give_back();
        pool.borrow(soon()).unwrap().give_back();
        assert_eq!(counts(), ((1, 1), 1));
        pool.state().idle[0].born -= GREATEST_AGE;
        pool.borrow(soon()).unwrap().give_back();
        assert_eq!(counts(), ((1, 1), 2));
        // One that is not given back makes room for another one.
        drop(pool.borrow(soon()).unwrap());
        assert_eq!(counts(), ((0, 0), 2));
        // A failed connection neither counts as opened nor keeps its slot.
        drop(server);
        assert!(pool.borrow(soon()).is_err());
        assert_eq!(counts(), ((0, 0), 2));
    }
}
