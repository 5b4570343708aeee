//! The outcome of the probe.

use std::time::Duration;

/// What the probe found.
#[derive(Debug)]
pub(in crate::launch) enum Outcome {
    /// A session would be kept.
    Kept {
        round_trip: Duration,
        /// How many connections the server allows, if it tells.
        max_clients: Option<u32>,
        /// What would fail under other settings of the app.
        limits: Vec<String>,
    },
    /// It fails now, but that may pass.
    Passing(String),
    /// TLS fails with our library, but might work with PHP's OpenSSL.
    Tls(String),
    /// No session can be kept there; says what is wrong and what to do.
    Refused(String),
}
