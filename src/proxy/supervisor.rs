//! The supervisor: holds the listening socket, so that PHP can connect at any time, and restarts the worker when
//! it ends. If the supervisor itself is killed, a worker starts another one.

use crate::launch::build_record::SESSION_PROXY;
use crate::launch::socket_folder::Place;
use anyhow::Context;
use libcnb::data::exec_d::ExecDProgramOutput;
use libcnb::exec_d::write_exec_d_program_output;
use nix::poll::PollTimeout;
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use nix::unistd::setsid;
use session_proxy::{block, log, wait};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, stdin, stdout};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The least time between the starts of two workers.
const PAUSE: Duration = Duration::from_millis(500);
/// How often to check that the socket still exists.
const LOOK: u16 = 250;

/// Supervises until the container ends; returns at once if this place already has a proxy.
pub(super) fn supervise(place: &Place) -> anyhow::Result<()> {
    leave_the_launch();
    let signals = ends_of_children()?;
    place.prepare().context("The session proxy's folder is of no use")?;
    let lock = place.lock().context("The session proxy's lock cannot be written")?;
    let Some(lock) = lock else { return Ok(()) };
    let listener = place.listen().context("The session proxy's socket cannot be made")?;
    Supervisor::new(place, lock, listener).run(&signals)
}

/// The same with the socket and the lock of a supervisor that died. A worker hands them over as standard input and
/// output.
pub(super) fn inherit(place: &Place) -> anyhow::Result<()> {
    let signals = ends_of_children()?;
    let lock = File::from(stdout().as_fd().try_clone_to_owned()?);
    let listener = UnixListener::from(stdin().as_fd().try_clone_to_owned()?);
    Supervisor::new(place, lock, listener).run(&signals)
}

/// Hands socket and lock to another supervisor.
pub(super) fn hand_over(place: &Place, listener: &UnixListener, lock: File) -> io::Result<Child> {
    let mut command = this_program("supervise", place)?;
    command.arg("inherit").stdin(OwnedFd::from(listener.try_clone()?)).stdout(lock).spawn()
}

/// The launcher reads the output of exec.d programs until every writer has closed it; the supervisor has inherited
/// it, and closes it. It also leaves the app's process group.
fn leave_the_launch() {
    write_exec_d_program_output(ExecDProgramOutput::new(HashMap::new()));
    // Fails for the leader of a group, which is fine.
    let _ = setsid();
}

/// Some platforms tell every process to end, and not the app alone, which still writes its sessions.
fn ends_of_children() -> anyhow::Result<SignalFd> {
    block(&[Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP])?;
    Ok(block(&[Signal::SIGCHLD])?)
}

struct Supervisor<'a> {
    place: &'a Place,
    lock: File,
    listener: UnixListener,
    /// The worker, and its lifeline: when that is closed, with the supervisor or before, it leaves new connections to others.
    worker: Option<(Child, UnixStream)>,
    /// Earlier workers, which still have clients of a socket that was removed.
    retired: Vec<Child>,
    /// When a worker was last started, or could not be.
    started: Option<Instant>,
}

impl<'a> Supervisor<'a> {
    fn new(place: &'a Place, lock: File, listener: UnixListener) -> Self {
        Self { place, lock, listener, worker: None, retired: Vec::new(), started: None }
    }

    fn run(mut self, signals: &SignalFd) -> anyhow::Result<()> {
        loop {
            match self.keep_the_place() {
                Ok(true) => {}
                Ok(false) => {
                    log(format_args!("another session proxy has taken over the folder"));
                    return Ok(());
                }
                Err(error) => log(format_args!("the socket is gone and cannot be made: {error}")),
            }
            self.keep_a_worker();
            let _ = wait(&[signals.as_fd()], PollTimeout::from(LOOK));
            while let Ok(Some(_)) = signals.read_signal() {}
        }
    }

    /// Creates the socket again if PHP no longer reaches ours; false if somebody else has the folder.
    fn keep_the_place(&mut self) -> io::Result<bool> {
        if self.place.is_locked_by(&self.lock) && self.place.leads_to(&self.listener) {
            return Ok(true);
        }
        self.place.prepare()?;
        if !self.place.is_locked_by(&self.lock) {
            let Some(lock) = self.place.lock()? else { return Ok(false) };
            self.lock = lock;
        }
        self.listener = self.place.listen()?;
        log(format_args!("the socket was removed; it is there again"));
        // Connected clients stay with their worker.
        self.retired.extend(self.worker.take().map(|(child, _)| child));
        self.started = None;
        Ok(true)
    }

    fn keep_a_worker(&mut self) {
        self.retired.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        if let Some((child, _)) = &mut self.worker {
            let how = match child.try_wait() {
                Ok(None) => return,
                Ok(Some(how)) => how.to_string(),
                Err(error) => error.to_string(),
            };
            log(format_args!("the worker ended ({how}); starting it again"));
            self.worker = None;
        }
        if self.started.is_some_and(|started| started.elapsed() < PAUSE) {
            return;
        }
        self.started = Some(Instant::now());
        match self.start_a_worker() {
            Ok(worker) => self.worker = Some(worker),
            Err(error) => log(format_args!("the worker cannot be started: {error}")),
        }
    }

    fn start_a_worker(&self) -> io::Result<(Child, UnixStream)> {
        let (lifeline, workers) = UnixStream::pair()?;
        let mut command = this_program("work", self.place)?;
        command.stdin(OwnedFd::from(self.listener.try_clone()?)).stdout(OwnedFd::from(workers));
        Ok((command.spawn()?, lifeline))
    }
}

fn this_program(task: &str, place: &Place) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg0(SESSION_PROXY).arg(task).arg(place.folder()).stdout(Stdio::null());
    Ok(command)
}
