//! Asks the server what only it knows: whether it is a cluster node.

use crate::config::options::Options;
use crate::endpoint::{Endpoint, Reading};
use std::time::Duration;
use store_client::{Client, Deadline, RedisEndpoint, Reply, Target};

/// For the whole question. A server that is down or slow is assumed to be a single one.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The endpoint that the credentials mean, and the unused credentials. Asks the server only if the credentials
/// leave it open.
pub(super) fn settled(reading: Reading, options: &Options) -> (Endpoint, Vec<String>) {
    let Reading { endpoint, mut unused, nodes_if_cluster: nodes, .. } = reading;
    let Endpoint::Redis(mut redis) = endpoint else { return (endpoint, unused) };
    if !nodes.is_empty() && is_cluster_node(&redis, options) {
        unused.retain(|name| !name.eq_ignore_ascii_case("hosts"));
        let tls = redis.tls().cloned();
        redis.target = Target::Cluster { nodes, tls };
        redis.database = None;
    }
    (Endpoint::Redis(redis), unused)
}

fn is_cluster_node(endpoint: &RedisEndpoint, options: &Options) -> bool {
    let verify = options.verify_peer.unwrap_or(true);
    let deadline = Deadline::after(TIMEOUT);
    let answer = Client::new(endpoint, verify).and_then(|client| client.connect(deadline));
    let Ok(mut connection) = answer else { return false };
    match connection.command(&[b"INFO", b"cluster"], deadline) {
        Ok(Reply::Bulk(text)) => {
            String::from_utf8_lossy(&text).lines().any(|line| line.trim() == "cluster_enabled:1")
        }
        _ => false,
    }
}
