//! What is said over a connection of PHP: its requests and our answers, in turn.

use super::log::log;
use super::memory::{Budget, Reservation, SMALL};
use super::shared::Shared;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::sys::utsname::uname;
use nix::unistd::{Uid, geteuid};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use store_client::{Deadline, Received};

/// PHP sends a command in one go, and reads its reply.
const PHP_PATIENCE: Duration = Duration::from_secs(10);
/// A socket's timeout must not be zero.
const LEAST: Duration = Duration::from_millis(1);
/// No timeout.
const ENDLESS: Duration = Duration::MAX;
/// Far more than the PHP processes of a container.
const MOST_CLIENTS: u64 = 2000;

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

/// The locks of a connection, which end with it.
pub(super) trait Locks {
    /// How long PHP may be silent until there is a lock to look after.
    fn patience(&self) -> Option<Duration>;

    /// Looks after the lock while PHP works and waits for no reply.
    fn renew(&mut self);

    /// Releases the lock: PHP is gone, or wants another session.
    fn release(&mut self);
}

/// What is said in the protocol of one of PHP's handlers.
pub(super) trait Dialogue: Locks {
    type Request;

    /// The request at the start of `bytes`, and its length; `None` if it is incomplete. What cannot be granted has its
    /// answer already. Fails with the last answer if nobody knows where the next request would begin.
    fn parse(&self, bytes: &[u8]) -> Result<Option<ParsedRequest<Self::Request>>, Vec<u8>>;

    /// How long the request at the start of `bytes` will be, as far as the received part tells.
    fn announced(&self, bytes: &[u8]) -> usize;

    /// The answer where there is no memory for the request at the start of `bytes`.
    fn no_memory(&self, bytes: &[u8]) -> Vec<u8>;

    fn answer(&mut self, request: Self::Request) -> Vec<u8>;
}

/// A request or its refusal, and its length.
pub(super) type ParsedRequest<R> = (Result<R, Vec<u8>>, usize);

/// Serves a client until it is gone. `begin` begins the conversation, with what PHP calls itself.
pub(super) fn converse<D: Dialogue>(
    mut client: &UnixStream,
    shared: &Shared,
    begin: impl FnOnce(Vec<u8>) -> D,
) -> io::Result<()> {
    let few = shared.stats.clients.get() <= MOST_CLIENTS;
    let Some(owner) = owner(client).filter(|_| few) else {
        shared.stats.refused.inc();
        return Ok(());
    };
    client.set_write_timeout(Some(PHP_PATIENCE))?;
    let mut dialogue = begin(owner);
    let result = exchange(&mut client, &mut dialogue, shared);
    dialogue.release();
    result
}

fn exchange(
    client: &mut &UnixStream,
    dialogue: &mut impl Dialogue,
    shared: &Shared,
) -> io::Result<()> {
    let stats = &shared.stats;
    let mut received = Received::default();
    let mut timeout = ENDLESS;
    let mut begun = Instant::now();
    let mut reserved = None;
    loop {
        let (request, length) = match dialogue.parse(received.bytes()) {
            Ok(Some(parsed)) => parsed,
            Ok(None) => {
                let first = received.bytes().is_empty();
                if !receive(client, &mut timeout, &mut received, dialogue, begun)? {
                    return Ok(());
                }
                if first {
                    begun = Instant::now();
                }
                if received.bytes().len() > SMALL && reserved.is_none() {
                    let announced = dialogue.announced(received.bytes());
                    reserved = reserve(&shared.memory, announced, dialogue);
                    if reserved.is_none() {
                        stats.refused.inc();
                        return client.write_all(&dialogue.no_memory(received.bytes()));
                    }
                    begun = Instant::now();
                }
                continue;
            }
            Err(refusal) => {
                stats.refused.inc();
                return client.write_all(&refusal);
            }
        };
        received.take(length);
        let answer = match request {
            Ok(request) => dialogue.answer(request),
            Err(refusal) => {
                stats.refused.inc();
                refusal
            }
        };
        reserved = None;
        client.write_all(&answer)?;
        // The received part of the next command has waited for this one.
        begun = Instant::now();
    }
}

