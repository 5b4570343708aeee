//! A few connections for many PHP processes: each round trip borrows one. A cluster's nodes share their number.

mod state;

use super::credentials::Credentials;
use super::upstream::{Server, Upstream};
use prometheus_client::metrics::counter::Counter;
use state::{PoolState, Pooled};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store_client::{Address, Connection, Deadline, RedisError};

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

/// A connection for one round trip. Dropping it closes it, unless it is given back.
pub(super) struct Lease<'a> {
    pooled: Pooled,
    slot: Slot<'a>,
}

/// One of the allowed connections. Dropping it makes room for another.
struct Slot<'a> {
    pool: &'a Pool,
    server: Server,
}

/// There is no connection for a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoConnection {
    #[error(transparent)]
    Failed(#[from] RedisError),
    #[error("all {0} connections to the service are in use")]
    AllInUse(usize),
    #[error("no node of the cluster serves the slot of the session")]
    NobodyServes,
    #[error("the node {0} kept us waiting, and no longer serves the slot of the session")]
    Replaced(Arc<Address>),
}

/// It failed, and with which server.
pub(super) type With<E> = (Option<Server>, E);

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

    /// Borrows a connection to a server; `choose` says which, again after each wait. If it has just refused a new one, waits
    /// for an open one.
    pub(super) fn borrow(
        &self,
        upstream: &Arc<Upstream>,
        choose: impl Fn() -> Option<Server>,
        deadline: Deadline,
    ) -> Result<Lease<'_>, With<NoConnection>> {
        let mut state = self.state();
        let server = loop {
            let server = choose().ok_or((None, NoConnection::NobodyServes))?;
            if let Some(pooled) = state.take(upstream, &server) {
                return Ok(Lease { pooled, slot: Slot { pool: self, server } });
            }
            if !state.must_share(upstream, &server) && state.has_room(&server, self.most) {
                break server;
            }
            let Ok(left) = deadline.remaining() else {
                return Err((Some(server), NoConnection::AllInUse(state.count())));
            };
            state.waiting += 1;
            let waited = self.returned.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        };
        let open = state.open(&server);
        open.count += 1;
        open.connecting += 1;
        drop(state);
        let slot = Slot { pool: self, server: server.clone() };
        match self.connect(upstream, &server, deadline) {
            Ok(connection) => {
                let (upstream, born) = (upstream.clone(), Instant::now());
                Ok(Lease { pooled: Pooled { connection, upstream, server, born }, slot })
            }
            Err(error) => Err((Some(server), error.into())),
        }
    }

    fn connect(
        &self,
        upstream: &Arc<Upstream>,
        server: &Server,
        deadline: Deadline,
    ) -> Result<Connection, RedisError> {
        let connected = upstream.connect(server, deadline.or_after(self.connect_timeout));
        let mut state = self.state();
        state.open(server).connecting -= 1;
        match &connected {
            Ok(_) => {
                self.opened.inc();
                state.refused = None;
            }
            Err(error) if error.problem.is_refusal() => {
                state.refused = Some((Arc::clone(upstream), server.clone(), Instant::now()));
            }
            Err(_) => {}
        }
        connected
    }

    /// Closes the idle connections to a server that is gone or no longer the primary.
    pub(super) fn close_idle(&self, server: &Server) {
        let mut state = self.state();
        while let Some(at) = state.idle.iter().position(|pooled| pooled.server == *server) {
            state.idle.remove(at);
            state.leave(server);
        }
        self.returned.notify_all();
    }

    /// Whether there are connections to a server, idle or borrowed.
    pub(super) fn has_connections(&self, server: &Server) -> bool {
        self.state().has_connections(server)
    }

    /// The number of connections, and of idle ones.
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.count(), state.idle.len())
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease<'_> {
    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.pooled.connection
    }

    pub(super) fn server(&self) -> &Server {
        &self.pooled.server
    }

    /// Returns it for the next request.
    pub(super) fn give_back(self) {
        let Self { pooled, slot } = self;
        let mut state = slot.pool.state();
        // Its slot is still taken, until the end of this function.
        state.open(&slot.server).count += 1;
        state.idle.push(pooled);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        state.leave(&self.server);
        // To wake nobody is a system call, too.
        if state.waiting > 0 {
            match self.server {
                Server::Bound => self.pool.returned.notify_one(),
                // One that waits for another node may have no use for it.
                Server::Node(_) => self.pool.returned.notify_all(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::upstream::Access;
    use super::state::GREATEST_AGE;
    use super::*;
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;
    use store_client::{RedisEndpoint, Target};

    fn pool(access: Access, most: usize) -> (Pool, Counter) {
        let credentials = Credentials::new(Box::new(move || Ok(access.clone()))).unwrap();
        let opened = Counter::default();
        (Pool::new(credentials, most, Duration::from_secs(1), opened.clone()), opened)
    }

    fn borrow<'a>(pool: &'a Pool, server: &Server) -> Result<Lease<'a>, With<NoConnection>> {
        let soon = Deadline::after(Duration::from_millis(200));
        pool.borrow(&pool.credentials().current(), || Some(server.clone()), soon)
    }

    #[test]
    fn a_node_leaves_connections_to_the_others_and_takes_their_idle_ones() {
        let listeners = [0; 3].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let nodes = listeners
            .each_ref()
            .map(|it| Address::parse(&it.local_addr().unwrap().to_string(), 6379).unwrap());
        let target = Target::Cluster { nodes: nodes.to_vec(), tls: None };
        let endpoint = RedisEndpoint { target, auth: None, database: None };
        let (pool, opened) = pool(Access { endpoint, verify_peer: true }, 4);
        let [a, b, c] = nodes.map(Server::node);
        let hung = [borrow(&pool, &a).unwrap(), borrow(&pool, &a).unwrap()];
        assert!(matches!(borrow(&pool, &a), Err((Some(_), NoConnection::AllInUse(2)))));
        let others = [borrow(&pool, &b).unwrap(), borrow(&pool, &b).unwrap()];
        assert!(matches!(borrow(&pool, &c), Err((Some(_), NoConnection::AllInUse(4)))));
        others.into_iter().for_each(Lease::give_back);
        let only = borrow(&pool, &c).unwrap();
        // One's own comes back sooner than another one is there.
        assert!(matches!(borrow(&pool, &c), Err((Some(_), NoConnection::AllInUse(4)))));
        only.give_back();
        assert_eq!((pool.counts(), opened.get()), ((4, 2), 5));
        drop(hung);
        pool.close_idle(&b);
        assert_eq!((pool.counts(), pool.has_connections(&b)), ((1, 1), false));
    }

    #[test]
    fn a_connection_is_used_again_until_it_is_too_old() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("redis.sock");
        let server = UnixListener::bind(&socket).unwrap();
        let endpoint = RedisEndpoint { target: Target::Unix(socket), auth: None, database: None };
        let access = Access { endpoint, verify_peer: true };
        let (pool, opened) = pool(access, 1);
        let counts = || (pool.counts(), opened.get());
        let borrow = || borrow(&pool, &Server::Bound);
        borrow().unwrap().give_back();
        borrow().unwrap().give_back();
        assert_eq!(counts(), ((1, 1), 1));
        pool.state().idle[0].born -= GREATEST_AGE;
        borrow().unwrap().give_back();
        assert_eq!(counts(), ((1, 1), 2));
        // One that is not given back makes room for another one.
        drop(borrow().unwrap());
        assert_eq!(counts(), ((0, 0), 2));
        // A failed connection neither counts as opened nor keeps its slot.
        drop(server);
        assert!(borrow().is_err());
        assert_eq!(counts(), ((0, 0), 2));
    }
}
