//! What the launch would say about the service bound to the build, so that users need not wait until the container
//! starts.

use crate::build::decision::SessionConfig;
use crate::config::variables::PROXY;
use crate::endpoint::{self, Reading};
use crate::launch::build_record::LaunchRecord;
use crate::launch::choice::limit_of_php;
use crate::plan::Plan;

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
    let reading = match endpoint::read(record.store, service) {
        Ok(reading) => reading,
        Err(error) => return vec![Finding::Failure(format!("{error:#}"))],
    };
    let Reading { endpoint, options, unused, warnings, .. } = reading;
    let plan = Plan::settle(endpoint, &options);
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
