//! What a worker serves: the sessions of a service, for the connections of one of PHP's handlers.

use super::stats::Stats;
use std::io;
use std::os::unix::net::UnixStream;
use std::time::Instant;

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

    fn started(&self) -> Instant;

    fn stats(&self) -> &Stats;

    /// What the proxy counts, and its connections and queues as they are now.
    fn stats_now(&self) -> &Stats;

    /// Serves a client until it is gone.
    fn converse(&self, client: &UnixStream) -> io::Result<()>;
}
