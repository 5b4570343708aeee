//! Asks the server what only it knows: whether it is a cluster node.

use crate::endpoint::{Endpoint, Reading};
use crate::plan::Plan;
use std::time::Duration;
use store_client::{Client, Deadline, RedisEndpoint, Reply, Target};

/// For the whole question. A server that is down or slow is assumed to be a single one.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The plan that the credentials and the options mean. Asks the server only if the credentials leave it open; if it is
/// a cluster node, `hosts` are no longer among the reading's unused credentials.
pub(super) fn settled(reading: &mut Reading) -> Plan {
    let plan = Plan::settle(reading.endpoint.clone(), &reading.options);
    let Endpoint::Redis(redis) = &reading.endpoint else { return plan };
    if reading.nodes_if_cluster.is_empty() || !is_cluster_node(redis, plan.verify_peer) {
        return plan;
    }
    reading.unused.retain(|name| !name.eq_ignore_ascii_case("hosts"));
    let (nodes, tls) = (reading.nodes_if_cluster.clone(), redis.tls().cloned());
    let target = Target::Cluster { nodes, tls };
    let cluster = RedisEndpoint { target, database: None, ..redis.clone() };
    Plan::settle(Endpoint::Redis(cluster), &reading.options)
}

fn is_cluster_node(endpoint: &RedisEndpoint, verify_peer: bool) -> bool {
    let deadline = Deadline::after(TIMEOUT);
    let answer = Client::new(endpoint, verify_peer).and_then(|client| client.connect(deadline));
    let Ok(mut connection) = answer else { return false };
    match connection.command(&[b"INFO", b"cluster"], deadline) {
        Ok(Reply::Bulk(text)) => {
            String::from_utf8_lossy(&text).lines().any(|line| line.trim() == "cluster_enabled:1")
        }
        _ => false,
    }
}
