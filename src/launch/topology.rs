//! Asks the server what only it knows: whether it is a cluster node.

use crate::endpoint::{Endpoint, Reading};
use crate::plan::Plan;
use std::sync::OnceLock;
use std::time::Duration;
use store_client::{Client, Deadline, RedisEndpoint, Reply, Target};

/// For the whole question. A server that is down or slow is assumed to be a single one.
const TIMEOUT: Duration = Duration::from_secs(1);

/// What the server has said, once it has: the session proxy reads the credentials again and again.
#[derive(Default)]
pub(crate) struct Topology {
    is_cluster: OnceLock<bool>,
}

impl Topology {
    /// The plan that the credentials and the options mean. Asks the server only if the credentials leave it open; if it is
    /// a cluster node, `hosts` are no longer among the reading's unused credentials.
    pub(super) fn settle(&self, reading: &mut Reading) -> Plan {
        let plan = Plan::settle(reading.endpoint.clone(), &reading.options);
        let Endpoint::Redis(redis) = &reading.endpoint else { return plan };
        if reading.nodes_if_cluster.is_empty() || !self.is_cluster(redis, plan.verify_peer) {
            return plan;
        }
        reading.unused.retain(|name| !name.eq_ignore_ascii_case("hosts"));
        let (nodes, tls) = (reading.nodes_if_cluster.clone(), redis.tls().cloned());
        let target = Target::Cluster { nodes, tls };
        let cluster = RedisEndpoint { target, database: None, ..redis.clone() };
        Plan::settle(Endpoint::Redis(cluster), &reading.options)
    }

    fn is_cluster(&self, endpoint: &RedisEndpoint, verify_peer: bool) -> bool {
        if let Some(known) = self.is_cluster.get() {
            return *known;
        }
        let told = is_cluster_node(endpoint, verify_peer);
        told.is_some_and(|told| *self.is_cluster.get_or_init(|| told))
    }
}

/// `None` if the server does not answer.
fn is_cluster_node(endpoint: &RedisEndpoint, verify_peer: bool) -> Option<bool> {
    let deadline = Deadline::after(TIMEOUT);
    let client = Client::new(endpoint, verify_peer).ok()?;
    let mut connection = client.connect(deadline).ok()?;
    Some(match connection.command(&[b"INFO", b"cluster"], deadline).ok()? {
        Reply::Bulk(text) => {
            String::from_utf8_lossy(&text).lines().any(|line| line.trim() == "cluster_enabled:1")
        }
        _ => false,
    })
}
