//! The servers that sessions are spread over, as the binding says now. A broken connection and a server that restarts cause a
//! bounded wait rather than an error. Every operation may be sent twice.

use super::connection::{MemcachedConnection, MemcachedFault, Nature};
use super::op::{Op, Reply};
use super::ring::Ring;
use crate::log::log;
use crate::pool::{NoConnection, Pool, Server};
use crate::retry::{LONGEST_PAUSE, SHORTEST_PAUSE};
use crate::shared::Shared;
use crate::troubles::Troubles;
use crate::upstream::Access;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};
use store_client::{Deadline, Dialer, MemcachedEndpoint, Problem};

/// How long a request waits for a server that does not reply, or restarts: PHP waits for 5 seconds.
const BOUND: Duration = Duration::from_secs(4);
/// How long it waits, once, if the server has failed for longer than that.
const BOUND_OF_OUTAGE: Duration = Duration::from_secs(1);
/// How long the others then fail at once, if that one waited in vain.
const SILENCE: Duration = Duration::from_secs(3);

pub(super) struct MemcachedServers {
    endpoint: MemcachedEndpoint,
    ring: Ring,
    /// Never empty.
    all: Vec<Destination>,
    pub(super) pool: Pool<MemcachedConnection>,
    troubles: Troubles,
    /// When somebody last waited for them in vain.
    silences: Troubles,
    shared: Arc<Shared>,
}

/// One of them.
struct Destination {
    name: String,
    server: Server,
    dialer: Dialer,
    nature: OnceLock<Nature>,
}

/// The server did not do it.
#[derive(Debug, thiserror::Error)]
#[error("{server}: {fault}")]
pub(super) struct Failure {
    server: String,
    pub(super) fault: MemcachedFault,
}

pub(super) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Destination {
    fn failure(&self, fault: MemcachedFault) -> Failure {
        Failure { server: self.name.clone(), fault }
    }
}

impl MemcachedServers {
    pub(super) fn new(
        access: &Access<MemcachedEndpoint>,
        shared: Arc<Shared>,
    ) -> anyhow::Result<Self> {
        let endpoint = access.endpoint.clone();
        let addresses = &endpoint.servers;
        let all = addresses.iter().cloned().map(|address| {
            let name = address.to_string();
            let dialer = Dialer::new(address.clone(), endpoint.tls.as_ref(), access.verify_peer)?;
            let is_only = addresses.len() == 1;
            let server = if is_only { Server::Bound } else { Server::node(address) };
            Ok(Destination { name, server, dialer, nature: OnceLock::new() })
        });
        let all = all.collect::<anyhow::Result<_>>()?;
        let (ring, (troubles, silences)) = (Ring::new(addresses), Default::default());
        let pool = Pool::new(shared.settings.most_connections, shared.stats.opened.clone());
        Ok(Self { endpoint, ring, all, pool, troubles, silences, shared })
    }

    /// The number of servers.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// Whether operations on both keys may go out together.
    pub(super) fn are_together(&self, one: &[u8], other: &[u8]) -> bool {
        let nature = self.all[self.number_of(one)].nature.get();
        self.have_same_server(one, other) && nature.is_some_and(|nature| nature.keeps_order)
    }

    /// Whether both keys are on the same server.
    pub(super) fn have_same_server(&self, one: &[u8], other: &[u8]) -> bool {
        self.number_of(one) == self.number_of(other)
    }

    /// Sends the operations together to the server of `key` and returns their replies, in one round trip.
    pub(super) fn send(
        &self,
        key: &[u8],
        ops: &[Op<'_>],
        deadline: Deadline,
    ) -> Result<Vec<Reply>> {
        self.send_to(&self.all[self.number_of(key)], ops, deadline)
    }

    /// Whether each server answers a question for this key.
    pub(super) fn reach(&self, key: &[u8], deadline: Deadline) -> Result<()> {
        self.all.iter().try_for_each(|to| self.send_to(to, &[Op::Get(key)], deadline).map(drop))
    }

    /// What the server of `key` refuses, as a failure.
    pub(super) fn refused(&self, key: &[u8], text: String) -> Failure {
        self.all[self.number_of(key)].failure(MemcachedFault::Said(text))
    }

    /// The prefix of all keys does not matter to where they are.
    fn number_of(&self, key: &[u8]) -> usize {
        self.ring.server_of(key.strip_prefix(self.shared.prefix()).unwrap_or(key))
    }

    fn send_to(&self, to: &Destination, ops: &[Op<'_>], deadline: Deadline) -> Result<Vec<Reply>> {
        let (stats, server) = (&self.shared.stats, &to.server);
        let begun = Instant::now();
        if self.silences.last(|| server.clone()).is_some_and(|silence| silence < SILENCE) {
            return Err(to.failure(MemcachedFault::Silent));
        }
        let outage = self.troubles.last(|| server.clone()).is_some_and(|long| long >= BOUND);
        let deadline = deadline.or_after(if outage { BOUND_OF_OUTAGE } else { BOUND });
        let (mut pause, mut cause) = (SHORTEST_PAUSE, None);
        loop {
            let started = Instant::now();
            let fault = match self.attempt(to, ops, deadline) {
                Ok(replies) => {
                    stats.round_trips.observe(started.elapsed());
                    self.silences.end([server]);
                    if self.troubles.end([server]) {
                        log(format_args!("the service is responding again: {}", to.name));
                    }
                    return Ok(replies);
                }
                Err(fault) => fault,
            };
            stats.retries.inc();
            log(format_args!("{}: {fault}", to.name));
            let is_late = matches!(fault, MemcachedFault::Connection(Problem::Timeout(_)));
            let refuses = fault.is_refusal();
            if refuses && self.pool.has_connections(server) && !deadline.is_over() {
                // The open ones are no worse for it, and the next try waits for one of them.
                continue;
            }
            // They lead to a server that is gone.
            self.pool.close_idle(server);
            self.troubles.begin(server, begun);
            if outage && is_late {
                self.silences.end([server]);
                self.silences.begin(server, Instant::now());
            }
            if outage || refuses || deadline.is_over() {
                stats.failures.inc();
                // With no time left, the last one says less than the one before it.
                let fault = if is_late { cause.unwrap_or(fault) } else { fault };
                return Err(to.failure(fault));
            }
            cause = (!is_late).then_some(fault).or(cause);
            sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn attempt(
        &self,
        to: &Destination,
        ops: &[Op<'_>],
        deadline: Deadline,
    ) -> Result<Vec<Reply>, MemcachedFault> {
        let settings = &self.shared.settings;
        let choose = || Ok(to.server.clone());
        let open = |_: &Server| {
            let (login, wait) = (self.endpoint.login.as_ref(), settings.connect_timeout);
            let deadline = deadline.or_after(settings.read_timeout);
            MemcachedConnection::open(&to.dialer, login, &to.nature, deadline, wait)
        };
        let lease = self.pool.borrow(choose, open, deadline);
        let mut lease = lease.map_err(|(_, fault): (Server, MemcachedFault)| fault)?;
        let sent = lease.pooled.connection.send(ops, deadline.or_after(settings.read_timeout));
        match &sent {
            // After some refusals, nobody knows where the next reply begins.
            Ok(replies) if replies.iter().any(|reply| matches!(reply, Reply::Refused(_))) => {}
            Ok(_) => lease.give_back(),
            Err(_) => drop(self.shared.stats.reconnections.inc()),
        }
        sent
    }
}

/// Without the password.
impl fmt::Display for MemcachedServers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(formatter)
    }
}
