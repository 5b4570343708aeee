//! What the launch would say about the service bound to the build, so that users need not wait until the container
//! starts.

use crate::build::decision::SessionConfig;
use crate::config::variables::PROXY;
use crate::endpoint::{self, Endpoint, Reading};
use crate::launch::build_record::LaunchRecord;
use crate::launch::route::{limit_of_php, proxy_serves};
use crate::php::directives::connect;
use crate::php::tls::TlsFiles;
use crate::services::Service;
use std::time::Duration;

/// What users should know before launch.
#[derive(Debug, PartialEq, Eq)]
pub enum Finding {
    /// The app will not start with this service.
    Failure(String),
    /// It works, but with a limitation, or without some of the credentials.
    Limit(String),
}

/// Checks the service bound to the build, if any, as the launch will. A failure does not fail the build: the
/// launch may have another service.
#[must_use]
pub fn preflight(config: &SessionConfig, record: &LaunchRecord) -> Vec<Finding> {
    let Some(service) = &config.service else { return Vec::new() };
    let Reading { endpoint, unused, options, warnings, .. } =
        match reading_that_connects(service, record) {
            Ok(reading) => reading,
            Err(error) => return vec![Finding::Failure(format!("{error:#}"))],
        };
    let mut findings: Vec<Finding> = warnings.into_iter().map(Finding::Limit).collect();
    if limit_of_php(&endpoint, &options, record).is_some() {
        findings.push(Finding::Limit(format!(
            "PHP's own handler cannot connect to {service}, so at launch PHP will use the session proxy (unless {PROXY} is off)"
        )));
    }
    if matches!(&endpoint, Endpoint::Redis(redis) if redis.is_cluster()) {
        findings.push(Finding::Limit(
            "Sessions in a Redis cluster are not locked (PHP's handler does not support it): of concurrent requests of one session, the last one to write wins".to_owned(),
        ));
    }
    if !unused.is_empty() {
        let unused = unused.join(", ").escape_debug().to_string();
        findings.push(Finding::Limit(format!("Unused credentials of {service}: {unused}")));
    }
    findings
}

fn reading_that_connects(service: &Service, record: &LaunchRecord) -> anyhow::Result<Reading> {
    let reading = endpoint::read(record.store, service)?;
    let Reading { endpoint, options, .. } = &reading;
    match limit_of_php(endpoint, options, record) {
        Some(limit) if !proxy_serves(endpoint) => return Err(limit),
        Some(_) => {}
        None => {
            let files = tls_files(endpoint);
            connect(endpoint, &files, options, &record.extension_version, Duration::ZERO)?;
        }
    }
    Ok(reading)
}

/// The files that the launch will write.
fn tls_files(endpoint: &Endpoint) -> TlsFiles {
    match endpoint {
        Endpoint::Redis(redis) => redis.tls().map(TlsFiles::planned).unwrap_or_default(),
        Endpoint::Memcached(_) => TlsFiles::default(),
    }
}
