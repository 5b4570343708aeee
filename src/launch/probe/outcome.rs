//! What the probe can come to.

use std::time::Duration;

/// What the probe found.
#[derive(Debug)]
pub(in crate::launch) enum Outcome {
    /// A session would be kept.
    Kept {
        round_trip: Duration,
        /// How many connections the server allows, where it says so.
        max_clients: Option<u32>,
        /// What would fail with other settings of the app.
        limits: Vec<String>,
    },
    /// It fails now, and may not fail in a moment.
    Passing(String),
    /// TLS fails with our own library; PHP's OpenSSL may be of another opinion.
    Tls(String),
    /// No session can be kept there: what is wrong, and what to do.
    Refused(String),
}
