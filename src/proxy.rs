//! The program `session-proxy`: reads what the [session proxy](session_proxy) serves, starts it and keeps it running.

pub mod cli;
mod life;
mod start;
mod supervisor;

pub use start::{StartError, find, start};
