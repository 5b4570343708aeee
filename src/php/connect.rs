//! The directives of a store, and what fills them for an endpoint.

use super::drop_in::DropIn;
use super::ini::{Connection, Directive, DirectiveError};
use super::tls::TlsFiles;
use super::{memcached, redis};
use crate::config::options::Options;
use crate::endpoint::Endpoint;
use crate::store::Store;
use crate::system::version::Version;
use std::time::Duration;

/// The drop-ins of a store, for this version of its extension.
#[must_use]
pub(crate) fn drop_ins(store: Store, version: &Version) -> Vec<(DropIn, Vec<Directive>)> {
    let mut drop_ins = match store {
        Store::Redis => redis::drop_ins(),
        Store::Memcached => memcached::drop_ins(version),
    };
    let files = [("session.save_handler", "files"), ("session.save_path", "")];
    let files = files.map(|(name, value)| Directive::literal(name, value));
    drop_ins.push((DropIn::Files, files.to_vec()));
    drop_ins
}

/// The name of a socket that nobody listens at, for PHP's messages.
const NO_SERVICE: &str = "/no-session-service-is-bound";

/// What PHP is told where no service can be used, so that each session fails at once.
#[must_use]
pub(crate) fn nowhere(store: Store) -> Connection {
    let options = Options { locking: Some(false), ..Options::default() };
    let variables = match store {
        Store::Redis => {
            redis::variables(&format!("unix://{NO_SERVICE}?timeout=1"), &options, Duration::ZERO)
        }
        Store::Memcached => memcached::variables(&format!("{NO_SERVICE}:0"), &options, false),
    };
    Connection { variables, drop_ins: Vec::new() }
}

/// What PHP needs to connect to the endpoint with this version of the extension. A command of Redis takes
/// `round_trip`.
///
/// # Errors
///
/// Fails if the endpoint or an option needs what this version cannot do.
pub fn connect(
    endpoint: &Endpoint,
    tls_files: &TlsFiles,
    options: &Options,
    version: &Version,
    round_trip: Duration,
) -> Result<Connection, DirectiveError> {
    match endpoint {
        Endpoint::Redis(endpoint) => {
            redis::connect(endpoint, tls_files, options, version, round_trip)
        }
        Endpoint::Memcached(endpoint) => Ok(memcached::connect(endpoint, options, version)),
    }
}
