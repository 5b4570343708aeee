//! The session proxy: a program between PHP and Redis that listens on a Unix socket. To PHP's handler it looks
//! like a Redis server. It keeps a few connections to the service, repairs them, and locks sessions in one round
//! trip.

mod answer;
pub mod cli;
mod client;
mod conversation;
pub mod credentials;
mod exchange;
mod key_space;
mod life;
mod lock;
mod log;
mod memory;
mod metrics;
mod pool;
pub mod request;
mod scripts;
mod seen;
mod sessions;
mod shared;
mod signals;
pub(crate) mod socket_folder;
mod start;
mod stats;
pub(crate) mod status;
mod supervisor;
mod trial;
mod turns;
mod upstream;
pub mod worker;

pub(crate) use client::reaches_service;
pub use start::{StartError, find, start};
pub(crate) use trial::ProxyTrial;
