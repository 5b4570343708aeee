//! Sessions in Memcached: to PHP's memcached handler the proxy looks like a Memcached server. What goes to the servers is
//! as few round trips as is safe, with the handler's own keys, so that instances without the proxy respect its locks.

mod binary;
mod connection;
mod conversation;
mod lock;
mod op;
mod request;
mod ring;
mod server;
mod servers;
mod sessions;
mod site;
mod text;
mod trial;
mod wire;

pub use connection::Fault;
pub use lock::LOCK_ANSWER;
pub use request::Incoming;
pub(super) use sessions::Sessions;
pub use trial::Trial;
pub use wire::reply_lengths;
