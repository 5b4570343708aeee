//! What the check has found, for people and for machines.

use super::causes::Cause;
use super::overrides::Override;
use super::steps::{Part, Setting, Steps};
use crate::frameworks::known::Framework;
use crate::frameworks::session_use::SessionUse;
use crate::launch::record::LaunchRecord;
use crate::launch::resolve::Resolution;
use crate::php::Php;
use crate::store::Store;
use serde::Serialize;
use std::fmt;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Whether a session was written by one process and read by another one.
    pub kept: bool,
    /// `redis`, `memcached`, or `files` where no service is bound.
    pub store: String,
    /// The service, and why it is the one.
    pub service: Option<String>,
    /// Where the service is.
    pub endpoint: Option<String>,
    /// The extension's version at build.
    pub extension: String,
    /// PHP's version.
    pub php: String,
    /// What each of PHP's programs has.
    pub programs: Vec<ProgramReport>,
    /// The settings in force for `php`, and the files that set them.
    pub settings: Vec<Setting>,
    /// What was done, with times.
    pub steps: Vec<Part>,
    /// What may be wrong, the likeliest first.
    pub causes: Vec<Cause>,
    /// Places in the app that may set the same.
    pub overrides: Vec<Override>,
    /// The app's framework, where one is known.
    pub framework: Option<FrameworkReport>,
}

/// The app's framework.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FrameworkReport {
    /// Its name and version.
    pub name: String,
    /// What it does with sessions.
    pub sessions: String,
}

impl FrameworkReport {
    pub(super) fn new(framework: &Framework, session_use: &SessionUse) -> Self {
        let sessions = match session_use {
            SessionUse::Php => "uses PHP's own sessions".to_owned(),
            SessionUse::Variables(_) => {
                "keeps sessions by itself, in the service, as variables tell it".to_owned()
            }
            SessionUse::Configured(what) => {
                format!("{what}; this check cannot see whether it works")
            }
            SessionUse::Own(_) => "does not keep its sessions in the service".to_owned(),
            SessionUse::None => "has no sessions of its own".to_owned(),
        };
        Self { name: framework.to_string(), sessions }
    }
}

/// One of PHP's programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProgramReport {
    /// Its name.
    pub name: String,
    /// The version of the store's extension that it loads.
    pub extension: Option<String>,
    /// `session.save_handler` in force.
    pub save_handler: String,
}

impl Report {
    pub(super) fn new(
        place: &Resolution,
        record: &LaunchRecord,
        php: &Php,
        steps: Steps,
        causes: Vec<Cause>,
        overrides: Vec<Override>,
        framework: Option<FrameworkReport>,
    ) -> Self {
        let (store, service, endpoint) = match place {
            Resolution::Service(found) => (
                found.store.to_string(),
                Some(format!("{}, found by its {}", found.service, found.rule)),
                Some(found.endpoint.to_string()),
            ),
            Resolution::Files => ("files".to_owned(), None, None),
        };
        let programs = php.programs().map(|program| ProgramReport {
            name: program.name.clone(),
            extension: program.facts.extensions.get(record.store.name()).cloned(),
            save_handler: program.facts.save_handler.clone(),
        });
        let Steps { parts, mut settings } = steps;
        // The other store's settings are of no interest.
        settings.retain(|setting| {
            let extension = setting.name.split('.').next().unwrap_or_default();
            !Store::ALL.iter().any(|store| store.name() == extension && *store != record.store)
        });
        Self {
            kept: causes.is_empty() && parts.iter().all(|part| part.ok),
            store,
            service,
            endpoint,
            extension: format!("{} {}", record.store, record.extension_version),
            php: php.facts().version.to_string(),
            programs: programs.collect(),
            settings,
            steps: parts,
            causes,
            overrides,
            framework,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = if self.kept { "are kept" } else { "are NOT kept" };
        writeln!(f, "Sessions in {} {kept}.", self.store)?;
        let service = self.service.as_deref().unwrap_or("none is bound");
        writeln!(f, "\n  service    {service}")?;
        writeln!(f, "  endpoint   {}", self.endpoint.as_deref().unwrap_or("local files"))?;
        writeln!(f, "  PHP        {}, extension {}", self.php, self.extension)?;
        if let Some(FrameworkReport { name, sessions }) = &self.framework {
            writeln!(f, "  framework  {name}: {sessions}")?;
        }
        for ProgramReport { name, extension, save_handler } in &self.programs {
            let extension = extension.as_deref().unwrap_or("not loaded");
            writeln!(f, "  {name:<10} extension {extension}, save handler {save_handler}")?;
        }
        writeln!(f, "\nSettings in force, and the file that sets them")?;
        for Setting { name, value, file } in &self.settings {
            writeln!(f, "  {name} = {value:?}  {}", file.as_deref().unwrap_or("(PHP's default)"))?;
        }
        writeln!(f, "\nSteps")?;
        for Part { name, server, ok, milliseconds, said } in &self.steps {
            let mark = if *ok { "ok    " } else { "FAILED" };
            let server = server.as_deref().unwrap_or("session");
            writeln!(f, "  {mark} {milliseconds:>7.1} ms  {name}, {server}")?;
            for line in said {
                writeln!(f, "           {line}")?;
            }
        }
        if !self.causes.is_empty() {
            writeln!(f, "\nLikely causes, the likeliest first")?;
        }
        for (index, Cause { what, advice, .. }) in self.causes.iter().enumerate() {
            writeln!(f, "  {}. {what}\n     {advice}", index + 1)?;
        }
        if !self.overrides.is_empty() {
            writeln!(f, "\nPlaces in the app that may change the settings after the ini files")?;
        }
        for Override { file, line, what } in &self.overrides {
            writeln!(f, "  {}:{line}  {what}", file.display())?;
        }
        Ok(())
    }
}
