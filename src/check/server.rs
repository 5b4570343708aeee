//! What our own client meets at the server where PHP has failed: the launch's probe, under the settings in force.

use super::steps::Setting;
use crate::config::environment::Environment;
use crate::diagnosis::Cause;
use crate::launch::build_record::LaunchRecord;
use crate::launch::probe::Question;
use crate::launch::route::Route;
use crate::launch::tls_files::tls_files;
use crate::plan::Plan;

/// Why the server keeps no session by this route; `None` if it would.
pub(super) fn cause_at_server(
    plan: &Plan,
    record: &LaunchRecord,
    environment: &Environment,
    settings: &[Setting],
    route: Route,
) -> anyhow::Result<Option<Cause>> {
    let value = |name| settings.iter().find(|it| it.name == name).map(|it| it.value.as_str());
    let sid_length = value("session.sid_length").and_then(|it| it.parse().ok());
    let question = Question {
        plan,
        tls_files: &tls_files(plan, record, environment)?,
        route,
        strict_mode: value("session.use_strict_mode") == Some("1"),
        sid_length: sid_length.unwrap_or(record.sid_length),
    };
    Ok(question.ask(environment.as_env()).cause())
}
