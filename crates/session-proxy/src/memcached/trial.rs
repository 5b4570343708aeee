//! What the session proxy sends for a session, for the launch to try before PHP does.

use super::connection::{MemcachedConnection, MemcachedFault};
use super::op::{Condition, Item, NewItem, Op, Reply};
use super::text;
use super::wire::Wire;
use crate::upstream::Access;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use store_client::{Address, Deadline, Dialer, MemcachedEndpoint};

/// How long an aborted trial leaves its key behind, in seconds.
const LIFETIME: u32 = 10;

/// A connection to a server that has kept a session on trial, under a key that no session has.
pub struct MemcachedTrial<'a> {
    connection: MemcachedConnection,
    key: &'a [u8],
    deadline: Deadline,
    /// How long a reply took.
    pub round_trip: Duration,
}

impl<'a> MemcachedTrial<'a> {
    /// Connects, logs in, and does what a session does.
    ///
    /// # Errors
    /// Fails if the server keeps no session, and why.
    pub fn keep(
        address: &Address,
        access: &Access<MemcachedEndpoint>,
        key: &'a str,
        connect_timeout: Duration,
        deadline: Deadline,
    ) -> Result<Self, MemcachedFault> {
        let Access { endpoint: MemcachedEndpoint { login, tls, .. }, verify_peer } = access;
        let dialer = Dialer::new(address.clone(), tls.as_ref(), *verify_peer)?;
        let (login, nature) = (login.as_ref(), OnceLock::new());
        let mut connection =
            MemcachedConnection::open(&dialer, login, &nature, deadline, connect_timeout)?;
        let key = key.as_bytes();
        let round_trip = keep(&mut connection, key, deadline)?;
        Ok(Self { connection, key, deadline, round_trip })
    }

    /// Whether the server speaks the text protocol with us.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.connection.wire == Wire::Text
    }

    /// How long another reply takes.
    ///
    /// # Errors
    /// Fails if there is none.
    pub fn again(&mut self) -> Result<Duration, MemcachedFault> {
        let begun = Instant::now();
        self.connection.send(&[Op::Get(self.key)], self.deadline)?;
        Ok(begun.elapsed())
    }

    /// The size in bytes of the largest item that it keeps (`item_size_max`), if it tells, in the text protocol. No proxy
    /// does, and some close the connection on it.
    #[must_use]
    pub fn item_size(mut self) -> Option<u64> {
        self.connection.stream.send(b"stats settings\r\n", self.deadline).ok()?;
        loop {
            let line: Result<String, MemcachedFault> = self.connection.stream.receive(|bytes| {
                let line = text::line(bytes)?;
                Ok(line.map(|(line, length)| (String::from_utf8_lossy(line).into_owned(), length)))
            });
            let stat = line.ok()?.strip_prefix("STAT ")?.to_owned();
            if let Some(size) = stat.strip_prefix("item_size_max ") {
                return size.parse().ok();
            }
        }
    }
}

/// Stores, reads, replaces and removes.
fn keep(
    connection: &mut MemcachedConnection,
    key: &[u8],
    deadline: Deadline,
) -> Result<Duration, MemcachedFault> {
    let data = NewItem { bytes: b"trial", flags: 0, seconds: LIFETIME };
    let store = |when| Op::Store { key, data, when };
    let begun = Instant::now();
    let replies = connection.send(&[store(Condition::Missing), Op::Get(key)], deadline)?;
    let round_trip = begun.elapsed();
    let [Reply::Done, Reply::Value(Item { version, .. })] = &replies[..] else {
        return Err(not_kept(&replies));
    };
    let store = store(Condition::Unchanged(*version));
    let ops = [store, Op::Touch(key, LIFETIME), Op::Delete(key)];
    let replies = connection.send(&ops, deadline)?;
    let are_done = replies.iter().all(|reply| *reply == Reply::Done);
    if are_done { Ok(round_trip) } else { Err(not_kept(&replies)) }
}

/// What the server refuses; or it stores something and does not have it.
fn not_kept(replies: &[Reply]) -> MemcachedFault {
    let refused = replies.iter().find_map(|reply| match reply {
        Reply::Refused(text) => Some(text.clone()),
        _ => None,
    });
    MemcachedFault::Said(
        refused.unwrap_or_else(|| "it has not kept what it has just stored".to_owned()),
    )
}
