//! What is likely wrong, from what PHP has shown and from what our own client meets at the server.

use super::setup::{Expected, Setup};
use super::steps::{Part, Setting};
use crate::diagnosis::{Cause, CauseKind, kinds_in};
use crate::frameworks::known::Framework;
use crate::frameworks::session_use::OwnSessions;
use crate::php::{Php, Program};
use crate::store::Store;

pub(super) struct Evidence<'a> {
    pub(super) store: Store,
    /// The endpoint and the save path that PHP should use.
    pub(super) expected: &'a Expected<'a>,
    pub(super) php: &'a Php,
    pub(super) settings: &'a [Setting],
    pub(super) failed: Option<&'a Part>,
    /// What the launch's probe says of the server then.
    pub(super) of_server: Option<Cause>,
}

/// The likely causes, most likely first; none if all is well.
pub(super) fn find_causes(evidence: Evidence<'_>) -> Vec<Cause> {
    let Evidence { store, expected, php, settings, failed, of_server } = evidence;
    let extension = store.name();
    let missing = php.programs().filter(|program| !program.loads(extension)).map(|program| {
        let what = format!("PHP ({}) does not load the extension {extension}.", program.name);
        Cause::new(CauseKind::ExtensionMissing, what)
    });
    let name = "session.save_handler";
    let setting = settings.iter().find(|setting| setting.name == name);
    let file = setting.and_then(|setting| setting.file.as_deref()).unwrap_or("PHP's default");
    let programs = php.programs();
    let others = programs.filter(|it| expected.setup(&it.facts) == Setup::OtherHandler);
    let overridden = others.map(|Program { name: program, facts, .. }| {
        let handler = &facts.save_handler;
        let what = format!(
            "PHP ({program}) has {name} = {handler}; for `php` the setting comes from {file}."
        );
        Cause::new(CauseKind::SettingsOverridden, what)
    });
    let of_step = failed.map(|failed| causes_of(failed, of_server)).unwrap_or_default();
    missing.chain(overridden).chain(of_step).collect()
}

/// The causes that a failed part suggests. Our own client says more of a server than PHP, but not what PHP itself lacks.
fn causes_of(failed: &Part, of_server: Option<Cause>) -> Vec<Cause> {
    let counts = |kind: &CauseKind| match &of_server {
        None => true,
        Some(cause) if cause.kind == *kind => false,
        Some(_) => matches!(
            kind,
            CauseKind::PhpWithoutTls | CauseKind::MechanismsMissing | CauseKind::TlsFile
        ),
    };
    let mut causes: Vec<Cause> =
        kinds_in(&failed.said).into_iter().filter(counts).map(Cause::of).collect();
    causes.extend(of_server);
    if causes.is_empty() {
        causes.push(Cause::of(CauseKind::Unknown));
    }
    let server = failed.server.as_ref().map(|it| format!(" at {it}")).unwrap_or_default();
    for Cause { what, .. } in &mut causes {
        *what = format!("{what} The step \"{}\"{server} failed.", failed.name);
    }
    causes
}

pub(super) fn of_framework(framework: &Framework, own: &OwnSessions) -> Cause {
    let OwnSessions { what, advice } = own;
    let what = format!("{framework} does not keep its sessions in the service: {what}");
    Cause::new(CauseKind::FrameworkKeepsItsOwn, what).with_advice(advice)
}
