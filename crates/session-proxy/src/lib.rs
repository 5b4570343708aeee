//! The session proxy: stands between PHP and Redis or Memcached, and listens on a Unix socket. To PHP's handler it looks like
//! such a server. It keeps a few connections to the service, repairs them, and locks sessions in one round trip.
//!
//! It is given [`Settings`], a way to [`Read`] where the service is, and a [`Life`] to live by.

mod answer;
mod client;
mod cluster;
mod contest;
mod conversation;
mod credentials;
mod exchange;
mod key_space;
mod lock;
mod log;
mod memcached;
mod memory;
mod metrics;
mod pool;
mod request;
mod retry;
mod scripts;
mod seen;
mod sessions;
mod settings;
mod shared;
mod signals;
mod silence;
mod slots;
mod stats;
mod status;
mod trial;
mod troubles;
mod turns;
mod upstream;
mod worker;

pub use client::ProxyClient;
pub use credentials::Read;
pub use key_space::KeySpace;
pub use log::{finish, log};
pub use memcached::{Incoming, LOCK_ANSWER, MemcachedFault, MemcachedTrial, reply_lengths};
pub use request::{Refusal, Request, parse};
pub use settings::{Settings, Waits};
pub use signals::{block, wait};
pub use status::Status;
pub use trial::{node_of, session_in};
pub use upstream::Access;
pub use worker::{Life, Stage, Worker};
