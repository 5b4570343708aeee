//! Starts the proxy of the container, or finds the one that runs.

use super::client::Client;
use super::place::Place;
use crate::launch::record::SESSION_PROXY;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Mostly it takes a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(1);

/// Why there is no proxy.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It cannot be run.
    #[error("The session proxy {} cannot be started: {error}.", .program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It does not answer.
    #[error(
        "The session proxy was started and does not answer at {}: {error}.\nWhat it says for itself stands above.", .socket.display()
    )]
    Silent {
        /// Where.
        socket: PathBuf,
        /// What was heard instead.
        error: io::Error,
    },
}

/// Gives the socket of a proxy that answers. `layer` is the session layer, `what` tells services apart.
///
/// # Errors
///
/// Fails if there is no folder for the socket, or the proxy does not answer in time.
pub fn start(layer: &Path, what: &str, tmp: Option<&str>) -> anyhow::Result<PathBuf> {
    let place = Place::make(tmp, &format!("{}\n{what}", layer.display()))?;
    let socket = place.socket();
    if Client::new(&socket).answers().is_ok() {
        return Ok(socket);
    }
    let program = layer.join("bin").join(SESSION_PROXY);
    let started = Instant::now();
    spawn(&program, &place).map_err(|error| StartError::Spawn { program, error })?;
    loop {
        match Client::new(&socket).answers() {
            Ok(()) => return Ok(socket),
            Err(error) if started.elapsed() > PATIENCE => {
                return Err(StartError::Silent { socket, error }.into());
            }
            Err(_) => sleep(PAUSE),
        }
    }
}

fn spawn(program: &Path, place: &Place) -> io::Result<()> {
    let mut command = Command::new(program);
    command.arg("supervise").arg(place.folder()).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log_of_container());
    command.spawn().map(drop)
}

/// What starts the container has its log. What is run in it later (`docker exec`) waits until its own output is
/// closed, and so must not share it.
fn log_of_container() -> Stdio {
    let first = parent_id() == 1;
    let log = || OpenOptions::new().append(true).open("/proc/1/fd/2");
    if first { Stdio::inherit() } else { log().map_or_else(|_| Stdio::null(), Stdio::from) }
}
