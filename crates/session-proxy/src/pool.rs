//! A few connections for many PHP processes: each round trip borrows one. The servers of a service share their number.

mod state;

use prometheus_client::metrics::counter::Counter;
use state::{PoolState, Pooled};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use store_client::{Address, Deadline};

/// A server of the service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Server {
    /// The one that is bound.
    Bound,
    /// One of several.
    Node(Arc<Address>),
}

impl Server {
    pub(super) fn node(address: Address) -> Self {
        Self::Node(Arc::new(address))
    }
}

/// The connections to the service, with the login that it has now.
pub(super) struct Pool<C> {
    most: usize,
    /// Connections opened so far.
    opened: Counter,
    state: Mutex<PoolState<C>>,
    returned: Condvar,
}

/// A connection for one round trip. Dropping it closes it, unless it is given back.
pub(super) struct Lease<'a, C> {
    pub(super) pooled: Pooled<C>,
    slot: Slot<'a, C>,
}

/// One of the allowed connections. Dropping it makes room for another.
struct Slot<'a, C> {
    pool: &'a Pool<C>,
    server: Server,
}

/// Why there is no connection for a request.
pub(super) trait NoConnection {
    /// All of them, so many, are in use.
    fn all_in_use(count: usize) -> Self;

    /// Whether a new connection was refused, which says nothing about the open ones.
    fn is_refusal(&self) -> bool;
}

impl<C> Pool<C> {
    pub(super) fn new(most: usize, opened: Counter) -> Self {
        Self { most, opened, state: Mutex::default(), returned: Condvar::new() }
    }

    /// Borrows a connection to a server; `choose` says which, again after each wait. If it has just refused a new one, waits
    /// for an open one. Fails with which server it was.
    pub(super) fn borrow<E: NoConnection>(
        &self,
        choose: impl Fn() -> Result<Server, E>,
        open: impl FnOnce(&Server) -> Result<C, E>,
        deadline: Deadline,
    ) -> Result<Lease<'_, C>, (Server, E)> {
        let mut state = self.state();
        let server = loop {
            let server = choose().map_err(|error| (Server::Bound, error))?;
            if let Some(pooled) = state.take(&server) {
                return Ok(Lease { pooled, slot: Slot { pool: self, server } });
            }
            if !state.must_share(&server) && state.has_room(&server, self.most) {
                break server;
            }
            let Ok(left) = deadline.remaining() else {
                return Err((server, E::all_in_use(state.count())));
            };
            state.waiting += 1;
            let waited = self.returned.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        };
        let counts = state.open(&server);
        counts.count += 1;
        counts.connecting += 1;
        drop(state);
        let slot = Slot { pool: self, server: server.clone() };
        let opened = open(&server);
        let mut state = self.state();
        state.open(&server).connecting -= 1;
        match opened {
            Ok(connection) => {
                self.opened.inc();
                state.refused = None;
                Ok(Lease { pooled: Pooled { connection, server, born: Instant::now() }, slot })
            }
            Err(error) => {
                if error.is_refusal() {
                    state.refused = Some((server.clone(), Instant::now()));
                }
                Err((server, error))
            }
        }
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

    fn state(&self) -> MutexGuard<'_, PoolState<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Lease<'_, C> {
    /// Returns it for the next request.
    pub(super) fn give_back(self) {
        let Self { pooled, slot } = self;
        let mut state = slot.pool.state();
        // Its slot is still taken, until the end of this function.
        state.open(&slot.server).count += 1;
        state.idle.push(pooled);
    }
}

impl<C> Drop for Slot<'_, C> {
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
    use super::state::GREATEST_AGE;
    use super::*;
    use std::time::Duration;

    #[derive(Debug, PartialEq)]
    enum No {
        AllInUse(usize),
        Refused,
        Gone,
    }

    impl NoConnection for No {
        fn all_in_use(count: usize) -> Self {
            Self::AllInUse(count)
        }

        fn is_refusal(&self) -> bool {
            *self == Self::Refused
        }
    }

    fn pool(most: usize) -> (Pool<()>, Counter) {
        let opened = Counter::default();
        (Pool::new(most, opened.clone()), opened)
    }

    fn borrow_if<'a>(
        pool: &'a Pool<()>,
        server: &Server,
        opened: Result<(), No>,
    ) -> Result<Lease<'a, ()>, (Server, No)> {
        let soon = Deadline::after(Duration::from_millis(50));
        pool.borrow(|| Ok(server.clone()), |_| opened, soon)
    }

    fn borrow<'a>(pool: &'a Pool<()>, server: &Server) -> Result<Lease<'a, ()>, (Server, No)> {
        borrow_if(pool, server, Ok(()))
    }

    #[test]
    fn a_node_leaves_connections_to_the_others_and_takes_their_idle_ones() {
        let (pool, opened) = pool(4);
        let [a, b, c] = ["a", "b", "c"].map(|it| Server::node(Address::parse(it, 6379).unwrap()));
        let in_use = |server: &Server| borrow(&pool, server).err().map(|(_, error)| error);
        let hung = [borrow(&pool, &a).unwrap(), borrow(&pool, &a).unwrap()];
        assert_eq!(in_use(&a), Some(No::AllInUse(2)));
        let others = [borrow(&pool, &b).unwrap(), borrow(&pool, &b).unwrap()];
        assert_eq!(in_use(&c), Some(No::AllInUse(4)));
        others.into_iter().for_each(Lease::give_back);
        let only = borrow(&pool, &c).unwrap();
        // One's own comes back sooner than another one is there.
        assert_eq!(in_use(&c), Some(No::AllInUse(4)));
        only.give_back();
        assert_eq!((pool.counts(), opened.get()), ((4, 2), 5));
        drop(hung);
        pool.close_idle(&b);
        assert_eq!((pool.counts(), pool.has_connections(&b)), ((1, 1), false));
    }

    #[test]
    fn a_connection_is_used_again_until_it_is_too_old() {
        let (pool, opened) = pool(1);
        let counts = || (pool.counts(), opened.get());
        let borrow = || borrow(&pool, &Server::Bound).unwrap();
        borrow().give_back();
        borrow().give_back();
        assert_eq!(counts(), ((1, 1), 1));
        pool.state().idle[0].born -= GREATEST_AGE;
        borrow().give_back();
        assert_eq!(counts(), ((1, 1), 2));
        // One that is not given back makes room for another one.
        drop(borrow());
        assert_eq!(counts(), ((0, 0), 2));
        // A failed connection neither counts as opened nor keeps its slot.
        let failed = borrow_if(&pool, &Server::Bound, Err(No::Gone));
        assert_eq!(failed.err(), Some((Server::Bound, No::Gone)));
        assert_eq!(counts(), ((0, 0), 2));
    }

    #[test]
    fn who_is_refused_a_connection_waits_for_an_open_one_if_there_is_any() {
        let (pool, opened) = pool(4);
        let refused = || borrow_if(&pool, &Server::Bound, Err(No::Refused)).err();
        let [no, in_use] = [No::Refused, No::AllInUse(1)].map(|it| Some((Server::Bound, it)));
        assert_eq!(refused(), no);
        let open = borrow(&pool, &Server::Bound).unwrap();
        assert_eq!((refused(), refused()), (no, in_use));
        open.give_back();
        borrow(&pool, &Server::Bound).unwrap().give_back();
        assert_eq!(opened.get(), 1);
    }
}
