//! What only the server knows of where it is: whether it is a cluster node, or one of several that Sentinels watch.

use crate::config::launch::ProbeSetting;
use crate::endpoint::{Endpoint, Reading};
use crate::plan::Plan;
use std::time::Duration;
use store_client::{Client, Deadline, RedisEndpoint, Reply, Target};

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
    probe: ProbeSetting,
    told: Option<&Told>,
) -> (Plan, Option<Told>) {
    let plan = Plan::settle(reading.endpoint.clone(), &reading.options);
    let Endpoint::Redis(redis) = &reading.endpoint else { return (plan, None) };
    let place = redis.target.clone();
    let is = match told {
        Some(told) if told.place == place => told.is.clone(),
        _ => asked(redis, reading, plan.verify_peer, probe).unwrap_or_else(|| place.clone()),
    };
    let told = Some(Told { place, is: is.clone() });
    if is == redis.target {
        return (plan, told);
    }
    let mut of_target = RedisEndpoint { target: is, ..redis.clone() };
    if of_target.is_cluster() {
        of_target.database = None;
        reading.unused.retain(|name| !name.eq_ignore_ascii_case("hosts"));
    }
    (Plan::settle(Endpoint::Redis(of_target), &reading.options), told)
}

/// What the server says it is, if it is something else than a single one.
fn asked(
    redis: &RedisEndpoint,
    reading: &Reading,
    verify_peer: bool,
    probe: ProbeSetting,
) -> Option<Target> {
    // No cloud has Sentinels, the session proxy recognises a cluster by itself, and a token may take the time of the probe.
    if redis.issued().is_some() {
        return None;
    }
    let ask = |command: &[&[u8]], timeout| {
        let deadline = Deadline::after(timeout);
        let mut connection = Client::new(redis, verify_peer).ok()?.connect(deadline).ok()?;
        connection.command(command, deadline).ok()
    };
    let tls = redis.tls().cloned();
    if !reading.nodes_if_cluster.is_empty() {
        let Reply::Bulk(text) = ask(&[b"INFO", b"cluster"], TIMEOUT)? else { return None };
        let text = String::from_utf8_lossy(&text);
        let is_node = text.lines().any(|line| line.trim() == "cluster_enabled:1");
        let nodes = reading.nodes_if_cluster.clone();
        return is_node.then_some(Target::Cluster { nodes, tls });
    }
    // A user with a name may have the rights for sessions only, and the server would log a refusal.
    let may_ask = probe != ProbeSetting::Off && redis.user().is_none();
    let sentinel = Box::new(reading.sentinel_behind.clone().filter(|_| may_ask)?);
    // A single server is not asked for a Sentinel.
    let Reply::Array(parts) = ask(&[b"ROLE"], TIMEOUT_OF_ROLE)? else { return None };
    let is_one_of_several = match &parts[..] {
        [Reply::Bulk(role), _, Reply::Array(replicas), ..] if role == b"master" => {
            !replicas.is_empty()
        }
        [Reply::Bulk(role), ..] => role == b"slave",
        _ => false,
    };
    let target = Target::Sentinel { sentinel, tls };
    let through_sentinel = RedisEndpoint { target: target.clone(), ..redis.clone() };
    let knows_primary =
        || Client::new(&through_sentinel, verify_peer).is_ok_and(|it| it.ask_sentinels().is_ok());
    (is_one_of_several && knows_primary()).then_some(target)
}
