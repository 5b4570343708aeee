//! The route from PHP to the service: directly through PHP's own handler, or through the session proxy.

use super::build_record::LaunchRecord;
use super::resolve::ResolvedService;
use crate::config::launch::Proxy;
use crate::config::variables::PROXY;
use crate::endpoint::Endpoint;
use crate::php::directives::connect;
use crate::php::ini::DirectiveError;
use crate::php::tls::{TlsFiles, require_tls};
use crate::plan::Plan;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The session proxy to start or find.
pub struct ProxyWanted<'a> {
    pub layer: &'a Path,
    /// Identifies the service.
    pub(crate) service: &'a str,
    /// `TMPDIR`.
    pub(crate) tmp: Option<&'a str>,
    /// The folder shared with a proxy that the platform runs; if set, no proxy is started.
    pub(crate) folder: Option<&'a Path>,
}

/// Starts the session proxy, or finds it, and returns its socket.
pub(crate) type StartProxy<'a> = &'a dyn Fn(&ProxyWanted<'_>) -> anyhow::Result<PathBuf>;

/// How PHP reaches the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// Through its own handler.
    Direct,
    /// Through the session proxy.
    Proxy,
}

/// The route that the settings and the service ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Only(Route),
    /// The session proxy, which keeps its connections: PHP's own handler pays for a TLS handshake in each request. It
    /// will do, though, if the proxy cannot run here.
    PreferProxy,
    /// PHP's own handler, although it pays for that: the app says how long to wait for a lock, which only PHP can count.
    OwnWait,
}

/// The settings demand the proxy, but it cannot serve this endpoint.
#[derive(Debug, thiserror::Error)]
#[error(
    "{PROXY} is on, but the session proxy serves only a single Redis server, not {0}.\nSet {PROXY}=auto, or bind a single Redis server."
)]
pub(super) struct NotForProxy(String);

impl Choice {
    /// The route for this service under the setting.
    pub(super) fn of(
        setting: Proxy,
        found: &ResolvedService,
        record: &LaunchRecord,
    ) -> Result<Self, NotForProxy> {
        let serves = proxy_serves(&found.plan.endpoint);
        match setting {
            Proxy::On if serves => Ok(Self::Only(Route::Proxy)),
            Proxy::On => {
                Err(NotForProxy(format!("{} at {}", found.store.title(), found.plan.endpoint)))
            }
            Proxy::Auto if serves && limit_of_php(&found.plan, record).is_some() => {
                Ok(Self::Only(Route::Proxy))
            }
            // Code that takes the save path for a folder would put the password into that folder's name.
            Proxy::Auto if serves && record.app.takes_save_path_for_folder => {
                Ok(Self::Only(Route::Proxy))
            }
            Proxy::Auto if serves && handshakes_often(found) => Ok(match record.lock_wait {
                None => Self::PreferProxy,
                Some(_) => Self::OwnWait,
            }),
            Proxy::Auto | Proxy::Off => Ok(Self::Only(Route::Direct)),
        }
    }
}

/// Whether PHP's own handler would open a TLS connection for each request. The option `persistent`, on or off, is a
/// decision for that handler.
fn handshakes_often(found: &ResolvedService) -> bool {
    found.plan.has_tls() && !found.plan.persistence.is_chosen
}

/// Whether the session proxy can serve an endpoint.
#[must_use]
pub(crate) fn proxy_serves(endpoint: &Endpoint) -> bool {
    matches!(endpoint, Endpoint::Redis(redis) if !redis.is_cluster())
}

/// What the service needs and PHP's handler does not support.
#[must_use]
pub(crate) fn limit_of_php(plan: &Plan, record: &LaunchRecord) -> Option<anyhow::Error> {
    let files = TlsFiles::planned(&plan.endpoint);
    if let Err(error) = require_tls(&plan.endpoint, record.knows_tls) {
        return Some(error.into());
    }
    match connect(plan, &files, &record.extension_version, Duration::ZERO) {
        Err(error @ DirectiveError::TooOld { .. }) => Some(error.into()),
        _ => None,
    }
}
