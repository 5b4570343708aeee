//! A connection to a server: asks what it speaks, logs in, and sends operations.

use super::binary::{Message, REQUEST, RESPONSE, opcode, status};
use super::op::{NotMemcached, Op, Reply};
use super::text;
use super::wire::Wire;
use crate::pool::NoConnection;
use std::sync::OnceLock;
use std::time::Duration;
use store_client::{Deadline, Dialer, MemcachedLogin, Problem, Stream, printable};

/// What a server says that has no room for another connection, before it closes it.
const TOO_MANY: &[u8] = b"ERROR Too many";

/// What a server is, once that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nature {
    wire: Wire,
    /// Whether it keeps the order of operations on different keys, so that they may go out together. A proxy that
    /// spreads keys (twemproxy, mcrouter) does not.
    pub(super) keeps_order: bool,
}

/// Why a server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum MemcachedFault {
    #[error(transparent)]
    Connection(#[from] Problem),
    #[error("it does not speak Memcached's protocol")]
    NotMemcached,
    #[error("the server refuses the login: {0}")]
    Login(String),
    #[error("the server has no login")]
    NoLogin,
    #[error("the server has no login: it speaks only the text protocol")]
    OnlyText,
    /// It has no room for a connection, or refuses an operation.
    #[error("the server says {0}")]
    Said(String),
    #[error("all {0} connections to it are in use")]
    AllInUse(usize),
    #[error("it has not replied for some time")]
    Silent,
}

impl From<NotMemcached> for MemcachedFault {
    fn from(NotMemcached: NotMemcached) -> Self {
        Self::NotMemcached
    }
}

impl NoConnection for MemcachedFault {
    fn all_in_use(count: usize) -> Self {
        Self::AllInUse(count)
    }

    /// Whether the server would do so again.
    fn is_refusal(&self) -> bool {
        match self {
            Self::Connection(problem) => problem.is_refusal(),
            fault => matches!(fault, Self::Login(_) | Self::NoLogin | Self::OnlyText),
        }
    }
}

/// A connection that is logged in. After a failure it must not be used again.
pub(super) struct MemcachedConnection {
    pub(super) stream: Stream,
    pub(super) wire: Wire,
}

impl MemcachedConnection {
    /// Connects and logs in. `nature` is what the server is, as soon as a connection has asked.
    pub(super) fn open(
        dialer: &Dialer,
        login: Option<&MemcachedLogin>,
        nature: &OnceLock<Nature>,
        deadline: Deadline,
        connect_timeout: Duration,
    ) -> Result<Self, MemcachedFault> {
        let stream = dialer.open(deadline, connect_timeout)?;
        let mut connection = Self { stream, wire: Wire::Text };
        if nature.get().is_none() {
            match connection.ask(login.is_some(), deadline) {
                // Another connection may have asked as well.
                Ok(found) => drop(nature.set(found)),
                // twemproxy closes the connection on a command that it does not know.
                Err(MemcachedFault::Connection(Problem::Closed(_))) if login.is_none() => {
                    connection.stream = dialer.open(deadline, connect_timeout)?;
                }
                Err(fault) => return Err(fault),
            }
        }
        connection.wire = nature.get().map_or(Wire::Text, |nature| nature.wire);
        if let Some(login) = login {
            connection.log_in(login, deadline)?;
        }
        Ok(connection)
    }

    /// Asks for the server's version, and where there is no login for nothing (`mn`): twemproxy passes the first question on
    /// to a server and does not know the second. A server says at least `ERROR`.
    fn ask(&mut self, has_login: bool, deadline: Deadline) -> Result<Nature, MemcachedFault> {
        let question = if has_login {
            // The end of a line for a server that speaks only text: any other one does not look at it.
            let version = u64::from(b'\n');
            Message { version, ..Message::new(opcode::VERSION, b"", b"") }.encode(REQUEST)
        } else {
            b"version\r\nmn\r\n".to_vec()
        };
        self.stream.send(&question, deadline)?;
        self.stream.receive(|bytes| {
            if let Ok(message) = Message::parse(RESPONSE, bytes) {
                return Ok(message.filter(|_| !bytes.is_empty()).map(|(message, length)| {
                    let keeps_order = is_a_server(message.value);
                    (Nature { wire: Wire::Binary, keeps_order }, length)
                }));
            }
            let Some((line, length)) = text::line(bytes)? else { return Ok(None) };
            let wants_login = line.starts_with(b"CLIENT_ERROR unauth");
            let version = line.strip_prefix(b"VERSION ");
            if version.is_none() && text::refused(line).is_none() {
                return Err(MemcachedFault::NotMemcached);
            }
            if line.starts_with(TOO_MANY) {
                return Err(MemcachedFault::Said(printable(&String::from_utf8_lossy(line))));
            }
            if has_login && !wants_login {
                // The password would end up among its keys.
                return Err(MemcachedFault::OnlyText);
            }
            let mut both = length;
            if !has_login {
                let Some((_, more)) = text::line(&bytes[length..])? else { return Ok(None) };
                both += more;
            }
            let keeps_order = wants_login || version.is_some_and(is_a_server);
            Ok(Some((Nature { wire: Wire::Text, keeps_order }, both)))
        })
    }

    fn log_in(
        &mut self,
        MemcachedLogin { user, password }: &MemcachedLogin,
        deadline: Deadline,
    ) -> Result<(), MemcachedFault> {
        let (wire, password) = (self.wire, password.expose());
        let request = match wire {
            Wire::Binary => {
                let plain = format!("\0{user}\0{password}");
                Message::new(opcode::SASL_AUTH, b"PLAIN", plain.as_bytes()).encode(REQUEST)
            }
            // memcached's own, with `--auth-file`.
            Wire::Text => {
                let login = format!("{user} {password}");
                format!("set login 0 0 {}\r\n{login}\r\n", login.len()).into_bytes()
            }
        };
        self.stream.send(&request, deadline)?;
        let said = |text: &[u8]| MemcachedFault::Login(printable(&String::from_utf8_lossy(text)));
        self.stream.receive(|bytes| {
            let answer = match wire {
                Wire::Binary => {
                    Message::parse(RESPONSE, bytes)?.map(|(message, length)| match message.status {
                        status::SUCCESS => Ok(((), length)),
                        status::UNKNOWN_COMMAND => Err(MemcachedFault::NoLogin),
                        _ => Err(said(message.value)),
                    })
                }
                Wire::Text => text::line(bytes)?.map(|(line, length)| match line {
                    b"STORED" => Ok(((), length)),
                    _ => Err(said(line)),
                }),
            };
            answer.transpose()
        })
    }

    /// Sends the operations together and returns their replies, in one round trip.
    pub(super) fn send(
        &mut self,
        ops: &[Op<'_>],
        deadline: Deadline,
    ) -> Result<Vec<Reply>, MemcachedFault> {
        self.stream.send(&self.wire.encode(ops), deadline)?;
        let wire = self.wire;
        let replies = ops.iter().map(|op| self.stream.receive(|bytes| Ok(wire.parse(op, bytes)?)));
        let replies = replies.collect::<Result<Vec<_>, MemcachedFault>>()?;
        match replies.first() {
            Some(Reply::Refused(text)) if text.as_bytes().starts_with(TOO_MANY) => {
                Err(MemcachedFault::Said(text.clone()))
            }
            _ => Ok(replies),
        }
    }
}

/// Whether this is the version of a server, and not that of a proxy. All of Memcached's so far begin with 1.
fn is_a_server(version: &[u8]) -> bool {
    version.starts_with(b"1.")
}
