//! What a worker serves: the sessions of a service, for the connections of one of PHP's handlers.

use super::shared::Shared;
use std::io;
use std::os::unix::net::UnixStream;

/// The sessions of a service.
pub(super) trait Site: Send + Sync {
    /// The service without its password.
    fn service(&self) -> String;

    /// What kind of service it is, as far as is known.
    fn topology(&self) -> String;

    /// The primary that Sentinels named last, if there are any.
    fn primary(&self) -> Option<String> {
        None
    }

    /// The number of connections, and of idle ones.
    fn counts(&self) -> (usize, usize);

    /// Serves a client until it is gone.
    fn converse(&self, shared: &Shared, client: &UnixStream) -> io::Result<()>;
}
