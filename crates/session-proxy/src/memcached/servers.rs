//! The servers that sessions are spread over, as the binding says now.

use super::connection::Fault;
use super::op::{Op, Reply};
use super::ring::Ring;
use super::server::{Failure, Limits, Server};
use crate::credentials::{Bound, Credentials};
use crate::stats::Stats;
use crate::upstream::Access;
use std::fmt;
use std::sync::Arc;
use store_client::{Deadline, Dialer, MemcachedEndpoint};

/// The servers of a binding.
pub(super) struct Servers {
    access: Access<MemcachedEndpoint>,
    ring: Ring,
    /// Never empty.
    all: Vec<Server>,
}

impl Bound for Servers {
    type Access = Access<MemcachedEndpoint>;

    fn new(access: Self::Access) -> anyhow::Result<Self> {
        let MemcachedEndpoint { servers, login, tls } = &access.endpoint;
        let all = servers.iter().map(|address| {
            let dialer = Dialer::new(address.clone(), tls.as_ref(), access.verify_peer)?;
            Ok(Server::new(address.to_string(), dialer, login.clone()))
        });
        let all = all.collect::<anyhow::Result<_>>()?;
        Ok(Self { ring: Ring::new(servers), all, access })
    }

    fn access(&self) -> &Self::Access {
        &self.access
    }
}

/// Without the password.
impl fmt::Display for Servers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.access.endpoint.fmt(formatter)
    }
}

/// Sends operations to the server of their key.
pub(super) struct Service {
    credentials: Credentials<Servers>,
    limits: Limits,
    stats: Arc<Stats>,
    /// The length of the prefix of all keys, which does not matter to where they are.
    prefix: usize,
}

impl Service {
    pub(super) fn new(
        credentials: Credentials<Servers>,
        limits: Limits,
        stats: Arc<Stats>,
        prefix: usize,
    ) -> Self {
        Self { credentials, limits, stats, prefix }
    }

    /// The service without its password.
    pub(super) fn name(&self) -> String {
        self.credentials.current().to_string()
    }

    /// The number of servers.
    pub(super) fn count(&self) -> usize {
        self.credentials.current().all.len()
    }

    /// The number of connections, and of idle ones.
    pub(super) fn counts(&self) -> (usize, usize) {
        let servers = self.credentials.current();
        let counts = servers.all.iter().map(Server::counts);
        counts.fold((0, 0), |sum, (all, idle)| (sum.0 + all, sum.1 + idle))
    }

    /// Whether operations on both keys may go out together.
    pub(super) fn are_together(&self, one: &[u8], other: &[u8]) -> bool {
        let servers = self.credentials.current();
        let (one, other) = (self.number_of(&servers, one), self.number_of(&servers, other));
        one == other && servers.all[one].keeps_order()
    }

    /// Whether both keys are on the same server.
    pub(super) fn have_same_server(&self, one: &[u8], other: &[u8]) -> bool {
        let servers = self.credentials.current();
        self.number_of(&servers, one) == self.number_of(&servers, other)
    }

    /// Sends the operations together to the server of `key` and returns their replies, in one round trip.
    pub(super) fn send(
        &self,
        key: &[u8],
        ops: &[Op<'_>],
        deadline: Deadline,
    ) -> Result<Vec<Reply>, Failure> {
        let servers = self.credentials.current();
        let send_to = |servers: &Servers| {
            let server = &servers.all[self.number_of(servers, key)];
            server.send(ops, self.limits, deadline, &self.stats)
        };
        let sent = send_to(&servers);
        if sent.as_ref().is_err_and(|failure| failure.fault.is_refusal()) {
            // Only other credentials help.
            let now = self.credentials.read_again();
            if !Arc::ptr_eq(&now, &servers) {
                return send_to(&now);
            }
        }
        sent
    }

    /// Whether each server answers a question for this key.
    pub(super) fn reach(&self, key: &[u8], deadline: Deadline) -> Result<(), Failure> {
        for server in &self.credentials.current().all {
            server.send(&[Op::Get(key)], self.limits, deadline, &self.stats)?;
        }
        Ok(())
    }

    /// What the server of `key` refuses, as a failure.
    pub(super) fn refused(&self, key: &[u8], text: String) -> Failure {
        let servers = self.credentials.current();
        servers.all[self.number_of(&servers, key)].failure(Fault::Said(text))
    }

    fn number_of(&self, servers: &Servers, key: &[u8]) -> usize {
        servers.ring.server_of(key.get(self.prefix..).unwrap_or(key))
    }
}
