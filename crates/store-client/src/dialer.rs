//! Connections for other protocols than that of Redis, with the same limits and the same TLS.

use super::address::Address;
use super::client::{dial, handshake};
use super::connection::Stream;
use super::deadline::{Deadline, Timed};
use super::error::{Activity, Problem};
use super::tls::{Tls, client_config};
use rustls::ClientConfig;
use std::io::{self, Read};
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
        let stream = Timed::new(dial(&self.address, deadline.or_after(wait))?, deadline);
        Ok(Raw(match &self.tls {
            None => Stream::Tcp(stream),
            Some(config) => handshake(stream, &self.address.host, config.clone())?,
        }))
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
