//! The worker: serves PHP's connections, each in its own thread. PHP's processes are few, and mostly busy with
//! something else.

use super::conversation::Conversation;
use super::credentials::{Credentials, Read};
use super::log::log;
use super::metrics;
use super::pool::Pool;
use super::request::{Request, parse};
use super::sessions::Sessions;
use super::shared::{Secrets, Shared};
use super::socket_folder::random;
use super::stats::{Counter, Stats};
use super::turns::Turns;
use super::upstream::Service;
use crate::redis_client::Received;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::sys::utsname::uname;
use nix::unistd::{Uid, geteuid};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// PHP sends a command in one go, and reads its reply.
const PATIENCE: Duration = Duration::from_secs(10);
/// A socket's timeout must not be zero.
const LEAST: Duration = Duration::from_millis(1);
const STACK: usize = 512 << 10;
/// Far more than the PHP processes of a container.
const MOST_CLIENTS: u64 = 2000;

/// Whether another worker accepts new connections.
static RETIRED: AtomicBool = AtomicBool::new(false);

/// Leaves new connections to another worker. Accepted ones are still served.
pub(super) fn retire() {
    RETIRED.store(true, Ordering::Relaxed);
}

/// The settings of the proxy.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Unique to this container.
    pub container: String,
    /// The prefix of session keys.
    pub prefix: String,
    pub locking: bool,
    /// How long a request waits for the session's lock.
    pub lock_timeout: Duration,
    /// How long connecting to the service may take.
    pub connect_timeout: Duration,
    /// How long to wait for the service's reply.
    pub read_timeout: Duration,
    /// The maximum number of connections to the service.
    pub most_connections: usize,
    /// Where to serve metrics, `HOST:PORT`.
    pub metrics: Option<String>,
}

/// A worker that is ready to serve.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    prefix: Arc<[u8]>,
}

/// Serves until the process ends, or until all clients are gone after it has retired.
///
/// # Errors
/// Fails if the service cannot be read, or the socket accepts no connections.
pub fn serve(listener: &UnixListener, settings: Settings, read: Read) -> anyhow::Result<()> {
    Worker::new(settings, read)?.serve(listener)
}

impl Worker {
    /// Reads the service's address and login.
    pub(super) fn new(settings: Settings, read: Read) -> anyhow::Result<Self> {
        let stats = Arc::new(Stats::default());
        let credentials = Credentials::new(read)?;
        let pool = Pool::new(credentials, settings.most_connections, settings.connect_timeout);
        let service = Arc::new(Service::new(pool, settings.read_timeout, stats.clone()));
        let worker = random()?;
        let shared = Arc::new(Shared {
            sessions: Sessions::new(service.clone(), settings.prefix.clone(), worker.clone()),
            service,
            turns: Turns::default(),
            stats,
            secrets: Secrets { container: settings.container, worker, count: Counter::default() },
            locking: settings.locking,
            lock_timeout: settings.lock_timeout,
            started: Instant::now(),
            most_connections: settings.most_connections,
        });
        if let Some(address) = settings.metrics {
            let shared = shared.clone();
            thread::spawn(move || metrics::serve(&address, &shared));
        }
        let prefix = settings.prefix.into_bytes().into();
        Ok(Self { shared, prefix })
    }

    /// Serves until the process ends, or until all clients are gone after it has retired.
    pub(super) fn serve(&self, listener: &UnixListener) -> anyhow::Result<()> {
        let Self { shared, prefix } = self;
        while !RETIRED.load(Ordering::Relaxed) {
            let client = match listener.accept() {
                Ok((client, _)) => client,
                // The container has too many open files, or the client is already gone.
                Err(error) if error.kind() != ErrorKind::InvalidInput => {
                    log(format_args!("no connection from PHP: {error}"));
                    thread::sleep(Duration::from_millis(100));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let (shared, prefix) = (shared.clone(), prefix.clone());
            let spawned = thread::Builder::new().stack_size(STACK).spawn(move || {
                shared.stats.clients.add();
                // A client that is gone needs no reply.
                let _ = converse(&client, &shared, &prefix);
                shared.stats.clients.subtract();
            });
            if let Err(error) = spawned {
                log(format_args!("no thread for a connection from PHP: {error}"));
            }
        }
        while shared.stats.clients.get() > 0 {
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

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

fn converse(mut client: &UnixStream, shared: &Shared, prefix: &[u8]) -> io::Result<()> {
    let Some(owner) = owner(client).filter(|_| shared.stats.clients.get() <= MOST_CLIENTS) else {
        shared.stats.refused.add();
        return Ok(());
    };
    client.set_write_timeout(Some(PATIENCE))?;
    let mut conversation = Conversation::new(shared, owner);
    let result = exchange(&mut client, &mut conversation, shared, prefix);
    conversation.release();
    result
}

fn exchange(
    client: &mut &UnixStream,
    conversation: &mut Conversation<'_>,
    shared: &Shared,
    prefix: &[u8],
) -> io::Result<()> {
    let mut received = Received::default();
    let mut begun = Instant::now();
    loop {
        let (request, length) = match parse(received.bytes()) {
            Ok(Some((parts, length))) => (Request::read(&parts, prefix), length),
            Ok(None) => {
                let first = received.bytes().is_empty();
                if !receive(client, &mut received, conversation, begun)? {
                    return Ok(());
                }
                if first {
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
            Ok(request) => conversation.answer(request),
            Err(refusal) => {
                shared.stats.refused.add();
                format!("-{refusal}\r\n").into_bytes()
            }
        };
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
