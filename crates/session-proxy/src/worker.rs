//! The worker: serves PHP's connections, each in its own thread. PHP's processes are few, and mostly busy with
//! something else.

use super::credentials::Read;
use super::log::log;
use super::memcached;
use super::metrics;
use super::sessions::Sessions;
use super::settings::Settings;
use super::shared::Shared;
use super::signals::wait;
use super::status::Site;
use super::upstream::Access;
use nix::poll::PollTimeout;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use store_client::{Deadline, MemcachedEndpoint};

const STACK: usize = 512 << 10;
/// How often to look again, once its end has come.
const LOOKED_EVERY: u16 = 100;
/// How long a connection waits for a thread, if the container has as many as it may have.
const THREAD_PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(20);
/// The pause if the container has too many open files.
const FILES_PAUSE: Duration = Duration::from_millis(100);

/// What a worker does about connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Takes them.
    Serving,
    /// Takes them, and ends when there are none.
    Leaving,
    /// Leaves new ones to another worker, and ends when there are none.
    Retired,
}

/// What a worker's life depends on, and whether it takes new connections meanwhile. It never ends before its last client.
pub trait Life {
    /// Becomes readable when this life comes to its end.
    fn end(&self) -> BorrowedFd<'_>;

    /// Hangs up when the worker gives up what only one of them can have.
    ///
    /// # Errors
    /// Fails if the process has too many files.
    fn lifeline(&self) -> io::Result<Option<OwnedFd>>;

    /// What to do from the end on, with so many clients; to be asked again and again.
    fn after_end(&mut self, listener: &UnixListener, clients: u64) -> Stage;
}

/// A worker that is ready to serve.
pub struct Worker {
    site: Arc<dyn Site>,
}

impl Worker {
    /// Reads the service's address and login.
    ///
    /// # Errors
    /// Fails if the service cannot be read.
    pub fn new(settings: Settings, read: Read<Access>) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::new(settings)?);
        Ok(Self { site: Arc::new(Sessions::new(shared, read)?) })
    }

    /// The same for Memcached.
    ///
    /// # Errors
    /// Fails if the service cannot be read.
    pub fn before_memcached(
        settings: Settings,
        read: Read<Access<MemcachedEndpoint>>,
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::new(settings)?);
        Ok(Self { site: Arc::new(memcached::Sessions::new(shared, read)?) })
    }

    /// Serves until this life ends, and the last client is gone.
    ///
    /// # Errors
    /// Fails if the socket accepts no connections.
    pub fn serve(&self, listener: &UnixListener, mut life: impl Life) -> anyhow::Result<()> {
        // Others may wait for the same connection, and be quicker.
        listener.set_nonblocking(true)?;
        self.serve_metrics(life.lifeline()?)?;
        let (mut stage, mut ends) = (Stage::Serving, false);
        loop {
            let listens = (stage != Stage::Retired).then(|| listener.as_fd());
            if ends {
                let _ = wait(listens.as_slice(), PollTimeout::from(LOOKED_EVERY));
            } else {
                let all: Vec<_> = listens.into_iter().chain([life.end()]).collect();
                ends = wait(&all, PollTimeout::NONE).get(1) == Some(&true);
            }
            if ends {
                stage = life.after_end(listener, self.clients());
            }
            if stage != Stage::Retired {
                while let Some(client) = accept(listener)? {
                    self.serve_client(client);
                }
            }
            if stage != Stage::Serving && self.clients() == 0 {
                return Ok(());
            }
        }
    }

    fn clients(&self) -> u64 {
        self.site.shared().stats.clients.get()
    }

    fn serve_metrics(&self, lifeline: Option<OwnedFd>) -> io::Result<()> {
        let Some(address) = self.site.shared().settings.metrics.clone() else { return Ok(()) };
        let site = self.site.clone();
        let serve = move || metrics::serve(&address, &*site, lifeline.as_ref());
        thread::Builder::new().spawn(serve).map(drop)
    }

    /// Counts the client before its thread begins, so that it is never overlooked at the end.
    fn serve_client(&self, client: UnixStream) {
        self.site.shared().stats.clients.inc();
        let (client, deadline) = (Arc::new(client), Deadline::after(THREAD_PATIENCE));
        loop {
            let (client, site) = (client.clone(), self.site.clone());
            let spawned = thread::Builder::new().stack_size(STACK).spawn(move || {
                // A client that is gone needs no reply.
                let _ = site.converse(&client);
                site.shared().stats.clients.dec();
            });
            match spawned {
                Ok(_) => return,
                Err(error) if deadline.is_over() => {
                    log(format_args!("no thread for a connection from PHP: {error}"));
                    self.site.shared().stats.clients.dec();
                    return;
                }
                Err(_) => thread::sleep(PAUSE),
            }
        }
    }
}

/// A connection that waits; `None` if there is none.
fn accept(listener: &UnixListener) -> io::Result<Option<UnixStream>> {
    match listener.accept() {
        Ok((client, _)) => Ok(Some(client)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidInput => Err(error),
        // The container has too many open files, or the client is already gone.
        Err(error) => {
            log(format_args!("no connection from PHP: {error}"));
            thread::sleep(FILES_PAUSE);
            Ok(None)
        }
    }
}
