//! The probe: before PHP connects, the launch does, and finds out whether the service would keep a session.

mod login;
mod memcached;
mod outcome;
mod redis;
mod redis_session;
mod refusal;
pub(crate) mod tls;

use super::route::Route;
use crate::endpoint::Endpoint;
use crate::php::memcached_directives::refused_keys;
use crate::php::tls::TlsFiles;
use crate::plan::Plan;
use libcnb::Env;
pub(super) use outcome::Outcome;
use std::time::Duration;

/// For name resolution and connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// For the whole probe.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The question: would this service keep sessions as planned?
pub(super) struct Question<'a> {
    pub(super) plan: &'a Plan,
    pub(super) tls_files: &'a TlsFiles,
    pub(super) route: Route,
    /// Whether PHP's strict mode for sessions is on.
    pub(super) strict_mode: bool,
    /// `session.sid_length` at build.
    pub(super) sid_length: usize,
}

impl Question<'_> {
    /// Asks the service. If only PHP can tell, runs PHP with `env`.
    pub(super) fn ask(&self, env: &Env) -> Outcome {
        match &self.plan.endpoint {
            Endpoint::Redis(endpoint) => redis::ask(self, endpoint, env),
            Endpoint::Memcached(endpoint) => match refused_keys(self.plan, self.sid_length) {
                Some(refused) => Outcome::Refused(refused),
                None => memcached::probe(endpoint),
            },
        }
    }
}
