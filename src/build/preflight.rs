//! What the launch would say about the service bound to the build, so that users need not wait until the container
//! starts.

use crate::build::decision::SessionConfig;
use crate::config::variables::PROXY;
use crate::endpoint::{self, Reading};
use crate::launch::build_record::LaunchRecord;
use crate::launch::choice::limit_of_php;
use crate::plan::Plan;

/// Checks the service bound to the build, if any, as the launch will, and returns its limitations.
///
/// # Errors
/// Fails if the app will not start with this service. That does not fail the build: the launch may have another one.
pub fn preflight(config: &SessionConfig, record: &LaunchRecord) -> anyhow::Result<Vec<String>> {
    let Some(service) = &config.service else { return Ok(Vec::new()) };
    let reading = endpoint::read(record.store, service)?;
    let Reading { endpoint, options, unused, warnings: mut limits, .. } = reading;
    let plan = Plan::settle(endpoint, &options);
    if limit_of_php(&plan, record).is_some() {
        limits.push(format!(
            "PHP's own handler cannot connect to {service}, so at launch PHP will use the session proxy (unless {PROXY} is off)"
        ));
    }
    if plan.locks(true) && !plan.locks(false) {
        limits.push(format!(
            "PHP's own handler does not lock sessions in a Redis cluster, so at launch PHP will use the session proxy, which does (unless {PROXY} is off)"
        ));
    }
    if !unused.is_empty() {
        let unused = unused.join(", ").escape_debug().to_string();
        limits.push(format!("Unused credentials of {service}: {unused}"));
    }
    Ok(limits)
}
