//! Starts the container's proxy, or finds the running one.

use crate::config::variables::PROXY_FOLDER;
use crate::launch::build_record::SESSION_PROXY;
use crate::launch::route::ProxyWanted;
use crate::launch::socket_folder::Place;
use session_proxy::ProxyClient;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// It usually takes a few milliseconds.
const OWN_PROXY_PATIENCE: Duration = Duration::from_secs(2);
/// The platform may start the app before the proxy.
const SIDECAR_PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);

/// Why no proxy can be used.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("The session proxy {} cannot be started: {error}.", .program.display())]
    Spawn { program: PathBuf, error: io::Error },
    #[error(
        "The session proxy was started but does not answer at {}: {error}.\nIts own messages are above.", .socket.display()
    )]
    Silent { socket: PathBuf, error: io::Error },
    #[error(
        "No session proxy answers at {}: {error}.\nRun the image's process type session-proxy beside the app, as the same user and with the same {PROXY_FOLDER} on a shared volume.", .socket.display()
    )]
    NotBeside { socket: PathBuf, error: io::Error },
}

/// Returns the socket of a proxy that answers.
///
/// # Errors
/// Fails if there is no folder for the socket, or the proxy does not answer in time.
pub fn start(wanted: &ProxyWanted<'_>) -> anyhow::Result<PathBuf> {
    if let Some(folder) = wanted.folder {
        let socket = Place::shared(folder).socket();
        let answered = wait_for(&socket, SIDECAR_PATIENCE);
        answered.map_err(|error| StartError::NotBeside { socket: socket.clone(), error })?;
        return Ok(socket);
    }
    let place = wanted.place()?;
    let socket = place.socket();
    if ProxyClient::new(&socket).answers().is_err() {
        let program = wanted.layer.join("bin").join(SESSION_PROXY);
        spawn(&program, &place).map_err(|error| StartError::Spawn { program, error })?;
        let answered = wait_for(&socket, OWN_PROXY_PATIENCE);
        answered.map_err(|error| StartError::Silent { socket: socket.clone(), error })?;
    }
    Ok(socket)
}

/// Finds the running proxy without starting one; `None` if none was started.
///
/// # Errors
/// Fails if one was started but does not answer.
pub fn find(wanted: &ProxyWanted<'_>) -> anyhow::Result<Option<PathBuf>> {
    if wanted.folder.is_some() {
        return start(wanted).map(Some);
    }
    let socket = wanted.place()?.socket();
    match ProxyClient::new(&socket).answers() {
        Ok(()) => Ok(Some(socket)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StartError::Silent { socket, error }.into()),
    }
}

fn wait_for(socket: &Path, patience: Duration) -> io::Result<()> {
    let started = Instant::now();
    loop {
        match ProxyClient::new(socket).answers() {
            Err(_) if started.elapsed() < patience => sleep(PAUSE),
            answered => return answered,
        }
    }
}

fn spawn(program: &Path, place: &Place) -> io::Result<()> {
    let mut command = Command::new(program);
    command.arg("supervise").arg(place.folder()).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log_of_container());
    command.spawn().map(drop)
}

/// The process that starts the container shares its log. A later command (`docker exec`) waits until its own
/// output is closed, so it must not share it with the proxy.
fn log_of_container() -> Stdio {
    let first = parent_id() == 1;
    let log = || OpenOptions::new().append(true).open("/proc/1/fd/2");
    if first { Stdio::inherit() } else { log().map_or_else(|_| Stdio::null(), Stdio::from) }
}
