//! The two legs of the way through the session proxy: from PHP to its socket, and from there to the service.

use super::question::place;
use super::steps::Part;
use crate::endpoint::redis::RedisEndpoint;
use crate::proxy::reaches_service;
use std::path::Path;
use std::time::Instant;

/// What the proxy says of its leg.
const REACH: &str = "reach the service";

/// Puts the proxy's own leg behind the first of what PHP did, which led to its socket; the rest took both.
pub(super) fn with_both_legs(
    mut parts: Vec<Part>,
    socket: &str,
    endpoint: &RedisEndpoint,
) -> Vec<Part> {
    let [first, rest @ ..] = parts.as_mut_slice() else { return parts };
    if !first.ok {
        return parts;
    }
    let server = format!("{}, through the session proxy", place(endpoint));
    for part in rest {
        part.server = Some(server.clone());
    }
    let started = Instant::now();
    let problem = reaches_service(Path::new(socket)).err();
    let reached = Part {
        name: REACH.to_owned(),
        server: Some(server),
        ok: problem.is_none(),
        milliseconds: started.elapsed().as_secs_f64() * 1000.0,
        said: problem.into_iter().collect(),
    };
    if !reached.ok {
        // PHP could only say the same.
        parts.truncate(1);
    }
    parts.insert(1, reached);
    parts
}
