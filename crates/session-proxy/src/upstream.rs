//! The service that commands go to: where a key is, and what can be sent together.

use super::cluster::Cluster;
use super::key_space::KeySpace;
use super::log::log;
use super::pool::{Pool, Server};
use super::shared::Shared;
use super::silence::Waiting;
use super::slots::Redirect;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use store_client::{Client, Connection, Deadline, ErrorReply, RedisEndpoint, RedisError, Target};

/// Everything that a connection depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access<E = RedisEndpoint> {
    pub endpoint: E,
    /// Whether to verify the server's certificate.
    pub verify_peer: bool,
}

/// A service to connect to. Each change of the credentials creates a new one.
pub(super) struct Upstream {
    endpoint: RedisEndpoint,
    pub(super) client: Client,
    pub(super) pool: Pool<Connection>,
    /// What a script can do there, as soon as that is known.
    key_space: Mutex<Option<KeySpace>>,
    pub(super) cluster: Cluster,
}

impl Upstream {
    pub(super) fn new(access: &Access, shared: &Shared) -> anyhow::Result<Self> {
        let endpoint = access.endpoint.clone();
        let client = Client::new(&endpoint, access.verify_peer)?;
        let pool = Pool::new(shared.settings.most_connections, shared.stats.opened.clone());
        if let Some(login) = endpoint.issued() {
            login.tokens.start(|text| log(format_args!("{text}")));
        }
        let seeds = match &endpoint.target {
            Target::Tcp { address, .. } => vec![address.clone()],
            Target::Cluster { nodes, .. } => nodes.clone(),
            Target::Sentinel { .. } | Target::Unix(_) => Vec::new(),
        };
        let key_space = Mutex::new(endpoint.is_cluster().then_some(KeySpace::Slots));
        Ok(Self { endpoint, client, pool, key_space, cluster: Cluster::new(seeds) })
    }

    pub(super) fn is_cluster(&self) -> bool {
        *self.key_space() == Some(KeySpace::Slots)
    }

    /// The service has told or shown it.
    pub(super) fn set_key_space(&self, told: KeySpace) {
        let mut known = self.key_space();
        if [Some(told), Some(KeySpace::Slots)].contains(&*known) {
            return;
        }
        *known = Some(told);
        match told {
            KeySpace::Whole => {}
            KeySpace::Divided => log(format_args!(
                "the service divides its keys among machines, so that a page takes four round trips instead of two: {self}"
            )),
            KeySpace::Slots => log(format_args!("the service turns out to be a cluster: {self}")),
        }
    }

    pub(super) fn key_space(&self) -> MutexGuard<'_, Option<KeySpace>> {
        self.key_space.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server that has a key; `None` if the cluster has nobody for its slot, as far as is known.
    pub(super) fn server_of(&self, key: &[u8]) -> Option<Server> {
        if self.is_cluster() {
            self.cluster.owner(key).map(Server::node)
        } else {
            Some(Server::Bound)
        }
    }

    /// Tells that a request waits for a server.
    pub(super) fn wait_for(&self, server: &Server) -> Option<Waiting<'_>> {
        match server {
            Server::Bound => None,
            Server::Node(node) => Some(self.cluster.silences.wait_for(node)),
        }
    }

    pub(super) fn connect(
        &self,
        server: &Server,
        deadline: Deadline,
    ) -> Result<Connection, RedisError> {
        match server {
            Server::Bound => self.client.connect(deadline),
            Server::Node(address) => self.client.connect_at(address, deadline),
        }
    }

    /// Where an error of a server says that the key is, which makes the service a cluster.
    pub(super) fn redirect(&self, error: &ErrorReply, server: &Server) -> Option<Redirect> {
        let asked = match server {
            Server::Bound => self.endpoint.first_address()?,
            Server::Node(address) => address,
        };
        let redirect = Redirect::told_by(error, asked)?;
        self.set_key_space(KeySpace::Slots);
        if !redirect.is_ask {
            self.cluster.doubt_by(redirect.to.clone());
        }
        Some(redirect)
    }

    /// What kind of service it is, as far as is known.
    pub(super) fn topology(&self) -> String {
        let primaries = self.cluster.map().map(|map| map.primaries());
        match (*self.key_space(), primaries) {
            (Some(KeySpace::Slots), None) => "cluster".to_owned(),
            (Some(KeySpace::Slots), Some(1)) => "cluster of 1 primary".to_owned(),
            (Some(KeySpace::Slots), Some(count)) => format!("cluster of {count} primaries"),
            (Some(KeySpace::Divided), _) => "one address of many machines".to_owned(),
            _ if self.endpoint.is_sentinel() => "Sentinel".to_owned(),
            (Some(KeySpace::Whole) | None, _) => "single server".to_owned(),
        }
    }
}

/// The service without its password.
impl fmt::Display for Upstream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(formatter)
    }
}
