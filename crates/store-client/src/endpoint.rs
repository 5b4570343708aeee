//! What it takes to connect to a server.

use super::address::{Address, joined};
use super::login::{Auth, IssuedLogin, Login, shown_user};
use super::secret::Secret;
use super::tls::Tls;
use std::fmt;
use std::path::PathBuf;

/// What it takes to connect to a Redis server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisEndpoint {
    pub target: Target,
    /// How to log in; `None` for a server without a password.
    pub auth: Option<Login>,
    /// The database to select; `None` leaves it to the server.
    pub database: Option<u32>,
}

/// Where a Redis server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A TCP port.
    Tcp { address: Address, tls: Option<Tls> },
    /// A cluster.
    Cluster {
        /// The nodes to connect to first; never empty.
        nodes: Vec<Address>,
        tls: Option<Tls>,
    },
    /// A primary that Sentinels know.
    Sentinel {
        sentinel: Box<Sentinel>,
        /// The server's.
        tls: Option<Tls>,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

/// Sentinels, which know where the primary is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentinel {
    /// What they call the primary and its replicas, such as `mymaster`.
    pub master: String,
    /// Where they listen; never empty.
    pub nodes: Vec<Address>,
    /// Their own login; `None` is none, or the server's password where they ask for one.
    pub auth: Option<Auth>,
    /// Their own TLS.
    pub tls: Option<Tls>,
}

impl RedisEndpoint {
    /// The name of the user who logs in, if it is known before the server is asked and is not `default`. Such a user may have the rights for sessions only, so nobody sends anything else for
    /// one.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match self.auth.as_ref()? {
            Login::Fixed(auth) => auth.user.as_deref(),
            Login::Issued(issued) => issued.user.as_deref(),
        }
    }

    /// The login with a password from the credentials.
    #[must_use]
    pub fn fixed(&self) -> Option<&Auth> {
        match self.auth.as_ref()? {
            Login::Fixed(auth) => Some(auth),
            Login::Issued(_) => None,
        }
    }

    /// The login with a token.
    #[must_use]
    pub fn issued(&self) -> Option<&IssuedLogin> {
        match self.auth.as_ref()? {
            Login::Fixed(_) => None,
            Login::Issued(issued) => Some(issued),
        }
    }

    /// Whether it is a cluster.
    #[must_use]
    pub fn is_cluster(&self) -> bool {
        matches!(self.target, Target::Cluster { .. })
    }

    /// Whether Sentinels tell where it is.
    #[must_use]
    pub fn is_sentinel(&self) -> bool {
        matches!(self.target, Target::Sentinel { .. })
    }

    /// The address to connect to first; `None` for a socket, and for a server that only Sentinels know.
    #[must_use]
    pub fn first_address(&self) -> Option<&Address> {
        match &self.target {
            Target::Tcp { address, .. } => Some(address),
            Target::Cluster { nodes, .. } => nodes.first(),
            Target::Sentinel { .. } | Target::Unix(_) => None,
        }
    }

    /// TLS, if connections are encrypted.
    #[must_use]
    pub fn tls(&self) -> Option<&Tls> {
        match &self.target {
            Target::Tcp { tls, .. }
            | Target::Cluster { tls, .. }
            | Target::Sentinel { tls, .. } => tls.as_ref(),
            Target::Unix(_) => None,
        }
    }
}

/// The endpoint without its password, for messages.
impl fmt::Display for RedisEndpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Tcp { address, tls } => write!(formatter, "{}{address}", scheme(tls.as_ref()))?,
            Target::Cluster { nodes, tls } => {
                write!(formatter, "the cluster {}{}", scheme(tls.as_ref()), joined(nodes, ","))?;
            }
            Target::Sentinel { sentinel, tls } => {
                let encrypted = if tls.is_some() { ", with TLS" } else { "" };
                write!(formatter, "{sentinel}{encrypted}")?;
            }
            Target::Unix(path) => write!(formatter, "unix://{}", path.display())?,
        }
        match &self.auth {
            None => formatter.write_str(", no password")?,
            Some(Login::Fixed(_)) => {}
            Some(Login::Issued(issued)) => write!(formatter, ", login {}", issued.issuer)?,
        }
        if let Some(user) = self.user() {
            write!(formatter, ", user {:?}", shown_user(user))?;
        }
        match self.database {
            None => Ok(()),
            Some(database) => write!(formatter, ", database {database}"),
        }
    }
}

impl fmt::Display for Sentinel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sentinel {} at {}", self.master, joined(&self.nodes, ","))
    }
}

fn scheme(tls: Option<&Tls>) -> &'static str {
    if tls.is_some() { "tls://" } else { "tcp://" }
}

/// What it takes to connect to Memcached servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemcachedEndpoint {
    /// The servers that the sessions are spread over; never empty.
    pub servers: Vec<Address>,
    /// How to log in; `None` for servers without a login.
    pub login: Option<MemcachedLogin>,
    /// TLS, if connections are encrypted.
    pub tls: Option<Tls>,
}

/// A login, which needs both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemcachedLogin {
    pub user: String,
    pub password: Secret,
}

/// The endpoint without its password, for messages.
impl fmt::Display for MemcachedEndpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "tls://" } else { "" };
        write!(formatter, "{scheme}{}", joined(&self.servers, ", "))?;
        match &self.login {
            None => formatter.write_str(", no password"),
            Some(MemcachedLogin { user, .. }) => write!(formatter, ", user {:?}", shown_user(user)),
        }
    }
}
