//! Opens connections to an endpoint and logs in.

mod primary;

use super::address::{Address, Host};
use super::connection::{Connection, Stream};
use super::deadline::{Deadline, Timed};
use super::dialer::{dial, handshake};
use super::distrust::Distrust;
use super::endpoint::{RedisEndpoint, Target};
use super::error::{Problem, RedisError};
use super::greeting::Greeting;
use super::sentinels::Sentinels;
use super::tls::client_config;
use rustls::ClientConfig;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Opens any number of connections to one endpoint.
#[derive(Debug, Clone)]
pub struct Client {
    servers: Vec<Destination>,
    /// Who knows the server, in place of `servers`.
    sentinels: Option<Arc<Sentinels>>,
    tls: Option<Arc<ClientConfig>>,
    greeting: Greeting,
    connect_timeout: Option<Duration>,
}

#[derive(Debug, Clone)]
enum Destination {
    Tcp(Address),
    Unix(PathBuf),
}

impl Client {
    /// Reads the endpoint's certificates. `verify_peer` tells whether to verify the server's.
    ///
    /// # Errors
    /// Fails if a certificate or key cannot be used.
    pub fn new(endpoint: &RedisEndpoint, verify_peer: bool) -> Result<Self, RedisError> {
        let servers = match &endpoint.target {
            Target::Tcp { address, .. } => vec![Destination::Tcp(address.clone())],
            Target::Cluster { nodes, .. } => nodes.iter().cloned().map(Destination::Tcp).collect(),
            Target::Unix(path) => vec![Destination::Unix(path.clone())],
            Target::Sentinel { .. } => Vec::new(),
        };
        let sentinels = match &endpoint.target {
            Target::Sentinel { sentinel, .. } => {
                Some(Arc::new(Sentinels::new(sentinel, endpoint, verify_peer)?))
            }
            _ => None,
        };
        let tls = endpoint.tls().map(|tls| client_config(tls, verify_peer)).transpose().map_err(
            |problem| RedisError {
                server: endpoint.to_string(),
                problem: Problem::Certificates(problem),
            },
        )?;
        let greeting = Greeting { login: endpoint.auth.clone(), database: endpoint.database };
        Ok(Self { servers, sentinels, tls, greeting, connect_timeout: None })
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
        if let Some(sentinels) = &self.sentinels {
            return self.connect_to_primary(sentinels, deadline);
        }
        let mut last = None;
        for server in &self.servers {
            match self.connect_to(server, None, deadline) {
                Ok(connection) => return Ok(connection),
                // With no time left, it says less than the one before it.
                Err(_) if deadline.is_over() && last.is_some() => {}
                Err(problem) => last = Some(RedisError { server: self.shown(server), problem }),
            }
        }
        // An endpoint has at least one server.
        Err(last.unwrap_or_else(|| RedisError {
            server: String::new(),
            problem: Problem::Connect(ErrorKind::NotFound.into()),
        }))
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
        let mut names: Vec<Option<&Host>> = Vec::new();
        if self.tls.is_some() && matches!(address.host, Host::Ip(_)) {
            names.extend(self.servers.iter().filter_map(|server| match server {
                Destination::Tcp(Address { host: host @ Host::Name(_), .. }) => Some(Some(host)),
                _ => None,
            }));
        }
        names.push(None);
        let server = Destination::Tcp(address.clone());
        let connected = self.connect_as(&server, names, deadline);
        connected.map_err(|problem| RedisError { server: self.shown(&server), problem })
    }

    /// With the first of these names that the certificate is for; `None` is the address itself.
    fn connect_as<'a>(
        &self,
        server: &Destination,
        names: impl IntoIterator<Item = Option<&'a Host>>,
        deadline: Deadline,
    ) -> Result<Connection, Problem> {
        let mut names = names.into_iter();
        let mut connected = self.connect_to(server, names.next().flatten(), deadline);
        for name in names {
            if !matches!(&connected, Err(Problem::NotTrusted(Distrust::OtherName { .. }))) {
                break;
            }
            connected = self.connect_to(server, name, deadline);
        }
        connected
    }

    /// `name` is what the certificate has, if it is not the address.
    fn connect_to(
        &self,
        server: &Destination,
        name: Option<&Host>,
        deadline: Deadline,
    ) -> Result<Connection, Problem> {
        let stream = match server {
            Destination::Unix(path) => {
                let stream = UnixStream::connect(path).map_err(Problem::connecting)?;
                Stream::Unix(Timed::new(stream, deadline))
            }
            Destination::Tcp(address) => {
                let dialled = self.connect_timeout.map_or(deadline, |wait| deadline.or_after(wait));
                let stream = Timed::new(dial(address, dialled)?, deadline);
                match &self.tls {
                    None => Stream::Tcp(stream),
                    Some(config) => {
                        handshake(stream, name.unwrap_or(&address.host), config.clone())?
                    }
                }
            }
        };
        let mut connection = Connection::new(stream);
        self.greeting.say(&mut connection, deadline)?;
        Ok(connection)
    }

    fn shown(&self, server: &Destination) -> String {
        match server {
            Destination::Unix(path) => format!("unix://{}", path.display()),
            Destination::Tcp(address) if self.tls.is_some() => format!("tls://{address}"),
            Destination::Tcp(address) => format!("tcp://{address}"),
        }
    }
}
