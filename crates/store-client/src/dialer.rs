//! Connections to a server, whatever its protocol: names, TLS, limits.

use super::address::{Address, Host};
use super::connection::{Stream, Unwritable};
use super::deadline::{Deadline, Timed};
use super::error::{Activity, Problem};
use super::resolve::resolve;
use super::tls::{Tls, client_config};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, Read};
use std::net::{IpAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// Opens any number of connections to one server.
#[derive(Debug, Clone)]
pub struct Dialer {
    address: Address,
    tls: Option<Arc<ClientConfig>>,
}

/// A connection that carries bytes. After a failure it must not be used again.
pub struct Raw(Stream);

impl Dialer {
    /// `verify_peer` tells whether to verify the server's certificate.
    ///
    /// # Errors
    /// Fails if a certificate or key cannot be used.
    pub fn new(address: Address, tls: Option<&Tls>, verify_peer: bool) -> Result<Self, Problem> {
        let config = tls.map(|tls| client_config(tls, verify_peer)).transpose();
        Ok(Self { address, tls: config.map_err(Problem::Certificates)? })
    }

    /// Connects within `wait`, and negotiates TLS by the deadline. Resolves the name each time.
    ///
    /// # Errors
    /// Fails if that does not work in time.
    pub fn open(&self, deadline: Deadline, wait: Duration) -> Result<Raw, Problem> {
        self.stream(deadline, wait).map(Raw)
    }

    pub(super) fn stream(&self, deadline: Deadline, wait: Duration) -> Result<Stream, Problem> {
        let stream = Timed::new(dial(&self.address, deadline.or_after(wait))?, deadline);
        match &self.tls {
            None => Ok(Stream::Tcp(stream)),
            Some(config) => handshake(stream, &self.address.host, config.clone()),
        }
    }
}

impl Raw {
    /// Sends bytes, all of them by the deadline, which holds for what is then read as well.
    ///
    /// # Errors
    /// Fails if the connection breaks, or the deadline passes.
    pub fn send(&mut self, bytes: &[u8], deadline: Deadline) -> Result<(), Problem> {
        self.0.set_deadline(deadline);
        let stream = self.0.as_write();
        let sent = stream.write_all(bytes).and_then(|()| stream.flush());
        sent.map_err(|error| Problem::of_stream(error, Activity::Answer))
    }
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.as_read().read(buffer)
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

pub(super) fn handshake(
    mut stream: Timed<TcpStream>,
    host: &Host,
    config: Arc<ClientConfig>,
) -> Result<Stream, Problem> {
    let name = match host {
        Host::Ip(ip) => ServerName::IpAddress(IpAddr::into(*ip)),
        Host::Name(name) => ServerName::try_from(name.clone())
            .map_err(|_| Problem::Tls(format!("{name} is not a valid name for a certificate")))?,
    };
    let mut tls =
        ClientConnection::new(config, name).map_err(|error| Problem::Tls(error.to_string()))?;
    while tls.is_handshaking() {
        if let Err(error) = tls.complete_io(&mut stream) {
            let problem = Problem::of_stream(error, Activity::Handshake);
            let mut rest = Unwritable { tls: &mut tls, socket: &mut stream };
            return Err(if problem.is_lost() { rest.alert().unwrap_or(problem) } else { problem });
        }
    }
    Ok(Stream::Tls(Box::new(StreamOwned::new(tls, stream))))
}
