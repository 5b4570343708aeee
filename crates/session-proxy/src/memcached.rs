//! Sessions in Memcached: to PHP's memcached handler the proxy looks like a Memcached server. What goes to the servers is
//! as few round trips as is safe, with the handler's own keys, so that instances without the proxy respect its locks.

mod binary;
mod connection;
mod conversation;
mod in_time;
mod lock;
mod op;
mod request;
mod ring;
mod servers;
mod service;
mod sessions;
mod text;
mod trial;
mod wire;

use crate::exchange::converse;
use crate::shared::Shared;
use crate::status::{ServiceStatus, Site};
pub use connection::MemcachedFault;
use conversation::Conversation;
pub use lock::LOCK_ANSWER;
pub use request::Incoming;
pub(super) use service::Sessions;
use std::io;
use std::os::unix::net::UnixStream;
pub use trial::MemcachedTrial;
pub use wire::reply_lengths;

impl Site for Sessions {
    fn shared(&self) -> &Shared {
        &self.shared
    }

    fn service(&self) -> ServiceStatus {
        let servers = self.servers();
        let topology = match servers.count() {
            1 => "single server".to_owned(),
            count => format!("{count} servers"),
        };
        let connections = servers.pool.counts();
        ServiceStatus { name: servers.to_string(), topology, primary: None, connections }
    }

    fn converse(&self, client: &UnixStream) -> io::Result<()> {
        converse(client, &self.shared, |peer| Conversation::new(self, peer))
    }
}
