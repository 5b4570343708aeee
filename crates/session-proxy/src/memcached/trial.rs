//! What the session proxy sends for a session, for the launch to try before PHP does.

use super::connection::{Connection, Fault};
use super::op::{Data, Op, Reply, When};
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
    let mut longest = Duration::ZERO;
    for address in servers {
        let tried = Dialer::new(address.clone(), tls.as_ref(), *verify_peer)
            .map_err(Fault::from)
            .and_then(|dialer| {
                let login = login.as_ref();
                Connection::open(&dialer, login, &OnceLock::new(), deadline, connect_timeout)
            })
            .and_then(|connection| keep(connection, key.as_bytes(), deadline));
        longest = longest.max(tried.map_err(|fault| (address, fault))?);
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
    let version = match &replies[..] {
        [Reply::Done, Reply::Value(item)] => item.version,
        [Reply::Refused(text), _] | [_, Reply::Refused(text)] => {
            return Err(Fault::Said(text.clone()));
        }
        // A server that stores it and does not have it.
        _ => return Err(Fault::Said("it has not kept what it has just stored".to_owned())),
    };
    let ops =
        [store(When::Unchanged(version)), Op::Touch { key, seconds: LIFETIME }, Op::Delete(key)];
    match connection.send(&ops, deadline)?.into_iter().find(|reply| *reply != Reply::Done) {
        None => Ok(round_trip),
        Some(Reply::Refused(text)) => Err(Fault::Said(text)),
        Some(_) => Err(Fault::Said("it has not kept what it has just stored".to_owned())),
    }
}
