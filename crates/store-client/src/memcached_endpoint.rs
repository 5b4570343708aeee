//! What it takes to connect to Memcached servers.

use super::address::{Address, joined};
use super::auth::shown_user;
use super::secret::Secret;
use super::tls::Tls;
use std::fmt;

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
