//! A Sentinel: what it is asked, and what it says.

use crate::address::Address;
use crate::command::Command;
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::dialer::Dialer;
use crate::endpoint::Sentinel;
use crate::error::{Problem, RedisError};
use crate::login::{Auth, Login};
use crate::reply::{ErrorReply, Reply};
use std::time::{Duration, Instant};

/// How long one that does not answer is left alone, if others do.
const REST: Duration = Duration::from_secs(5);

/// A Sentinel.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) dialer: Dialer,
    pub(super) login: Option<Login>,
    /// The server's password, where it has no login of its own and asks for one.
    pub(super) other_login: Option<Login>,
    pub(super) question: [Command; 2],
    pub(super) connection: Option<Connection>,
    pub(super) rests_until: Option<Instant>,
    pub(super) said: Said,
}

/// What a Sentinel said last.
#[derive(Debug)]
pub(super) enum Said {
    Nothing,
    NamedPrimary(NamedPrimary),
    /// It knows no such primary.
    Unknown,
    Refused(ErrorReply),
    Failed(Problem),
}

/// A primary, as a Sentinel sees it.
#[derive(Debug)]
pub(super) struct NamedPrimary {
    pub(super) address: Address,
    /// Whether it replaces it right now.
    pub(super) is_leaving: bool,
    /// Whether it gets no answer from it.
    pub(super) is_down: bool,
    /// How long it has to be silent to be down (`down-after-milliseconds`), if the Sentinel says so.
    pub(super) down_after: Option<Duration>,
}

/// Asks all of them at once.
pub(super) fn ask_all(nodes: Vec<&mut Node>, patience: Duration) {
    let begin = |node: &mut Node| node.begin(patience);
    let asked: Vec<_> = nodes.into_iter().map(|node| (begin(node), node)).collect();
    for (connection, node) in asked {
        node.finish(connection, patience);
    }
}

impl Node {
    pub(super) fn new(
        address: &Address,
        of: &Sentinel,
        server: Option<&Auth>,
        verify_peer: bool,
    ) -> Result<Self, RedisError> {
        let of_server = |auth: &Auth| Login::Fixed(Auth::new(None, auth.password.clone()));
        let dialer = Dialer::new(address.clone(), of.tls.as_ref(), verify_peer)
            .map_err(|problem| RedisError { server: address.to_string(), problem })?;
        let master = of.master.as_bytes();
        Ok(Self {
            dialer,
            login: of.auth.clone().map(Login::Fixed),
            other_login: server.filter(|_| of.auth.is_none()).map(of_server),
            question: [
                Command::new(&[b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", master]),
                Command::new(&[b"SENTINEL", b"MASTER", master]),
            ],
            connection: None,
            rests_until: None,
            said: Said::Nothing,
        })
    }

    pub(super) fn named(&self) -> Option<&NamedPrimary> {
        match &self.said {
            Said::NamedPrimary(named) => Some(named),
            _ => None,
        }
    }

    pub(super) fn rests(&self) -> bool {
        self.rests_until.is_some_and(|until| until > Instant::now())
    }

    /// Whether it answered, and will not name a primary.
    pub(super) fn refuses(&self) -> bool {
        match &self.said {
            Said::Unknown | Said::Refused(_) => true,
            Said::Failed(problem) => problem.is_refusal(),
            Said::Nothing | Said::NamedPrimary(_) => false,
        }
    }

    /// Sends the question; on a kept connection, or on a new one.
    fn begin(&mut self, patience: Duration) -> Result<Connection, Problem> {
        let deadline = Deadline::after(patience);
        if let Some(mut kept) = self.connection.take()
            && kept.ask(&self.question, deadline).is_ok()
        {
            return Ok(kept);
        }
        let stream = self.dialer.open(deadline, patience)?;
        let mut connection = Connection::greet(stream, self.login.as_ref(), None, deadline)?;
        connection.ask(&self.question, deadline)?;
        Ok(connection)
    }

    /// Receives the answer.
    fn finish(&mut self, asked: Result<Connection, Problem>, patience: Duration) {
        let answer = asked.and_then(|mut connection| {
            let replies = match connection.replies(self.question.len()) {
                // A kept connection may have ended.
                Err(problem) if problem.is_lost() => {
                    connection = self.begin(patience)?;
                    connection.replies(self.question.len())?
                }
                replies => replies?,
            };
            Ok((connection, replies))
        });
        self.rests_until = None;
        match answer {
            Ok((connection, replies)) => {
                self.said = Said::of(&replies);
                if matches!(&self.said, Said::Refused(error) if error.code() == "NOAUTH")
                    && let Some(login) = self.other_login.take()
                {
                    self.login = Some(login);
                    let again = self.begin(patience);
                    return self.finish(again, patience);
                }
                self.connection = Some(connection);
            }
            Err(problem) => {
                self.said = Said::Failed(problem);
                self.rests_until = Some(Instant::now() + REST);
            }
        }
    }

    pub(super) fn shown(&self) -> String {
        let address = &self.dialer.address;
        match &self.said {
            Said::Nothing => format!("{address} was not asked"),
            Said::NamedPrimary(NamedPrimary { address: primary, is_leaving: true, .. }) => {
                format!("{address} is replacing {primary}")
            }
            Said::NamedPrimary(NamedPrimary { address: primary, is_down: true, .. }) => format!(
                "{address} names {primary}, from which it gets no answer (if that server runs, check this Sentinel's auth-pass)"
            ),
            Said::NamedPrimary(NamedPrimary { address: primary, .. }) => {
                format!("{address} names {primary}")
            }
            Said::Unknown => format!("{address} knows no primary of this name"),
            Said::Refused(error) => format!("{address} says {error}"),
            Said::Failed(problem) => format!("{address}: {problem}"),
        }
    }
}

impl Said {
    /// The second reply is a bonus, for which a user may have no right.
    fn of(replies: &[Reply]) -> Self {
        match replies {
            [Reply::Error(error), _] => Self::Refused(error.clone()),
            [Reply::Array(address), details] => named(address, details).map_or_else(
                || Self::Refused(ErrorReply::new("a primary whose address is none")),
                Self::NamedPrimary,
            ),
            _ => Self::Unknown,
        }
    }
}

fn named<'a>(address: &'a [Reply], details: &'a Reply) -> Option<NamedPrimary> {
    let [Reply::Bulk(host), Reply::Bulk(port)] = address else { return None };
    let text = |bytes: &'a Vec<u8>| std::str::from_utf8(bytes).ok();
    let address = Address { host: text(host)?.parse().ok()?, port: text(port)?.parse().ok()? };
    // From the promotion until all replicas follow, it names the new primary, and describes the old one.
    let is_described =
        [("ip", host), ("port", port)].iter().all(|it| field(details, it.0) == Some(it.1));
    let flags = field(details, "flags").filter(|_| is_described).and_then(text).unwrap_or_default();
    let has = |flag: &str| flags.split(',').any(|it| it == flag);
    Some(NamedPrimary {
        address,
        is_leaving: has("failover_in_progress"),
        is_down: has("s_down") || has("disconnected"),
        down_after: field(details, "down-after-milliseconds")
            .and_then(text)
            .and_then(|it| it.parse().ok())
            .map(Duration::from_millis),
    })
}

/// Names and values in turn.
fn field<'a>(details: &'a Reply, name: &str) -> Option<&'a Vec<u8>> {
    let Reply::Array(parts) = details else { return None };
    parts.chunks(2).find_map(|pair| match pair {
        [Reply::Bulk(it), Reply::Bulk(value)] if it == name.as_bytes() => Some(value),
        _ => None,
    })
}
