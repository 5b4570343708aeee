//! The report of the check. Its JSON is described in docs/session-check.schema.json.

use super::overrides::Override;
use super::steps::{Part, Setting};
use super::web::WebReport;
use crate::diagnosis::Cause;
use crate::frameworks::known::Framework;
use crate::frameworks::session_use::SessionUse;
use crate::launch::build_record::LaunchRecord;
use crate::launch::resolve::ResolvedService;
use crate::php::Php;
use serde::Serialize;
use std::process::ExitCode;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Kept,
    NotKept,
    /// Unclear: PHP's command line keeps them but something else may not, or nothing could be checked.
    #[default]
    Unknown,
}

impl Verdict {
    pub(super) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Kept => 0,
            Self::NotKept => 1,
            Self::Unknown => 2,
        })
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Report {
    pub(crate) verdict: Verdict,
    pub(crate) summary: String,
    /// Why nothing could be checked.
    pub(crate) error: Option<String>,
    /// `redis`, `memcached`, or `files` if no service is bound.
    pub(crate) store: Option<String>,
    /// The service, and the rule that found it.
    pub(crate) service: Option<String>,
    pub(crate) endpoint: Option<String>,
    /// Where to change its credentials.
    pub(crate) credentials: Option<String>,
    /// The extension's version at build.
    pub(crate) extension: Option<String>,
    pub(crate) php: Option<String>,
    /// The state of each of PHP's programs.
    pub(crate) programs: Vec<ProgramReport>,
    /// The settings in force for `php`, and the files that set them.
    pub(crate) settings: Vec<Setting>,
    pub(crate) steps: Vec<Part>,
    /// The likely causes, most likely first.
    pub(crate) causes: Vec<Cause>,
    /// Places that may override the settings.
    pub(crate) overrides: Vec<Override>,
    pub(crate) framework: Option<FrameworkReport>,
    /// What a visitor of the web server gets, if a page was requested.
    pub(crate) web: Option<WebReport>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FrameworkReport {
    pub(crate) name: String,
    /// What it does with sessions.
    pub(crate) sessions: String,
}

impl FrameworkReport {
    pub(super) fn new(framework: &Framework, session_use: &SessionUse) -> Self {
        let sessions = match session_use {
            SessionUse::Php => "uses PHP's own sessions".to_owned(),
            SessionUse::Variables(_) => {
                "keeps its own sessions in the service, configured by variables".to_owned()
            }
            SessionUse::Configured(what) => {
                format!("{what}; this check cannot tell whether it works")
            }
            SessionUse::Own(_) => "does not keep its sessions in the service".to_owned(),
            SessionUse::None => "has no sessions of its own".to_owned(),
        };
        Self { name: framework.to_string(), sessions }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ProgramReport {
    pub(crate) name: String,
    /// The version of the store's extension that it loads.
    pub(crate) extension: Option<String>,
    pub(crate) save_handler: String,
}

impl Report {
    pub(super) fn failed(error: &anyhow::Error) -> Self {
        let summary = "Cannot tell whether sessions are kept.".to_owned();
        Self { summary, error: Some(format!("{error:#}")), ..Self::default() }
    }

    /// What we know before PHP's steps.
    pub(super) fn new(found: Option<&ResolvedService>, record: &LaunchRecord, php: &Php) -> Self {
        let programs = php.programs().map(|program| ProgramReport {
            name: program.name.clone(),
            extension: program.facts.extensions.get(record.store.name()).cloned(),
            save_handler: program.facts.save_handler.clone(),
        });
        let report = Self {
            extension: Some(format!("{} {}", record.store, record.extension_version)),
            php: Some(php.facts().version.to_string()),
            programs: programs.collect(),
            ..Self::default()
        };
        match found {
            Some(found) => Self {
                store: Some(found.store.to_string()),
                service: Some(format!("{}, found by its {}", found.service, found.rule)),
                endpoint: Some(found.plan.endpoint.to_string()),
                credentials: Some(credentials(found)),
                ..report
            },
            None => Self { store: Some("files".to_owned()), ..report },
        }
    }
}

/// Where the credentials are: the files of a binding, or another source.
fn credentials(found: &ResolvedService) -> String {
    let service = &found.service;
    let Ok(credentials) = service.credentials() else { return service.origin.to_string() };
    let names: Vec<&str> = credentials.keys().map(String::as_str).collect();
    let file = names.iter().find_map(|name| service.credential_file(name));
    let place = file.and_then(|file| Some(file.parent()?.display().to_string()));
    let place = place.unwrap_or_else(|| format!("{:?} in {}", service.name, service.origin));
    format!("{place}: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_fails_says_all_causes() {
        let error = anyhow::anyhow!("no such file").context("Cannot find the app's folder");
        let said = Report::failed(&error).error;
        assert_eq!(said.as_deref(), Some("Cannot find the app's folder: no such file"));
    }
}
