//! The supervisor: it holds the listening socket, so that PHP can connect at any time, and starts the worker again
//! when it ends.

use super::socket_folder::Place;
use super::stats::log;
use crate::launch::build_record::SESSION_PROXY;
use anyhow::Context;
use libcnb::data::exec_d::ExecDProgramOutput;
use libcnb::exec_d::write_exec_d_program_output;
use nix::unistd::setsid;
use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, stdin};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// Between the end of a worker that did not live long and the next one.
const PAUSE: Duration = Duration::from_millis(500);
/// How often it looks whether the socket is still there.
const LOOK: Duration = Duration::from_millis(250);

/// Supervises until the container ends; returns at once if there is another proxy in this place.
///
/// # Errors
///
/// Fails if there cannot be a socket.
pub(super) fn supervise(place: &Place) -> anyhow::Result<()> {
    let inherited = inherited();
    if inherited.is_none() {
        leave_the_launch();
    }
    place.prepare().context("The session proxy's folder is of no use")?;
    let Some(mut lock) = lock(place)? else { return Ok(()) };
    let mut listener = match inherited {
        Some(listener) => listener,
        None => listen(place).context("The session proxy's socket cannot be made")?,
    };
    let (ended, ends) = channel();
    let mut workers = Workers { ended, latest: 0 };
    workers.start(&listener, place)?;
    loop {
        if workers.wait(&ends) {
            workers.start(&listener, place)?;
        } else if !place.socket().exists() {
            log(format_args!("the socket was removed, and is made again"));
            place.prepare().context("The session proxy's folder is of no use")?;
            lock = self::lock(place)?.unwrap_or(lock);
            listener = listen(place).context("The session proxy's socket cannot be made")?;
            // Those who are connected stay with the worker that they have.
            workers.start(&listener, place)?;
        }
    }
}

/// The launcher reads what its exec.d programs write until nobody can write any more; the supervisor has inherited
/// that, and closes it. The app's process group is none of its business either.
fn leave_the_launch() {
    write_exec_d_program_output(ExecDProgramOutput::new(HashMap::new()));
    // Fails for a leader of a group, which needs no other one.
    let _ = setsid();
}

/// `None` if another supervisor has it.
pub(super) fn lock(place: &Place) -> anyhow::Result<Option<File>> {
    let lock = File::create(place.lock()).context("The session proxy's lock cannot be written")?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// The socket of a supervisor that has died, handed over by its worker.
fn inherited() -> Option<UnixListener> {
    let listener = UnixListener::from(stdin().as_fd().try_clone_to_owned().ok()?);
    // Anything else than a socket has no address.
    listener.local_addr().is_ok().then_some(listener)
}

pub(super) fn listen(place: &Place) -> io::Result<UnixListener> {
    // Left over by a container that was stopped: the lock is ours.
    match fs::remove_file(place.socket()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(place.socket())?;
    place.open_socket()?;
    Ok(listener)
}

/// The worker, and those before it that still have clients.
struct Workers {
    ended: Sender<(u64, String)>,
    latest: u64,
}

impl Workers {
    fn start(&mut self, listener: &UnixListener, place: &Place) -> anyhow::Result<()> {
        let mut worker =
            spawn("work", listener, place).context("The session proxy cannot be started")?;
        self.latest += 1;
        let (number, ended, started) = (self.latest, self.ended.clone(), Instant::now());
        thread::spawn(move || {
            let how = worker.wait().map_or_else(|error| error.to_string(), |it| it.to_string());
            if started.elapsed() < PAUSE {
                sleep(PAUSE);
            }
            // The supervisor ends with the process only.
            let _ = ended.send((number, how));
        });
        Ok(())
    }

    /// Waits a while for the end of the latest worker.
    fn wait(&self, ends: &Receiver<(u64, String)>) -> bool {
        match ends.recv_timeout(LOOK) {
            Ok((number, how)) if number == self.latest => {
                log(format_args!("the worker ended ({how}) and is started again"));
                true
            }
            Ok(_) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }
}

/// Starts another supervisor, which takes the socket over.
pub(super) fn succeed(listener: &UnixListener, place: &Place) -> io::Result<Child> {
    spawn("supervise", listener, place)
}

/// Starts this program with the socket as its standard input.
fn spawn(task: &str, listener: &UnixListener, place: &Place) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg0(SESSION_PROXY).arg(task).arg(place.folder());
    command.stdin(OwnedFd::from(listener.try_clone()?)).stdout(Stdio::null()).spawn()
}
