//! What the launch would say about the service bound to the build, so that users need not wait until the container
//! starts.

use crate::build::decision::SessionConfig;
use crate::config::variables::PROXY;
use crate::endpoint::{self, Reading};
use crate::launch::build_record::LaunchRecord;
use crate::launch::choice::{limit_of_php, proxy_serves};
use crate::php::directives::connect;
use crate::php::tls::TlsFiles;
use crate::plan::Plan;
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
    let (plan, unused, warnings) = match plan_that_connects(service, record) {
        Ok(found) => found,
        Err(error) => return vec![Finding::Failure(format!("{error:#}"))],
    };
    let mut findings: Vec<Finding> = warnings.into_iter().map(Finding::Limit).collect();
    if limit_of_php(&plan, record).is_some() {
        findings.push(Finding::Limit(format!(
            "PHP's own handler cannot connect to {service}, so at launch PHP will use the session proxy (unless {PROXY} is off)"
        )));
    }
    if plan.locks(true) && !plan.locks(false) {
        findings.push(Finding::Limit(format!(
            "PHP's own handler does not lock sessions in a Redis cluster, so at launch PHP will use the session proxy, which does (unless {PROXY} is off)"
        )));
    }
    if !unused.is_empty() {
        let unused = unused.join(", ").escape_debug().to_string();
        findings.push(Finding::Limit(format!("Unused credentials of {service}: {unused}")));
    }
    findings
}

/// The plan, the names of unused credentials, and lines for the log.
fn plan_that_connects(
    service: &Service,
    record: &LaunchRecord,
) -> anyhow::Result<(Plan, Vec<String>, Vec<String>)> {
    let Reading { endpoint, options, unused, warnings, .. } =
        endpoint::read(record.store, service)?;
    let plan = Plan::settle(endpoint, &options);
    match limit_of_php(&plan, record) {
        Some(limit) if !proxy_serves(&plan, record) => return Err(limit),
        Some(_) => {}
        None => {
            let files = TlsFiles::planned(&plan.endpoint);
            connect(&plan, &files, &record.extension_version, Duration::ZERO)?;
        }
    }
    Ok((plan, unused, warnings))
}
