//! A connection: commands go out, replies come in.

use super::command::Command;
use super::deadline::{Deadline, Timed};
use super::error::{Problem, Step};
use super::received::Received;
use super::reply::Reply;
use rustls::{ClientConnection, StreamOwned};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

/// A connection to a server. After a failure it must not be used again.
pub struct Connection {
    stream: Stream,
    received: Received,
}

pub(super) enum Stream {
    Tcp(Timed<TcpStream>),
    Tls(Box<StreamOwned<ClientConnection, Timed<TcpStream>>>),
    Unix(Timed<UnixStream>),
}

impl Stream {
    fn set_deadline(&mut self, deadline: Deadline) {
        match self {
            Self::Tcp(stream) => stream.set_deadline(deadline),
            Self::Tls(stream) => stream.sock.set_deadline(deadline),
            Self::Unix(stream) => stream.set_deadline(deadline),
        }
    }

    fn as_read(&mut self) -> &mut dyn Read {
        match self {
            Self::Tcp(stream) => stream,
            Self::Tls(stream) => stream.as_mut(),
            Self::Unix(stream) => stream,
        }
    }

    fn as_write(&mut self) -> &mut dyn Write {
        match self {
            Self::Tcp(stream) => stream,
            Self::Tls(stream) => stream.as_mut(),
            Self::Unix(stream) => stream,
        }
    }
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, received: Received::default() }
    }

    /// A connection over a Unix socket.
    pub(crate) fn over_socket(socket: UnixStream, deadline: Deadline) -> Self {
        Self::new(Stream::Unix(Timed::new(socket, deadline)))
    }

    /// Sends the commands together and returns their replies, in one round trip. A refused command gives a
    /// [`Reply::Error`].
    ///
    /// # Errors
    /// Fails if the connection breaks, the deadline passes, or the response is not a reply.
    pub fn send(
        &mut self,
        commands: &[Command],
        deadline: Deadline,
    ) -> Result<Vec<Reply>, Problem> {
        self.stream.set_deadline(deadline);
        let written = match commands {
            // It may be a session of many megabytes.
            [command] => self.write(command.bytes()),
            _ => self.write(&commands.iter().map(Command::bytes).collect::<Vec<_>>().concat()),
        };
        written.map_err(|error| Problem::of_stream(error, Step::Answer))?;
        commands.iter().map(|_| self.receive()).collect()
    }

    /// Sends one command and returns its reply.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn command(&mut self, parts: &[&[u8]], deadline: Deadline) -> Result<Reply, Problem> {
        self.stream.set_deadline(deadline);
        self.write(Command::new(parts).bytes())
            .map_err(|error| Problem::of_stream(error, Step::Answer))?;
        self.receive()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.stream.as_write();
        stream.write_all(bytes)?;
        stream.flush()
    }

    fn receive(&mut self) -> Result<Reply, Problem> {
        loop {
            if let Some((reply, length)) = Reply::parse(self.received.bytes())? {
                self.received.take(length);
                return Ok(reply);
            }
            match self.received.read(self.stream.as_read()) {
                Ok(0) => return Err(Problem::Closed(Step::Answer)),
                Ok(_) => {}
                Err(error) => return Err(Problem::of_stream(error, Step::Answer)),
            }
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.stream {
            Stream::Tcp(_) => "Connection(tcp)",
            Stream::Tls(_) => "Connection(tls)",
            Stream::Unix(_) => "Connection(unix)",
        })
    }
}
