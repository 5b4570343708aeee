//! What the proxy is told.

use std::time::Duration;

/// How long requests wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// For the session's lock.
    pub lock: Duration,
    /// For a service that does not reply, restarts, or fails over.
    pub failover: Duration,
}

/// The settings of the proxy.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Unique to this container.
    pub container: String,
    /// The prefix of session keys.
    pub prefix: String,
    pub locking: bool,
    pub waits: Waits,
    /// Once the service turns out to be a cluster.
    pub waits_in_cluster: Waits,
    /// How long connecting to the service may take.
    pub connect_timeout: Duration,
    /// How long to wait for the service's reply.
    pub read_timeout: Duration,
    /// How many replicas have to acknowledge a write.
    pub wait_replicas: u32,
    /// The maximum number of connections to the service.
    pub most_connections: usize,
    /// Where to serve metrics, `HOST:PORT`.
    pub metrics: Option<String>,
}
