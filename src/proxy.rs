//! The session proxy: a program between PHP and Redis, behind a socket file. PHP's handler speaks to it as to a
//! server; it keeps few connections to the service, heals them, and locks sessions in one round trip.

mod conversation;
pub mod credentials;
mod pool;
pub mod request;
mod scripts;
mod stats;
pub mod status;
mod turns;
mod upstream;
pub mod worker;
