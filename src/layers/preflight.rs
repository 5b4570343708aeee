//! What the launch would make of the service that is bound to the build: what can be said now need not
//! wait until the container starts.

use crate::detect::SessionConfig;
use crate::endpoint::{self, Endpoint, Reading};
use crate::launch::record::LaunchRecord;
use crate::php::connect::connect;
use crate::php::tls::{TlsFiles, require_tls};
use crate::services::Service;

/// What users should know before the launch.
#[derive(Debug, PartialEq, Eq)]
pub enum Finding {
    /// The launch will not start with this service.
    Failure(String),
    /// It works, but not as elsewhere.
    Limit(&'static str),
}

/// Looks at the service that is bound to the build as the launch will; says nothing where none is. A failure
/// does not fail the build: the launch may have another service.
#[must_use]
pub fn preflight(config: &SessionConfig, record: &LaunchRecord) -> Option<Finding> {
    match endpoint_that_connects(config.service.as_ref()?, record) {
        Err(error) => Some(Finding::Failure(error.to_string())),
        Ok(Endpoint::Redis(redis)) if redis.is_cluster() => Some(Finding::Limit(
            "Sessions in a Redis cluster are not locked (PHP's handler cannot): of concurrent requests of one session, the last one's changes stay",
        )),
        Ok(_) => None,
    }
}

fn endpoint_that_connects(service: &Service, record: &LaunchRecord) -> anyhow::Result<Endpoint> {
    let Reading { endpoint, options, .. } = endpoint::read(record.store, service)?;
    require_tls(&endpoint, record.knows_tls)?;
    connect(&endpoint, &tls_files(&endpoint), &options, &record.extension_version)?;
    Ok(endpoint)
}

/// The files that the launch will write.
fn tls_files(endpoint: &Endpoint) -> TlsFiles {
    match endpoint {
        Endpoint::Redis(redis) => redis.tls().map(TlsFiles::planned).unwrap_or_default(),
        Endpoint::Memcached(_) => TlsFiles::default(),
    }
}
