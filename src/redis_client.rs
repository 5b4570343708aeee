//! A small, blocking Redis client: connects to an [endpoint](crate::endpoint::redis), logs in, and sends commands.
//! Every wait ends at a [`Deadline`].

mod certificate;
mod client;
mod command;
mod connection;
mod deadline;
mod distrust;
mod error;
mod received;
mod reply;
mod resolve;
mod tls;
mod trust;

pub use client::Client;
pub(crate) use client::dial;
pub use command::Command;
pub use connection::Connection;
pub use deadline::Deadline;
pub use distrust::Distrust;
pub use error::{Problem, RedisError, Step};
pub(crate) use received::Received;
pub use reply::{ErrorReply, ProtocolError, Reply};
pub(crate) use tls::expired_ca;
