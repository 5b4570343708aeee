//! Connections to a server, whatever its protocol: names, TLS, limits.

use super::address::{Address, Host};
use super::deadline::Deadline;
use super::error::Problem;
use super::resolve::resolve;
use super::stream::Stream;
use super::tls::{Tls, client_config};
use rustls::ClientConfig;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// Opens any number of connections to one server.
#[derive(Debug, Clone)]
pub struct Dialer {
    pub(super) address: Address,
    tls: Option<Arc<ClientConfig>>,
}

impl Dialer {
    /// `verify_peer` tells whether to verify the server's certificate.
    ///
    /// # Errors
    /// Fails if a certificate or key cannot be used.
    pub fn new(address: Address, tls: Option<&Tls>, verify_peer: bool) -> Result<Self, Problem> {
        Ok(Self { address, tls: client_config(tls, verify_peer)? })
    }

    /// Connects within `wait`, and negotiates TLS by the deadline. Resolves the name each time.
    ///
    /// # Errors
    /// Fails if that does not work in time.
    pub fn open(&self, deadline: Deadline, wait: Duration) -> Result<Stream, Problem> {
        let by = deadline.or_after(wait);
        open(&self.address, &self.address.host, self.tls.as_ref(), by, deadline)
    }
}

/// Connects `by` one deadline, and negotiates TLS by another one. `name` is what the server's certificate has.
pub(super) fn open(
    address: &Address,
    name: &Host,
    tls: Option<&Arc<ClientConfig>>,
    by: Deadline,
    deadline: Deadline,
) -> Result<Stream, Problem> {
    let stream = Stream::new(dial(address, by)?, deadline);
    match tls {
        None => Ok(stream),
        Some(config) => stream.encrypted(name, config.clone()),
    }
}

/// Tries the name's addresses in turn, each with its share of the time.
///
/// # Errors
/// Fails with the problem of the last address tried.
pub fn dial(address: &Address, deadline: Deadline) -> Result<TcpStream, Problem> {
    let addresses = resolve(address, deadline)?;
    let mut last = Problem::Resolve(io::Error::other("it has no address"));
    for (tried, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let attempt = deadline.remaining().and_then(|remaining| {
            let stream = TcpStream::connect_timeout(address, remaining / left)?;
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        match attempt {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Problem::connecting(error),
        }
    }
    Err(last)
}
