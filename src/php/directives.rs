//! The directives of a store, and the values that an endpoint gives them.

use super::ini::{Directive, PhpSettings};
use super::ini_file::IniFile;
use super::redis_directives::PROXY_LOCK_RETRIES;
use super::tls::TlsFiles;
use super::{memcached_directives, redis_directives};
use crate::endpoint::Endpoint;
use crate::plan::Plan;
use crate::store::Store;
use crate::system::version::Version;
use std::path::Path;
use std::time::Duration;

/// The ini files of a store.
pub(crate) fn ini_files(store: Store) -> Vec<(IniFile, Vec<Directive>)> {
    let mut ini_files = match store {
        Store::Redis => redis_directives::ini_files(),
        Store::Memcached => memcached_directives::ini_files(),
    };
    let files = [("session.save_handler", "files"), ("session.save_path", "")];
    let files = files.map(|(name, value)| Directive::literal(name, value));
    ini_files.push((IniFile::Files, files.to_vec()));
    ini_files
}

/// A socket that nobody listens on; its name explains PHP's error message.
const NO_SERVICE: &str = "/no-session-service-is-bound";

/// What PHP is told if no service can be used, so that each session fails at once.
pub(crate) fn nowhere(store: Store) -> PhpSettings {
    let plan = Plan { locking: false, ..Plan::example(store) };
    let variables = match store {
        Store::Redis => {
            let save_path = format!("unix://{NO_SERVICE}?timeout=1");
            redis_directives::variables(&save_path, &plan, PROXY_LOCK_RETRIES)
        }
        Store::Memcached => {
            memcached_directives::variables(&format!("{NO_SERVICE}:0"), &plan, false)
        }
    };
    PhpSettings { variables, ini_files: Vec::new() }
}

/// What PHP needs to connect to the session proxy at `socket`. The proxy takes care of the rest: the service's
/// address, the login, TLS, the database, and timeouts.
pub(crate) fn behind_proxy(socket: &Path, plan: &Plan) -> PhpSettings {
    match &plan.endpoint {
        Endpoint::Redis(_) => redis_directives::behind_proxy(socket, plan),
        Endpoint::Memcached(_) => memcached_directives::behind_proxy(socket, plan),
    }
}

/// The socket that a save path leads to, if it does.
pub(crate) fn socket_of(save_path: &str) -> Option<&str> {
    match save_path.strip_prefix("unix://") {
        Some(path) => path.split('?').next(),
        None => Some(save_path).filter(|path| path.starts_with('/')),
    }
}

/// What PHP needs to connect as planned with this version of the extension. `round_trip` is how long one
/// Redis command takes.
///
/// # Errors
/// Fails if the plan needs something that this version does not support.
pub fn connect(
    plan: &Plan,
    tls_files: &TlsFiles,
    version: &Version,
    round_trip: Duration,
) -> anyhow::Result<PhpSettings> {
    match &plan.endpoint {
        Endpoint::Redis(endpoint) => {
            redis_directives::connect(endpoint, plan, tls_files, version, round_trip)
        }
        Endpoint::Memcached(endpoint) => Ok(memcached_directives::connect(endpoint, plan)),
    }
}
