//! What only the server knows of where it is: whether it is a cluster node, or one of several that Sentinels watch.

use crate::config::launch::Probe;
use crate::endpoint::{Endpoint, Reading};
use crate::plan::Plan;
use std::time::Duration;
use store_client::{Client, Connection, Deadline, RedisEndpoint, Reply, Target};

/// For the whole question. A server that is down or slow is assumed to be a single one.
const TIMEOUT: Duration = Duration::from_secs(1);
/// The same, where nothing but a host speaks for several servers: everybody asks this.
const TIMEOUT_OF_ROLE: Duration = Duration::from_millis(500);

/// What the place in the credentials turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    place: Target,
    is: Target,
}

/// The plan that the credentials and the options mean. Asks the server only if the credentials leave it open, and nobody
/// has been `told` before; if it is a cluster node, `hosts` are no longer among the reading's unused credentials.
pub(super) fn settled(
    reading: &mut Reading,
    probe: Probe,
    told: Option<&Told>,
) -> (Plan, Option<Told>) {
    let plan = Plan::settle(reading.endpoint.clone(), &reading.options);
    let Endpoint::Redis(redis) = &reading.endpoint else { return (plan, None) };
    let place = redis.target.clone();
    let is = match told {
        Some(told) if told.place == place => told.is.clone(),
        _ => asked(redis, reading, plan.verify_peer, probe).unwrap_or_else(|| place.clone()),
    };
    let plan = if is == place {
        plan
    } else {
        let mut of_target = RedisEndpoint { target: is.clone(), ..redis.clone() };
        if of_target.is_cluster() {
            of_target.database = None;
            reading.unused.retain(|name| !name.eq_ignore_ascii_case("hosts"));
        }
        Plan::settle(Endpoint::Redis(of_target), &reading.options)
    };
    (plan, Some(Told { place, is }))
}

/// What the server says it is, if it is something else than a single one.
fn asked(
    redis: &RedisEndpoint,
    reading: &Reading,
    verify_peer: bool,
    probe: Probe,
) -> Option<Target> {
    let tls = redis.tls().cloned();
    if !reading.nodes_if_cluster.is_empty() {
        let nodes = reading.nodes_if_cluster.clone();
        return is_cluster_node(redis, verify_peer).then_some(Target::Cluster { nodes, tls });
    }
    // A user with a name may have the rights for sessions only, and the server would log a refusal.
    let may_ask = probe != Probe::Off && redis.user().is_none();
    let sentinel = reading.sentinel_behind.clone().filter(|_| may_ask)?;
    let target = Target::Sentinel { sentinel: Box::new(sentinel), tls };
    is_one_of_several(redis, &target, verify_peer).then_some(target)
}

fn is_cluster_node(endpoint: &RedisEndpoint, verify_peer: bool) -> bool {
    let Some((mut connection, deadline)) = connect(endpoint, verify_peer, TIMEOUT) else {
        return false;
    };
    match connection.command(&[b"INFO", b"cluster"], deadline) {
        Ok(Reply::Bulk(text)) => {
            String::from_utf8_lossy(&text).lines().any(|line| line.trim() == "cluster_enabled:1")
        }
        _ => false,
    }
}

/// Whether it is a replica, or a primary with replicas, and the Sentinel beside it knows the primary. A single server is not
/// asked for a Sentinel.
fn is_one_of_several(endpoint: &RedisEndpoint, target: &Target, verify_peer: bool) -> bool {
    let Some((mut connection, deadline)) = connect(endpoint, verify_peer, TIMEOUT_OF_ROLE) else {
        return false;
    };
    let several = match connection.command(&[b"ROLE"], deadline) {
        Ok(Reply::Array(parts)) => match parts.as_slice() {
            [Reply::Bulk(role), _, Reply::Array(replicas), ..] if role == b"master" => {
                !replicas.is_empty()
            }
            [Reply::Bulk(role), ..] => role == b"slave",
            _ => false,
        },
        _ => false,
    };
    let through_sentinel = RedisEndpoint { target: target.clone(), ..endpoint.clone() };
    several
        && Client::new(&through_sentinel, verify_peer)
            .is_ok_and(|client| client.ask_sentinels().is_ok())
}

fn connect(
    endpoint: &RedisEndpoint,
    verify_peer: bool,
    timeout: Duration,
) -> Option<(Connection, Deadline)> {
    let deadline = Deadline::after(timeout);
    Some((Client::new(endpoint, verify_peer).ok()?.connect(deadline).ok()?, deadline))
}
