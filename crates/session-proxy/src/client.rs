//! A client of a running proxy: asks whether it answers, and for its status.

use super::request::{REACH, STATUS};
use super::status::Status;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use store_client::{Connection, Deadline, Reply};

/// What does not involve the service.
const PROXY_PATIENCE: Duration = Duration::from_secs(2);

/// A client of a proxy.
pub struct ProxyClient(PathBuf);

impl ProxyClient {
    /// A client of the proxy at this socket.
    #[must_use]
    pub fn new(socket: &Path) -> Self {
        Self(socket.to_owned())
    }

    /// Whether a working proxy answers.
    ///
    /// # Errors
    /// Fails if none does.
    pub fn answers(&self) -> io::Result<()> {
        match self.ask(&[b"ECHO", b"ready"], PROXY_PATIENCE)? {
            Reply::Bulk(text) if text == b"ready" => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Its status.
    ///
    /// # Errors
    /// Fails if it does not answer.
    pub fn status(&self) -> io::Result<Status> {
        match self.ask(&[STATUS.as_bytes()], PROXY_PATIENCE)? {
            Reply::Bulk(json) => Ok(serde_json::from_slice(&json)?),
            other => Err(unexpected(&other)),
        }
    }

    /// Whether the proxy reaches its service; if not, what it says. That may take as long as a request waits for the
    /// service, its `bound`.
    ///
    /// # Errors
    /// Fails if it does not, or if the proxy does not answer.
    pub fn reaches_service(&self, bound: Duration) -> io::Result<()> {
        match self.ask(&[REACH.as_bytes()], bound + PROXY_PATIENCE)? {
            Reply::Status(_) => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    fn ask(&self, parts: &[&[u8]], patience: Duration) -> io::Result<Reply> {
        let deadline = Deadline::after(patience);
        let mut connection = Connection::over_socket(UnixStream::connect(&self.0)?, deadline);
        connection.command(parts, deadline).map_err(io::Error::other)
    }
}

fn unexpected(reply: &Reply) -> io::Error {
    io::Error::other(match reply {
        Reply::Error(error) => error.to_string(),
        other => format!("it answers {other:?}"),
    })
}
