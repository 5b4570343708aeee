//! The two hops through the session proxy: from PHP to its socket, and from there to the service.

use super::question::place_of;
use super::steps::Part;
use crate::endpoint::Endpoint;
use session_proxy::{ProxyClient, Status};
use std::path::Path;
use std::time::{Duration, Instant};

/// The step for the proxy's own hop.
const REACH: &str = "reach the service";

/// Inserts the proxy's own hop after PHP's first step, which connected to its socket; PHP's other steps took both hops.
pub(super) fn with_both_hops(
    mut parts: Vec<Part>,
    socket: &str,
    endpoint: &Endpoint,
    bound: Duration,
) -> Vec<Part> {
    let [first, rest @ ..] = parts.as_mut_slice() else { return parts };
    if !first.ok {
        return parts;
    }
    let proxy = ProxyClient::new(Path::new(socket));
    let started = Instant::now();
    let problem = proxy.reaches_service(bound).err();
    let took = started.elapsed();
    let status = proxy.status().ok();
    let primary = status.as_ref().and_then(Status::primary).map(|it| format!("; primary now {it}"));
    let is_cluster = |topology: &&str| topology.starts_with("cluster");
    let cluster = status.as_ref().and_then(Status::topology).filter(is_cluster);
    let known = primary.or(cluster.map(|it| format!("; {it}"))).unwrap_or_default();
    let server = format!("{}{known}, through the session proxy", place_of(endpoint));
    for part in rest {
        part.server = Some(server.clone());
    }
    let reached = Part {
        name: REACH.to_owned(),
        server: Some(server),
        ok: problem.is_none(),
        milliseconds: took.as_secs_f64() * 1000.0,
        said: problem.map(|error| error.to_string()).into_iter().collect(),
    };
    if !reached.ok {
        // PHP would only report the same.
        parts.truncate(1);
    }
    parts.insert(1, reached);
    parts
}
