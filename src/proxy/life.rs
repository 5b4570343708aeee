//! How long a worker lives, and whether it takes new connections meanwhile. It never ends before its last client.

use super::log::log;
use super::socket_folder::Place;
use super::supervisor::hand_over;
use nix::sys::signalfd::SignalFd;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::process::Child;
use std::time::{Duration, Instant};

/// The pause before the next supervisor, if one did not live long.
const PAUSE: Duration = Duration::from_millis(500);

/// What a worker does about connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Takes them.
    Serving,
    /// Takes them, and ends when there are none.
    Leaving,
    /// Leaves new ones to another worker, and ends when there are none.
    Retired,
}

/// What a worker's life depends on.
pub(super) enum Life {
    /// Nothing: it serves as long as the process lives.
    Endless,
    /// A signal, from a platform that starts, restarts and stops it.
    Platform(SignalFd),
    /// A supervisor.
    Supervisor(Lifeline),
}

/// The connection to the supervisor that started the worker.
pub(super) struct Lifeline {
    /// Hangs up when the supervisor dies, or has another worker.
    connection: OwnedFd,
    place: Place,
    successor: Option<(Child, Instant)>,
}

impl Life {
    pub(super) fn supervised(connection: OwnedFd, place: Place) -> Self {
        Self::Supervisor(Lifeline { connection, place, successor: None })
    }

    /// Becomes readable when this life comes to its end.
    pub(super) fn end(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Endless => None,
            Self::Platform(signal) => Some(signal.as_fd()),
            Self::Supervisor(lifeline) => Some(lifeline.connection.as_fd()),
        }
    }

    /// Hangs up when the worker gives up what only one of them can have.
    pub(super) fn lifeline(&self) -> io::Result<Option<OwnedFd>> {
        match self {
            Self::Endless | Self::Platform(_) => Ok(None),
            Self::Supervisor(lifeline) => lifeline.connection.try_clone().map(Some),
        }
    }

    /// What to do from the end on; to be asked again and again.
    pub(super) fn after_end(&mut self, listener: &UnixListener, clients: u64) -> Stage {
        match self {
            Self::Endless => Stage::Serving,
            // A stopping app still writes, over new connections too.
            Self::Platform(signal) => {
                if let Ok(Some(_)) = signal.read_signal() {
                    log(format_args!(
                        "told to end; serving until PHP's connections are gone: {clients}"
                    ));
                }
                Stage::Leaving
            }
            Self::Supervisor(lifeline) => lifeline.after_end(listener),
        }
    }
}

impl Lifeline {
    /// As long as this worker lives, there is a supervisor. It retires only if there is one.
    fn after_end(&mut self, listener: &UnixListener) -> Stage {
        if let Some((child, _)) = &mut self.successor {
            // So that it does not stay a zombie.
            let _ = child.try_wait();
        }
        match self.ensure_supervisor(listener) {
            // Whoever has the same socket takes its connections.
            Ok(true) if self.place.leads_to(listener) => Stage::Retired,
            // Nobody else has it. New ones cannot come, but some may be waiting.
            Ok(true) => Stage::Leaving,
            Ok(false) => Stage::Serving,
            Err(error) => {
                log(format_args!("cannot start a supervisor: {error}"));
                Stage::Serving
            }
        }
    }

    fn ensure_supervisor(&mut self, listener: &UnixListener) -> io::Result<bool> {
        let lock = match self.place.lock() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.place.prepare()?;
                self.place.lock()?
            }
            lock => lock?,
        };
        let Some(lock) = lock else { return Ok(true) };
        if self.successor.as_ref().is_some_and(|(_, started)| started.elapsed() < PAUSE) {
            return Ok(false);
        }
        log(format_args!("the supervisor died; starting another one"));
        let child = hand_over(&self.place, listener, lock)?;
        self.successor = Some((child, Instant::now()));
        Ok(true)
    }
}
