//! The session proxy: a program between PHP and Redis, behind a socket file. PHP's handler speaks to it as to a
//! server; it keeps few connections to the service, heals them, and locks sessions in one round trip.

mod answer;
pub mod cli;
mod client;
mod conversation;
pub mod credentials;
mod metrics;
mod pool;
pub mod request;
mod scripts;
mod shared;
pub(crate) mod socket_folder;
mod start;
mod stats;
pub(crate) mod status;
mod supervisor;
mod turns;
mod upstream;
pub mod worker;

pub(crate) use client::reaches_service;
pub use start::{StartError, find, start};
