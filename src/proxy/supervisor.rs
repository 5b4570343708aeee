//! The supervisor: holds the listening socket, so that PHP can connect at any time, and restarts the worker when
//! it ends.

use super::log::log;
use super::socket_folder::Place;
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

/// The pause before the next worker if one did not live long.
const PAUSE: Duration = Duration::from_millis(500);
/// How often to check that the socket still exists.
const LOOK: Duration = Duration::from_millis(250);

/// Supervises until the container ends; returns at once if this place already has a proxy.
///
/// # Errors
/// Fails if the socket cannot be created.
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
            log(format_args!("the socket was removed; creating it again"));
            place.prepare().context("The session proxy's folder is of no use")?;
            lock = self::lock(place)?.unwrap_or(lock);
            listener = listen(place).context("The session proxy's socket cannot be made")?;
            // Connected clients stay with their worker.
            workers.start(&listener, place)?;
        }
    }
}

/// The launcher reads the output of exec.d programs until every writer has closed it; the supervisor has inherited
/// it, and closes it. It also leaves the app's process group.
fn leave_the_launch() {
    write_exec_d_program_output(ExecDProgramOutput::new(HashMap::new()));
    // Fails for the leader of a group, which is fine.
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

/// The socket of a supervisor that died, handed over by its worker.
fn inherited() -> Option<UnixListener> {
    let listener = UnixListener::from(stdin().as_fd().try_clone_to_owned().ok()?);
    // Only a socket has an address.
    listener.local_addr().is_ok().then_some(listener)
}

pub(super) fn listen(place: &Place) -> io::Result<UnixListener> {
    // Left over from a container that was stopped: the lock is ours.
    match fs::remove_file(place.socket()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(place.socket())?;
    place.open_socket()?;
    Ok(listener)
}

/// The worker, and earlier ones that still have clients.
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
            // The supervisor ends only with the process.
            let _ = ended.send((number, how));
        });
        Ok(())
    }

    /// Waits for a while for the end of the latest worker.
    fn wait(&self, ends: &Receiver<(u64, String)>) -> bool {
        match ends.recv_timeout(LOOK) {
            Ok((number, how)) if number == self.latest => {
                log(format_args!("the worker ended ({how}); starting it again"));
                true
            }
            Ok(_) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }
}

/// Starts another supervisor, which takes over the socket.
pub(super) fn succeed(listener: &UnixListener, place: &Place) -> io::Result<Child> {
    spawn("supervise", listener, place)
}

/// Starts this program with the socket as its standard input.
fn spawn(task: &str, listener: &UnixListener, place: &Place) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg0(SESSION_PROXY).arg(task).arg(place.folder());
    command.stdin(OwnedFd::from(listener.try_clone()?)).stdout(Stdio::null()).spawn()
}
