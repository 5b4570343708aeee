//! A Sentinel: what it is asked, and what it says.

use crate::address::Address;
use crate::auth::Auth;
use crate::command::Command;
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::dialer::Dialer;
use crate::endpoint::{RedisEndpoint, Sentinel};
use crate::error::{Problem, RedisError};
use crate::greeting::Greeting;
use crate::issued::Login;
use crate::reply::{ErrorReply, Reply};
use std::time::{Duration, Instant};

/// How long one that does not answer is left alone, if others do.
const REST: Duration = Duration::from_secs(5);

/// A Sentinel.
#[derive(Debug)]
pub(super) struct Node {
    address: Address,
    dialer: Dialer,
    /// Its login. Where it has none of its own, none, and then the server's password.
    greetings: Vec<Greeting>,
    connection: Option<Connection>,
    rests_until: Option<Instant>,
    said: Said,
}

/// What a Sentinel said last.
#[derive(Debug)]
enum Said {
    Nothing,
    Named(Named),
    /// It knows no such primary.
    Unknown,
    Refused(ErrorReply),
    Failed(Problem),
}

/// A primary, as a Sentinel sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) address: Address,
    /// Whether it replaces it right now.
    pub(super) is_leaving: bool,
    /// Whether it gets no answer from it.
    is_down: bool,
}

/// Asks all of them at once.
pub(super) fn ask_all(nodes: Vec<&mut Node>, question: &[Command; 2], patience: Duration) {
    let asked: Vec<_> = nodes
        .into_iter()
        .map(|node| {
            let connection = node.begin(question, patience);
            (node, connection)
        })
        .collect();
    for (node, connection) in asked {
        node.finish(connection, question, patience);
    }
}

impl Node {
    pub(super) fn new(
        address: &Address,
        of: &Sentinel,
        server: &RedisEndpoint,
        verify_peer: bool,
    ) -> Result<Self, RedisError> {
        let greeting =
            |auth: Option<Auth>| Greeting { login: auth.map(Login::Fixed), database: None };
        let mut greetings = vec![greeting(of.auth.clone())];
        if of.auth.is_none()
            && let Some(auth) = server.fixed()
        {
            greetings.push(greeting(Some(Auth::new(None, auth.password.clone()))));
        }
        let (address, said) = (address.clone(), Said::Nothing);
        let dialer = Dialer::new(address.clone(), of.tls.as_ref(), verify_peer)
            .map_err(|problem| RedisError { server: address.to_string(), problem })?;
        Ok(Self { address, dialer, greetings, connection: None, rests_until: None, said })
    }

    pub(super) fn named(&self) -> Option<&Named> {
        match &self.said {
            Said::Named(named) => Some(named),
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
            Said::Nothing | Said::Named(_) => false,
        }
    }

    /// Sends the question; on a kept connection, or on a new one.
    fn begin(
        &mut self,
        question: &[Command; 2],
        patience: Duration,
    ) -> Result<Connection, Problem> {
        let deadline = Deadline::after(patience);
        if let Some(mut kept) = self.connection.take()
            && kept.ask(question, deadline).is_ok()
        {
            return Ok(kept);
        }
        let mut connection = Connection::new(self.dialer.stream(deadline, patience)?);
        self.greetings[0].say(&mut connection, deadline)?;
        connection.ask(question, deadline)?;
        Ok(connection)
    }

    /// Receives the answer.
    fn finish(
        &mut self,
        asked: Result<Connection, Problem>,
        question: &[Command; 2],
        patience: Duration,
    ) {
        let answer = asked.and_then(|mut connection| {
            let replies = match connection.replies(question.len()) {
                // A kept connection may have ended.
                Err(problem) if problem.is_lost() => {
                    connection = self.begin(question, patience)?;
                    connection.replies(question.len())?
                }
                replies => replies?,
            };
            Ok((connection, replies))
        });
        self.rests_until = None;
        match answer {
            Ok((connection, replies)) => {
                self.said = Said::of(replies);
                if matches!(&self.said, Said::Refused(error) if error.code() == "NOAUTH")
                    && self.greetings.len() > 1
                {
                    self.greetings.remove(0);
                    let again = self.begin(question, patience);
                    return self.finish(again, question, patience);
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
        let address = &self.address;
        match &self.said {
            Said::Nothing => format!("{address} was not asked"),
            Said::Named(Named { address: primary, is_leaving: true, .. }) => {
                format!("{address} is replacing {primary}")
            }
            Said::Named(Named { address: primary, is_down: true, .. }) => format!(
                "{address} names {primary}, from which it gets no answer (if that server runs, check this Sentinel's auth-pass)"
            ),
            Said::Named(Named { address: primary, .. }) => format!("{address} names {primary}"),
            Said::Unknown => format!("{address} knows no primary of this name"),
            Said::Refused(error) => format!("{address} says {error}"),
            Said::Failed(problem) => format!("{address}: {problem}"),
        }
    }
}

#[cfg(test)]
impl Node {
    /// One that has said that the primary is at this port.
    pub(super) fn naming(port: u16, is_leaving: bool) -> Self {
        let address = |port| Address { host: crate::address::Host::Name("h".to_owned()), port };
        let named = Named { address: address(port), is_leaving, is_down: false };
        Self { said: Said::Named(named), ..Self::silent() }
    }

    /// One that was not asked.
    pub(super) fn silent() -> Self {
        let address = Address { host: crate::address::Host::Name("s".to_owned()), port: 1 };
        let dialer = Dialer::new(address.clone(), None, true).unwrap();
        let (greetings, said) = (Vec::new(), Said::Nothing);
        Self { address, dialer, greetings, connection: None, rests_until: None, said }
    }
}

impl Said {
    /// The second reply is a bonus, for which a user may have no right.
    fn of(replies: Vec<Reply>) -> Self {
        let Ok([address, details]) = <[Reply; 2]>::try_from(replies) else { return Self::Unknown };
        match address {
            Reply::Error(error) => Self::Refused(error),
            Reply::Array(parts) => match parts.as_slice() {
                [Reply::Bulk(host), Reply::Bulk(port)] => named(host, port, &details)
                    .unwrap_or_else(|| {
                        Self::Refused(ErrorReply::new("a primary whose address is none"))
                    }),
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }
}

fn named(host: &[u8], port: &[u8], details: &Reply) -> Option<Said> {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let port: u16 = text(port)?.parse().ok()?;
    let address = Address { host: text(host)?.parse().ok()?, port };
    let flags = flags(details);
    let has = |flag: &str| flags.split(',').any(|it| it == flag);
    Some(Said::Named(Named {
        address,
        is_leaving: has("failover_in_progress"),
        is_down: has("s_down") || has("disconnected"),
    }))
}

/// Names and values in turn.
fn flags(details: &Reply) -> String {
    let Reply::Array(parts) = details else { return String::new() };
    let pair = parts.chunks(2).find_map(|pair| match pair {
        [Reply::Bulk(name), Reply::Bulk(value)] if name == b"flags" => Some(value),
        _ => None,
    });
    pair.map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}
