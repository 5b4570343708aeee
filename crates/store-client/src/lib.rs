//! A small, blocking client for Redis: connects to an [endpoint](RedisEndpoint), logs in, and sends commands. Every wait
//! ends at a [`Deadline`]. A [`Dialer`] opens connections for other protocols.

mod address;
mod auth;
mod certificate;
mod client;
mod command;
mod connection;
mod deadline;
mod dialer;
mod distrust;
mod endpoint;
mod error;
mod greeting;
mod held_token;
mod issued;
mod memcached_endpoint;
mod printable;
mod random;
mod received;
mod reply;
mod resolve;
mod resp;
mod secret;
mod sentinels;
mod tls;
mod trust;

pub use address::{Address, Host, NO_BRACKETS, joined};
pub use auth::{Auth, shown_user};
pub use certificate::Date;
pub use client::Client;
pub use command::{Command, Parsed};
pub use connection::Connection;
pub use deadline::Deadline;
pub use dialer::{Dialer, Raw, dial};
pub use distrust::Distrust;
pub use endpoint::{RedisEndpoint, Sentinel, Target};
pub use error::{Activity, Problem, RedisError};
pub use issued::{IssuedLogin, Login, NoToken, Token, Tokens};
pub use memcached_endpoint::{MemcachedEndpoint, MemcachedLogin};
pub use printable::printable;
pub use random::random;
pub use received::Received;
pub use reply::{ErrorReply, Reply};
pub use resp::{MAX_VALUE, ProtocolError, bulk};
pub use secret::Secret;
pub use tls::{ClientIdentity, Pem, Tls, expired_ca};
