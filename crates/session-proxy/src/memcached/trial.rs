//! What the session proxy sends for a session, for the launch to try before PHP does.

use super::connection::{Connection, Fault};
use super::op::{Data, Item, Op, Reply, When};
use crate::upstream::Access;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use store_client::{Address, Deadline, Dialer, MemcachedEndpoint};

/// How long an aborted trial leaves its key behind, in seconds.
const LIFETIME: u32 = 10;

/// Does with each server what a session does, under a key that no session has; returns how long one round trip takes,
/// at most.
///
/// # Errors
/// Fails with the first server that keeps no session, and why.
pub fn try_memcached<'a>(
    access: &'a Access<MemcachedEndpoint>,
    key: &str,
    connect_timeout: Duration,
    deadline: Deadline,
) -> Result<Duration, (&'a Address, Fault)> {
    let Access { endpoint: MemcachedEndpoint { servers, login, tls }, verify_peer } = access;
    let (login, tls, mut longest) = (login.as_ref(), tls.as_ref(), Duration::ZERO);
    for address in servers {
        let tried = || {
            let (dialer, nature) =
                (Dialer::new(address.clone(), tls, *verify_peer)?, OnceLock::new());
            let connection = Connection::open(&dialer, login, &nature, deadline, connect_timeout)?;
            keep(connection, key.as_bytes(), deadline)
        };
        longest = longest.max(tried().map_err(|fault| (address, fault))?);
    }
    Ok(longest)
}

/// Stores, reads, replaces and removes.
fn keep(mut connection: Connection, key: &[u8], deadline: Deadline) -> Result<Duration, Fault> {
    let data = Data { bytes: b"trial", flags: 0, seconds: LIFETIME };
    let store = |when| Op::Store { key, data, when };
    let begun = Instant::now();
    let replies = connection.send(&[store(When::Missing), Op::Get(key)], deadline)?;
    let round_trip = begun.elapsed();
    let [Reply::Done, Reply::Value(Item { version, .. })] = &replies[..] else {
        return Err(not_kept(&replies));
    };
    let store = store(When::Unchanged(*version));
    let ops = [store, Op::Touch(key, LIFETIME), Op::Delete(key)];
    let replies = connection.send(&ops, deadline)?;
    let are_done = replies.iter().all(|reply| *reply == Reply::Done);
    if are_done { Ok(round_trip) } else { Err(not_kept(&replies)) }
}

/// What the server refuses; or it stores something and does not have it.
fn not_kept(replies: &[Reply]) -> Fault {
    let refused = replies.iter().find_map(|reply| match reply {
        Reply::Refused(text) => Some(text.clone()),
        _ => None,
    });
    Fault::Said(refused.unwrap_or_else(|| "it has not kept what it has just stored".to_owned()))
}
