//! Bytes over a connection, with TLS or without.

use super::address::Host;
use super::deadline::{Deadline, Timed};
use super::error::{Activity, Problem};
use super::received::Received;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// A connection that carries bytes. After a failure it must not be used again.
pub struct Stream {
    transport: Transport,
    received: Received,
}

struct Transport {
    socket: Timed,
    tls: Option<Box<ClientConnection>>,
}

impl Stream {
    pub(super) fn new(socket: impl Into<OwnedFd>, deadline: Deadline) -> Self {
        let transport = Transport { socket: Timed::new(socket, deadline), tls: None };
        Self { transport, received: Received::default() }
    }

    /// Negotiates TLS with a server whose certificate has this name.
    pub(super) fn encrypted(
        mut self,
        name: &Host,
        config: Arc<ClientConfig>,
    ) -> Result<Self, Problem> {
        let name = match name {
            Host::Ip(ip) => ServerName::IpAddress((*ip).into()),
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| {
                Problem::Tls(format!("{name} is not a valid name for a certificate"))
            })?,
        };
        let tls = ClientConnection::new(config, name);
        self.transport.shake_hands(tls.map_err(|error| Problem::Tls(error.to_string()))?)?;
        Ok(self)
    }

    /// Sends bytes, all of them by the deadline, which holds for what is then read as well.
    ///
    /// # Errors
    /// Fails if the connection breaks, or the deadline passes.
    pub fn send(&mut self, bytes: &[u8], deadline: Deadline) -> Result<(), Problem> {
        let Transport { socket, tls } = &mut self.transport;
        socket.deadline = deadline;
        let sent = match tls {
            None => socket.write_all(bytes),
            Some(tls) => {
                let mut tls = rustls::Stream::new(&mut **tls, socket);
                tls.write_all(bytes).and_then(|()| tls.flush())
            }
        };
        sent.map_err(|error| Problem::of_stream(error, Activity::Answer))
    }

    /// Receives until `parse` finds a message at the start of what has come, and tells its length.
    ///
    /// # Errors
    /// Fails as `parse` does, or if the connection breaks, or the deadline passes.
    pub fn receive<T, E: From<Problem>>(
        &mut self,
        parse: impl Fn(&[u8]) -> Result<Option<(T, usize)>, E>,
    ) -> Result<T, E> {
        loop {
            if let Some((message, length)) = parse(self.received.bytes())? {
                self.received.take(length);
                return Ok(message);
            }
            match self.received.read(&mut self.transport) {
                Ok(0) => return Err(Problem::Closed(Activity::Answer).into()),
                Ok(_) => {}
                Err(error) => return Err(Problem::of_stream(error, Activity::Answer).into()),
            }
        }
    }
}

impl Transport {
    fn shake_hands(&mut self, tls: ClientConnection) -> Result<(), Problem> {
        let problem = |error| Problem::of_stream(error, Activity::Handshake);
        let tls = self.tls.insert(Box::new(tls));
        while tls.is_handshaking() {
            match tls.complete_io(&mut self.socket).map_err(problem) {
                // A server that has closed the connection may have said why.
                Err(lost) if lost.is_lost() => {
                    return Err(match self.read(&mut [0]).map_err(problem) {
                        Err(refused @ Problem::TlsRefused(_)) => refused,
                        _ => lost,
                    });
                }
                shaken => shaken?,
            };
        }
        Ok(())
    }
}

/// From a server that has closed the connection as well. rustls's own stream would first write what is left, fail, and never
/// read the server's reason.
impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.socket.read(buffer) };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return result,
            }
            tls.read_tls(&mut self.socket)?;
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }
}
