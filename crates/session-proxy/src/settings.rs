//! What the proxy is told.

use std::time::Duration;

/// The settings of the proxy.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Unique to this container.
    pub container: String,
    /// The prefix of session keys.
    pub prefix: String,
    pub locking: bool,
    /// How long a request waits for the session's lock.
    pub lock_timeout: Duration,
    /// How long connecting to the service may take.
    pub connect_timeout: Duration,
    /// How long to wait for the service's reply.
    pub read_timeout: Duration,
    /// How long a request waits for a service that does not reply, restarts, or fails over.
    pub failover_timeout: Duration,
    /// How many replicas have to acknowledge a write.
    pub wait_replicas: u32,
    /// The maximum number of connections to the service.
    pub most_connections: usize,
    /// Where to serve metrics, `HOST:PORT`.
    pub metrics: Option<String>,
}
