//! What a worker's life depends on: a platform, or a supervisor.

use super::supervisor::hand_over;
use crate::launch::socket_folder::Place;
use nix::sys::signalfd::SignalFd;
use session_proxy::{Life, Stage, log};
use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::process::Child;
use std::time::{Duration, Instant};

/// The pause before the next supervisor, if one did not live long.
const PAUSE: Duration = Duration::from_millis(500);

/// Lives until a signal of a platform that starts, restarts and stops it.
pub(super) struct UntilTold(pub(super) SignalFd);

/// The connection to the supervisor that started the worker.
pub(super) struct Lifeline {
    /// Hangs up when the supervisor dies, or has another worker.
    connection: OwnedFd,
    place: Place,
    successor: Option<(Child, Instant)>,
    /// Whether somebody else had the lock when it was last looked at.
    is_taken: bool,
}

impl Life for UntilTold {
    fn end(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn lifeline(&self) -> io::Result<Option<OwnedFd>> {
        Ok(None)
    }

    /// A stopping app still writes, over new connections too.
    fn after_end(&mut self, _: &UnixListener, clients: u64) -> Stage {
        if let Ok(Some(_)) = self.0.read_signal() {
            log(format_args!("told to end; serving until PHP's connections are gone: {clients}"));
        }
        Stage::Leaving
    }
}

impl Life for Lifeline {
    fn end(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }

    fn lifeline(&self) -> io::Result<Option<OwnedFd>> {
        self.connection.try_clone().map(Some)
    }

    /// As long as this worker lives, there is a supervisor. It retires only if there is one.
    fn after_end(&mut self, listener: &UnixListener, _: u64) -> Stage {
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
}

impl Lifeline {
    pub(super) fn new(connection: OwnedFd, place: Place) -> Self {
        Self { connection, place, successor: None, is_taken: false }
    }

    fn ensure_supervisor(&mut self, listener: &UnixListener) -> io::Result<bool> {
        let lock = match self.place.lock() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.place.prepare()?;
                self.place.lock()?
            }
            lock => lock?,
        };
        // A supervisor that has just died may still have it for a moment.
        let was_taken = mem::replace(&mut self.is_taken, lock.is_none());
        let Some(lock) = lock else { return Ok(was_taken) };
        if self.successor.as_ref().is_some_and(|(_, started)| started.elapsed() < PAUSE) {
            return Ok(false);
        }
        log(format_args!("the supervisor died; starting another one"));
        let child = hand_over(&self.place, listener, lock)?;
        self.successor = Some((child, Instant::now()));
        Ok(true)
    }
}
