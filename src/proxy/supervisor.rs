//! The supervisor: it holds the listening socket, so that PHP can connect at any time, and starts the worker again
//! when it ends.

use super::place::Place;
use super::stats::log;
use crate::launch::record::SESSION_PROXY;
use anyhow::Context;
use libcnb::data::exec_d::ExecDProgramOutput;
use libcnb::exec_d::write_exec_d_program_output;
use rustix::process::setsid;
use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between the end of a worker that did not live long and the next one.
const PAUSE: Duration = Duration::from_millis(500);

/// Supervises until the container ends; returns at once if there is another proxy in this place.
///
/// # Errors
///
/// Fails if there cannot be a socket.
pub(super) fn supervise(place: &Place) -> anyhow::Result<()> {
    leave_the_launch();
    place.prepare().context("The session proxy's folder is of no use")?;
    let lock = File::create(place.lock()).context("The session proxy's lock cannot be written")?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    let listener = listen(place).context("The session proxy's socket cannot be made")?;
    loop {
        let started = Instant::now();
        let ended = work(&listener).context("The session proxy cannot be started")?;
        log(format_args!("the worker ended ({ended}) and is started again"));
        if started.elapsed() < PAUSE {
            sleep(PAUSE);
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

fn listen(place: &Place) -> io::Result<UnixListener> {
    // Left over by a container that was stopped: the lock is ours.
    match fs::remove_file(place.socket()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(place.socket())?;
    place.open_socket()?;
    Ok(listener)
}

/// Runs a worker, which has the socket as its standard input, to its end.
fn work(listener: &UnixListener) -> io::Result<std::process::ExitStatus> {
    let socket = OwnedFd::from(listener.try_clone()?);
    Command::new(std::env::current_exe()?)
        .arg0(SESSION_PROXY)
        .arg("work")
        .stdin(Stdio::from(socket))
        .stdout(Stdio::null())
        .status()
}