/// Waits for more from PHP and renews its lock meanwhile; false if PHP is gone. `begun` is when a partly received
/// command began. `timeout` is what the socket has: a shorter one than needed costs a look at the lock when it is over, a
/// new one for each command a system call.
fn receive(
    client: &mut &UnixStream,
    timeout: &mut Duration,
    received: &mut Received,
    dialogue: &mut impl Dialogue,
    begun: Instant,
) -> io::Result<bool> {
    let half = !received.bytes().is_empty();
    let mut is_over = false;
    loop {
        let of_command = half.then(|| PHP_PATIENCE.saturating_sub(begun.elapsed()));
        if of_command.is_some_and(|left| left.is_zero()) {
            return Err(ErrorKind::TimedOut.into());
        }
        let needed = dialogue.patience().or(of_command).map_or(ENDLESS, |it| it.max(LEAST));
        if needed < *timeout || is_over && needed != *timeout {
            client.set_read_timeout((needed != ENDLESS).then_some(needed))?;
            *timeout = needed;
        }
        match received.read(client) {
            Ok(length) => return Ok(length > 0),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                dialogue.renew();
                is_over = true;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Waits for memory, and renews PHP's lock meanwhile.
fn reserve<'a>(
    memory: &'a Budget,
    bytes: usize,
    dialogue: &mut impl Dialogue,
) -> Option<Reservation<'a>> {
    let deadline = Deadline::after(PHP_PATIENCE);
    loop {
        let wait = dialogue.patience().unwrap_or(PHP_PATIENCE).max(LEAST);
        let reserved = memory.reserve(bytes, deadline.or_after(wait));
        if reserved.is_some() {
            return reserved;
        }
        if deadline.is_over() {
            log(format_args!(
                "a large session was refused: others take all memory that is for them"
            ));
            return None;
        }
        dialogue.renew();
    }
}

#[cfg(test)]
mod tests {
    use super::super::sessions::Sessions;
    use super::super::settings::{Settings, Waits};
    use super::super::status::Site;
    use super::super::upstream::Access;
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixListener;
    use std::sync::Arc;
    use std::thread;
    use store_client::{RedisEndpoint, Target};

    const END: &[u8] = b"the end\r\n";

    /// A proxy before a service that says `OK` to whatever ends like this.
    fn proxy(socket: &std::path::Path) -> Arc<Sessions> {
        let listener = UnixListener::bind(socket).unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().filter_map(Result::ok) {
                let mut bytes = [0; 8192];
                while let Ok(length @ 1..) = stream.read(&mut bytes) {
                    if bytes[..length].ends_with(END) {
                        stream.write_all(b"+OK\r\n").unwrap();
                    }
                }
            }
        });
        let target = Target::Unix(socket.to_owned());
        let endpoint = RedisEndpoint { target, auth: None, database: None };
        let access = Access { endpoint, verify_peer: true };
        let second = Duration::from_secs(1);
        let waits = Waits { lock: second, failover: second * 5 };
        let settings = Settings {
            container: String::new(),
            prefix: "P:".to_owned(),
            locking: true,
            waits,
            waits_in_cluster: waits,
            connect_timeout: second,
            read_timeout: second,
            wait_replicas: 0,
            most_connections: 4,
            metrics: None,
        };
        let shared = Arc::new(Shared::new(settings).unwrap());
        Arc::new(Sessions::new(shared, Box::new(move || Ok(access.clone()))).unwrap())
    }

    /// PHP's side of a connection.
    fn connect(proxy: &Arc<Sessions>) -> UnixStream {
        let (php, ours) = UnixStream::pair().unwrap();
        let proxy = proxy.clone();
        thread::spawn(move || proxy.converse(&ours));
        php.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        php
    }

    fn answered(php: &mut UnixStream) -> bool {
        let mut answer = [0; 5];
        php.read_exact(&mut answer).is_ok_and(|()| &answer == b"+OK\r\n")
    }

    /// A write of this length, of which so much is sent.
    fn write(php: &mut UnixStream, length: usize, sent: usize) {
        let head = format!("*4\r\n$5\r\nSETEX\r\n$3\r\nP:a\r\n$4\r\n1440\r\n${length}\r\n");
        php.write_all(head.as_bytes()).unwrap();
        php.write_all(&vec![b'x'; sent]).unwrap();
        if sent + END.len() - 2 == length {
            php.write_all(END).unwrap();
        }
    }

    #[test]
    fn large_commands_wait_until_there_is_memory_for_them_and_small_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let proxy = proxy(&folder.path().join("service.sock"));
        let (mut large, mut next) = (connect(&proxy), connect(&proxy));
        write(&mut large, (64 << 20) - 100, 100 << 10);
        let begun = Instant::now();
        // It has its memory as soon as there is none for another one.
        while proxy.shared.memory.reserve(1 << 20, Deadline::after(Duration::ZERO)).is_some() {
            assert!(begun.elapsed() < Duration::from_mins(1));
            thread::yield_now();
        }
        write(&mut next, (100 << 10) + 7, 100 << 10);
        assert!(!answered(&mut next));
        let mut small = connect(&proxy);
        write(&mut small, 107, 100);
        assert!(answered(&mut small));
        drop(large);
        next.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        assert!(answered(&mut next));
        assert!(proxy.shared.memory.reserve(64 << 20, Deadline::after(LEAST)).is_some());
    }
}
