//! What is said over a connection of PHP: its requests and our answers, in turn.

use super::conversation::Conversation;
use super::log::log;
use super::memory::{Reservation, SMALL, announced};
use super::request::{Request, parse};
use super::shared::Shared;
use crate::redis_client::{Deadline, Received};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::sys::utsname::uname;
use nix::unistd::{Uid, geteuid};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// PHP sends a command in one go, and reads its reply.
const PATIENCE: Duration = Duration::from_secs(10);
/// A socket's timeout must not be zero.
const LEAST: Duration = Duration::from_millis(1);
/// Far more than the PHP processes of a container.
const MOST_CLIENTS: u64 = 2000;
const NO_MEMORY: &[u8] =
    b"-ERR the session proxy has no memory left for a session of this size: others take it all\r\n";

/// What PHP calls itself in a lock: `host|process`. `None` for another user, as a second safeguard: only its owner
/// can enter the socket's folder. If the app runs as root, php-fpm's workers have other users. A process of
/// another container has the number 0 here, which no lock has.
fn owner(client: &UnixStream) -> Option<Vec<u8>> {
    let (peer, ours) = (getsockopt(client, PeerCredentials).ok()?, geteuid());
    let uid = Uid::from_raw(peer.uid());
    let one_of_us = ours.is_root() || uid == ours || uid.is_root();
    let process = format!("|{}", peer.pid());
    let host = uname().ok()?.nodename().as_bytes().to_vec();
    one_of_us.then(|| [&host, process.as_bytes()].concat())
}

/// Serves a client until it is gone.
///
/// # Errors
/// Fails if the connection breaks.
pub(super) fn converse(mut client: &UnixStream, shared: &Shared) -> io::Result<()> {
    let Some(owner) = owner(client).filter(|_| shared.stats.clients.get() <= MOST_CLIENTS) else {
        shared.stats.refused.add();
        return Ok(());
    };
    client.set_write_timeout(Some(PATIENCE))?;
    let mut conversation = Conversation::new(shared, owner);
    let result = exchange(&mut client, &mut conversation, shared);
    conversation.release();
    result
}

fn exchange(
    client: &mut &UnixStream,
    conversation: &mut Conversation<'_>,
    shared: &Shared,
) -> io::Result<()> {
    let mut received = Received::default();
    let mut begun = Instant::now();
    let mut reserved = None;
    loop {
        let (request, length) = match parse(received.bytes()) {
            Ok(Some((parts, length))) => (Request::read(&parts, &shared.prefix), length),
            Ok(None) => {
                let first = received.bytes().is_empty();
                if !receive(client, &mut received, conversation, begun)? {
                    return Ok(());
                }
                if first {
                    begun = Instant::now();
                }
                if received.bytes().len() > SMALL && reserved.is_none() {
                    reserved = reserve(shared, announced(received.bytes()), conversation);
                    if reserved.is_none() {
                        shared.stats.refused.add();
                        return client.write_all(NO_MEMORY);
                    }
                    begun = Instant::now();
                }
                continue;
            }
            Err(refusal) => {
                shared.stats.refused.add();
                // Nobody knows where the next command would begin.
                return write!(client, "-{refusal}\r\n");
            }
        };
        received.take(length);
        let answer = match request {
            Ok(request) => {
                let writes = matches!(request, Request::Write { .. });
                let answer = conversation.answer(request);
                shared.stats.answered(writes, &answer);
                answer
            }
            Err(refusal) => {
                shared.stats.refused.add();
                format!("-{refusal}\r\n").into_bytes()
            }
        };
        reserved = None;
        client.write_all(&answer)?;
        // The received part of the next command has waited for this one.
        begun = Instant::now();
    }
}

/// Waits for more from PHP and renews its lock meanwhile; false if PHP is gone. `begun` is when a partly received
/// command began.
fn receive(
    client: &mut &UnixStream,
    received: &mut Received,
    conversation: &mut Conversation<'_>,
    begun: Instant,
) -> io::Result<bool> {
    let half = !received.bytes().is_empty();
    loop {
        if half && begun.elapsed() >= PATIENCE {
            return Err(ErrorKind::TimedOut.into());
        }
        let of_lock = conversation.patience();
        let of_command = half.then(|| PATIENCE.saturating_sub(begun.elapsed()));
        let timeout = of_lock.or(of_command).map(|timeout| timeout.max(LEAST));
        client.set_read_timeout(timeout)?;
        match received.read(client) {
            Ok(length) => return Ok(length > 0),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => conversation.renew(),
            Err(error) => return Err(error),
        }
    }
}

/// Waits for memory, and renews PHP's lock meanwhile.
fn reserve<'a>(
    shared: &'a Shared,
    bytes: usize,
    conversation: &mut Conversation<'_>,
) -> Option<Reservation<'a>> {
    let deadline = Deadline::after(PATIENCE);
    loop {
        let wait = conversation.patience().unwrap_or(PATIENCE).max(LEAST);
        let reserved = shared.memory.reserve(bytes, deadline.or_after(wait));
        if reserved.is_some() {
            return reserved;
        }
        if deadline.is_over() {
            log(format_args!(
                "a large session was refused: others take all memory that is for them"
            ));
            return None;
        }
        conversation.renew();
    }
}
