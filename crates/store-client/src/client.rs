//! Opens connections to an endpoint and logs in.

mod primary;

use super::address::{Address, Host};
use super::connection::Connection;
use super::deadline::Deadline;
use super::dialer::open;
use super::distrust::Distrust;
use super::endpoint::{RedisEndpoint, Target};
use super::error::{Problem, RedisError};
use super::login::Login;
use super::sentinels::Sentinels;
use super::stream::Stream;
use super::tls::client_config;
use rustls::ClientConfig;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Opens any number of connections to one endpoint.
#[derive(Debug, Clone)]
pub struct Client {
    servers: Servers,
    tls: Option<Arc<ClientConfig>>,
    login: Option<Login>,
    database: Option<u32>,
    connect_timeout: Option<Duration>,
}

#[derive(Debug, Clone)]
enum Servers {
    Tcp(Vec<Address>),
    Unix(PathBuf),
    /// The primary that they know.
    Of(Arc<Sentinels>),
}

impl Client {
    /// Reads the endpoint's certificates. `verify_peer` tells whether to verify the server's.
    ///
    /// # Errors
    /// Fails if a certificate or key cannot be used.
    pub fn new(endpoint: &RedisEndpoint, verify_peer: bool) -> Result<Self, RedisError> {
        let servers = match &endpoint.target {
            Target::Tcp { address, .. } => Servers::Tcp(vec![address.clone()]),
            Target::Cluster { nodes, .. } => Servers::Tcp(nodes.clone()),
            Target::Unix(path) => Servers::Unix(path.clone()),
            Target::Sentinel { sentinel, .. } => {
                Servers::Of(Arc::new(Sentinels::new(sentinel, endpoint, verify_peer)?))
            }
        };
        let tls = client_config(endpoint.tls(), verify_peer)
            .map_err(|problem| RedisError { server: endpoint.to_string(), problem })?;
        let (login, database) = (endpoint.auth.clone(), endpoint.database);
        Ok(Self { servers, tls, login, database, connect_timeout: None })
    }

    /// The same, with a limit on name resolution and connecting.
    #[must_use]
    pub fn with_connect_timeout(self, timeout: Duration) -> Self {
        Self { connect_timeout: Some(timeout), ..self }
    }

    /// Connects, negotiates TLS, logs in and selects the database. Resolves the name each time. In a cluster, uses
    /// the first node that answers; with Sentinels, the primary.
    ///
    /// # Errors
    /// Fails with the problem of the last server tried in time.
    pub fn connect(&self, deadline: Deadline) -> Result<Connection, RedisError> {
        let nodes = match &self.servers {
            Servers::Tcp(nodes) => nodes,
            Servers::Unix(path) => return self.connect_over(path, deadline),
            Servers::Of(sentinels) => return self.connect_to_primary(sentinels, deadline),
        };
        let mut last = None;
        for node in nodes {
            match self.connect_to(node, &node.host, deadline) {
                Ok(connection) => return Ok(connection),
                // With no time left, it says less than the one before it.
                Err(_) if deadline.is_over() && last.is_some() => {}
                Err(problem) => last = Some(RedisError { server: self.shown(node), problem }),
            }
        }
        // An endpoint has at least one server.
        Err(last.unwrap_or_else(|| RedisError {
            server: String::new(),
            problem: Problem::Connect(ErrorKind::NotFound.into()),
        }))
    }

    fn connect_over(&self, path: &Path, deadline: Deadline) -> Result<Connection, RedisError> {
        let socket = UnixStream::connect(path).map_err(Problem::connecting);
        let connected = socket.and_then(|it| self.greet(Stream::new(it, deadline), deadline));
        connected
            .map_err(|problem| RedisError { server: format!("unix://{}", path.display()), problem })
    }

    /// Connects to a server that the endpoint's servers have named, as [`connect`](Self::connect) does to these. If it is only
    /// an IP address, the certificate may be for one of their names.
    ///
    /// # Errors
    /// Fails with the server's problem.
    pub fn connect_at(
        &self,
        address: &Address,
        deadline: Deadline,
    ) -> Result<Connection, RedisError> {
        let mut names = Vec::new();
        if let (Servers::Tcp(nodes), Some(_), Host::Ip(_)) =
            (&self.servers, &self.tls, &address.host)
        {
            names.extend(nodes.iter().map(|it| &it.host).filter(|it| matches!(it, Host::Name(_))));
        }
        names.push(&address.host);
        self.connect_as(address, names, deadline)
            .map_err(|problem| RedisError { server: self.shown(address), problem })
    }

    /// With the first of these names that the certificate is for.
    fn connect_as(
        &self,
        address: &Address,
        names: Vec<&Host>,
        deadline: Deadline,
    ) -> Result<Connection, Problem> {
        let mut names = names.into_iter().peekable();
        loop {
            let name = names.next().unwrap_or(&address.host);
            match self.connect_to(address, name, deadline) {
                Err(Problem::NotTrusted(Distrust::OtherName { .. })) if names.peek().is_some() => {}
                result => return result,
            }
        }
    }

    /// `name` is what the certificate has.
    fn connect_to(
        &self,
        address: &Address,
        name: &Host,
        deadline: Deadline,
    ) -> Result<Connection, Problem> {
        let by = self.connect_timeout.map_or(deadline, |wait| deadline.or_after(wait));
        self.greet(open(address, name, self.tls.as_ref(), by, deadline)?, deadline)
    }

    fn greet(&self, stream: Stream, deadline: Deadline) -> Result<Connection, Problem> {
        Connection::greet(stream, self.login.as_ref(), self.database, deadline)
    }

    fn shown(&self, address: &Address) -> String {
        format!("{}://{address}", if self.tls.is_some() { "tls" } else { "tcp" })
    }
}
