//! The probe: before PHP connects, the launch does, and finds out whether the service would keep a session. Where PHP then
//! fails, `session-check` asks the same.

mod findings;
mod memcached;
mod outcome;
mod redis;
mod redis_session;

use super::route::{NEAR, Route};
use crate::endpoint::Endpoint;
use crate::php::memcached_directives::refused_keys;
use crate::php::tls::TlsFiles;
use crate::plan::Plan;
use libcnb::Env;
pub(crate) use outcome::Outcome;
use std::time::{Duration, Instant};

/// For name resolution and connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// For the whole probe.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A server that seems far may be near a busy machine: it is asked again for so long.
const IN_DOUBT: Duration = Duration::from_millis(20);

/// The shortest of several round trips: something else delayed the others, as a container's start is a busy time.
fn shortest<E>(
    first: Duration,
    mut again: impl FnMut() -> Result<Duration, E>,
) -> Result<Duration, E> {
    let (mut shortest, begun) = (first, Instant::now());
    while shortest > NEAR && begun.elapsed() + shortest < IN_DOUBT {
        shortest = shortest.min(again()?);
    }
    Ok(shortest)
}

/// The question: would this service keep sessions as planned?
pub(crate) struct Question<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) tls_files: &'a TlsFiles,
    pub(crate) route: Route,
    /// Whether PHP's strict mode for sessions is on.
    pub(crate) strict_mode: bool,
    /// `session.sid_length`.
    pub(crate) sid_length: usize,
}

impl Question<'_> {
    /// Asks the service. If only PHP can tell, runs PHP with `env`.
    pub(crate) fn ask(&self, env: &Env) -> Outcome {
        match &self.plan.endpoint {
            Endpoint::Redis(endpoint) => redis::ask(self, endpoint, env),
            Endpoint::Memcached(endpoint) => match refused_keys(self.plan, self.sid_length) {
                Some(refused) => Outcome::of(refused),
                None => memcached::ask(self, endpoint),
            },
        }
    }
}
