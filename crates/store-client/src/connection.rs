//! A connection: commands go out, replies come in.

use super::command::Command;
use super::deadline::{Deadline, Timed};
use super::error::{Activity, Problem};
use super::held_token::HeldToken;
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
    /// What it has logged in with, if that ends.
    token: Option<HeldToken>,
    /// Whether a reply to a renewed login comes first.
    is_renewing: bool,
    /// Where Sentinels may choose another server.
    watch: Option<Box<dyn Watch>>,
}

/// Knows whether a server still is the one to talk to.
pub(super) trait Watch: Send + Sync {
    /// Fails if it is not.
    fn confirm(&self) -> Result<(), Problem>;
}

pub(super) enum Stream {
    Tcp(Timed<TcpStream>),
    Tls(Box<StreamOwned<ClientConnection, Timed<TcpStream>>>),
    Unix(Timed<UnixStream>),
}

impl Stream {
    pub(super) fn set_deadline(&mut self, deadline: Deadline) {
        match self {
            Self::Tcp(stream) => stream.set_deadline(deadline),
            Self::Tls(stream) => stream.sock.set_deadline(deadline),
            Self::Unix(stream) => stream.set_deadline(deadline),
        }
    }

    pub(super) fn as_read(&mut self) -> &mut dyn Read {
        match self {
            Self::Tcp(stream) => stream,
            Self::Tls(stream) => stream.as_mut(),
            Self::Unix(stream) => stream,
        }
    }

    pub(super) fn as_write(&mut self) -> &mut dyn Write {
        match self {
            Self::Tcp(stream) => stream,
            Self::Tls(stream) => stream.as_mut(),
            Self::Unix(stream) => stream,
        }
    }
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, received: Received::default(), token: None, is_renewing: false, watch: None }
    }

    /// The same, to a primary: no reply counts unless it still is the primary then.
    pub(super) fn watched(self, watch: impl Watch + 'static) -> Self {
        Self { watch: Some(Box::new(watch)), ..self }
    }

    /// A connection over a Unix socket.
    #[must_use]
    pub fn over_socket(socket: UnixStream, deadline: Deadline) -> Self {
        Self::new(Stream::Unix(Timed::new(socket, deadline)))
    }

    pub(super) fn hold(&mut self, token: HeldToken) {
        self.token = Some(token);
    }

    /// Sends the commands together and returns their replies, in one round trip. A refused command gives a
    /// [`Reply::Error`]. If there is a newer token than the one that it has logged in with, logs in again before.
    ///
    /// # Errors
    /// Fails if the connection breaks, the deadline passes, the response is not a reply, or Sentinels have chosen another
    /// server.
    pub fn send(
        &mut self,
        commands: &[Command],
        deadline: Deadline,
    ) -> Result<Vec<Reply>, Problem> {
        self.ask(commands, deadline)?;
        let replies = self.replies(commands.len())?;
        match &self.watch {
            Some(watch) => watch.confirm().map(|()| replies),
            None => Ok(replies),
        }
    }

    /// Sends commands whose [`replies`](Self::replies) must come by the deadline.
    pub(super) fn ask(&mut self, commands: &[Command], deadline: Deadline) -> Result<(), Problem> {
        self.stream.set_deadline(deadline);
        let renewal = self.token.as_mut().and_then(HeldToken::renewal);
        let written = if let (None, [command]) = (&renewal, commands) {
            // It may be a session of many megabytes.
            self.write(command.bytes())
        } else {
            let all = renewal.iter().chain(commands);
            self.write(&all.map(Command::bytes).collect::<Vec<_>>().concat())
        };
        self.is_renewing = renewal.is_some();
        written.map_err(|error| self.last_word(Problem::of_stream(error, Activity::Answer)))
    }

    /// Receives so many replies.
    pub(super) fn replies(&mut self, count: usize) -> Result<Vec<Reply>, Problem> {
        if std::mem::take(&mut self.is_renewing) {
            // If it is refused, the login before it is valid to its end, and a new connection then says why.
            receive(&mut self.received, self.stream.as_read())?;
        }
        let mut replies = Vec::with_capacity(count);
        for _ in 0..count {
            match receive(&mut self.received, self.stream.as_read()) {
                Ok(reply) => replies.push(reply),
                Err(problem) => return Err(problem.explained_by(replies.pop())),
            }
        }
        Ok(replies)
    }

    /// Sends one command and returns its reply.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn command(&mut self, parts: &[&[u8]], deadline: Deadline) -> Result<Reply, Problem> {
        let replies = self.send(&[Command::new(parts)], deadline)?;
        Ok(replies.into_iter().next().unwrap_or(Reply::Nil))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.stream.as_write();
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// What the server said before it closed the connection, if a write failed for that.
    fn last_word(&mut self, problem: Problem) -> Problem {
        if !problem.is_lost() {
            return problem;
        }
        let received = match &mut self.stream {
            Stream::Tls(tls) => {
                let mut rest = Unwritable { tls: &mut tls.conn, socket: &mut tls.sock };
                receive(&mut self.received, &mut rest)
            }
            stream => receive(&mut self.received, stream.as_read()),
        };
        match received {
            Ok(reply) => problem.explained_by(Some(reply)),
            Err(alert @ Problem::TlsRefused(_)) => alert,
            Err(_) => problem,
        }
    }
}

fn receive(received: &mut Received, stream: &mut dyn Read) -> Result<Reply, Problem> {
    loop {
        if let Some((reply, length)) = Reply::parse(received.bytes())? {
            received.take(length);
            return Ok(reply);
        }
        match received.read(stream) {
            Ok(0) => return Err(Problem::Closed(Activity::Answer)),
            Ok(_) => {}
            Err(error) => return Err(Problem::of_stream(error, Activity::Answer)),
        }
    }
}

/// Reads from a TLS connection that the server has closed. rustls's own stream would first write what is left, fail,
/// and never read the server's reason.
pub(super) struct Unwritable<'a, S> {
    pub(super) tls: &'a mut ClientConnection,
    pub(super) socket: &'a mut S,
}

impl<S: Read> Unwritable<'_, S> {
    /// Why the server refused the handshake, if it said so.
    pub(super) fn alert(&mut self) -> Option<Problem> {
        let problem = Problem::of_stream(self.read(&mut [0]).err()?, Activity::Handshake);
        matches!(problem, Problem::TlsRefused(_)).then_some(problem)
    }
}

impl<S: Read> Read for Unwritable<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            self.tls.read_tls(self.socket)?;
            self.tls.process_new_packets().map_err(io::Error::other)?;
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
