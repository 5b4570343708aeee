//! What it takes to talk to Redis and Memcached servers. For Redis, a small, blocking [`Client`] connects to an
//! [endpoint](RedisEndpoint), logs in, and sends commands. For Memcached, whose protocols are spoken elsewhere, a [`Dialer`]
//! opens connections. Every wait ends at a [`Deadline`].

mod address;
mod client;
mod command;
mod connection;
mod date;
mod deadline;
mod dialer;
mod distrust;
mod endpoint;
mod error;
mod greeting;
mod login;
mod printable;
mod random;
mod received;
mod reply;
mod resolve;
mod resp;
mod secret;
mod sentinels;
mod stream;
mod tls;
mod trust;

pub use address::{Address, Host, NO_BRACKETS, joined};
pub use client::Client;
pub use command::{Command, Parsed};
pub use connection::Connection;
pub use date::Date;
pub use deadline::Deadline;
pub use dialer::{Dialer, dial};
pub use distrust::Distrust;
pub use endpoint::{MemcachedEndpoint, MemcachedLogin, RedisEndpoint, Sentinel, Target};
pub use error::{Activity, Problem, RedisError};
pub use login::{Auth, IssuedLogin, Login, NoToken, Token, Tokens, shown_user};
pub use printable::printable;
pub use random::random;
pub use received::Received;
pub use reply::{ErrorReply, Reply};
pub use resp::{MAX_VALUE, ProtocolError, bulk};
pub use secret::Secret;
pub use stream::Stream;
pub use tls::{ClientIdentity, Pem, Tls, expired_ca};
