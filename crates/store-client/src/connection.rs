//! A connection: commands go out, replies come in.

use super::command::Command;
use super::deadline::Deadline;
use super::error::Problem;
use super::login::{IssuedLogin, Token};
use super::reply::Reply;
use super::stream::Stream;
use std::fmt;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// A connection to a server. After a failure it must not be used again.
pub struct Connection {
    stream: Stream,
    /// What it has logged in with, if that ends, and where there will be a newer one.
    pub(super) token: Option<(Arc<Token>, Arc<IssuedLogin>)>,
    /// Whether a reply to a renewed login comes first.
    is_renewing: bool,
    /// Fails if the server no longer is the primary: then no reply counts.
    pub(super) watch: Option<Box<Watch>>,
}

type Watch = dyn Fn() -> Result<(), Problem> + Send + Sync;

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, token: None, is_renewing: false, watch: None }
    }

    /// A connection over a Unix socket.
    #[must_use]
    pub fn over_socket(socket: UnixStream, deadline: Deadline) -> Self {
        Self::new(Stream::new(socket, deadline))
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
        self.watch.as_ref().map_or(Ok(()), |confirm| confirm())?;
        Ok(replies)
    }

    /// Sends commands whose [`replies`](Self::replies) must come by the deadline.
    pub(super) fn ask(&mut self, commands: &[Command], deadline: Deadline) -> Result<(), Problem> {
        let renewal = self.renewal();
        self.is_renewing = renewal.is_some();
        let sent = if let (None, [command]) = (&renewal, commands) {
            // It may be a session of many megabytes.
            self.stream.send(command.bytes(), deadline)
        } else {
            let all = renewal.iter().chain(commands);
            self.stream.send(&all.map(Command::bytes).collect::<Vec<_>>().concat(), deadline)
        };
        sent.map_err(|problem| self.last_word(problem))
    }

    /// The login with a newer token, if there is one.
    fn renewal(&mut self) -> Option<Command> {
        let (token, login) = self.token.as_mut()?;
        *token = login.tokens.newer(token)?;
        Some(token.auth.command())
    }

    /// Receives so many replies.
    pub(super) fn replies(&mut self, count: usize) -> Result<Vec<Reply>, Problem> {
        if std::mem::take(&mut self.is_renewing) {
            let reply = self.receive()?;
            // The login before it is valid to its end.
            if let (Reply::Error(error), Some((_, login))) = (reply, &self.token) {
                let refused = Problem::Token { error, login: Arc::clone(login) };
                login.tokens.report(&format!("an open connection keeps its old login: {refused}"));
            }
        }
        let mut replies = Vec::with_capacity(count);
        for _ in 0..count {
            match self.receive() {
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

    /// What the server said before it closed the connection, if a write failed for that.
    fn last_word(&mut self, problem: Problem) -> Problem {
        if !problem.is_lost() {
            return problem;
        }
        match self.receive() {
            Ok(reply) => problem.explained_by(Some(reply)),
            Err(alert @ Problem::TlsRefused(_)) => alert,
            Err(_) => problem,
        }
    }

    fn receive(&mut self) -> Result<Reply, Problem> {
        self.stream.receive(|bytes| Ok(Reply::parse(bytes)?))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Connection")
    }
}
