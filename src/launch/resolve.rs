//! Which service holds the sessions in the running container.

use super::build_record::LaunchRecord;
use super::embedded;
use super::topology::{Told, settled};
use crate::config::environment::Environment;
use crate::config::launch::{LaunchSettings, Missing, Probe};
use crate::config::options::Options;
use crate::config::variables::{MISSING, Phase, STORE, not_read};
use crate::endpoint::{self, Reading};
use crate::plan::Plan;
use crate::services::matching::{Rule, SessionService, find_session_service};
use crate::services::near_miss::near_misses;
use crate::services::search_keys::SearchKeys;
use crate::services::{Origin, Service, Services, platform_variables};
use crate::store::Store;
use anyhow::bail;
use indoc::formatdoc;
use std::fmt;
use std::path::Path;

/// Where PHP will keep its sessions.
#[derive(Debug)]
pub(crate) enum Resolution {
    Service(Box<ResolvedService>),
    /// In local files, which the settings allow.
    Files,
}

/// The session service, and how to connect to it.
#[derive(Debug)]
pub(crate) struct ResolvedService {
    pub(crate) store: Store,
    pub(crate) service: Service,
    /// The rule that found it.
    pub(crate) rule: Rule,
    pub(crate) plan: Plan,
    /// What the server was found to be.
    pub(crate) told: Option<Told>,
    /// The names of its credentials that are not used.
    pub(crate) unused: Vec<String>,
    /// Lines for the log.
    pub(crate) warnings: Vec<String>,
}

/// Whether to ask the server what it is, and what is known of that.
#[derive(Clone, Copy)]
struct Known<'a> {
    probe: Probe,
    told: Option<&'a Told>,
    environment: &'a Environment,
}

/// Finds out where the sessions are kept. `told` is what the server was found to be before.
///
/// Fails if there is no session service and the settings don't allow that, or if its credentials cannot be used.
pub(crate) fn resolve(
    environment: &Environment,
    platform_dir: &Path,
    layer: &Path,
    record: &LaunchRecord,
    settings: &LaunchSettings,
    told: Option<&Told>,
) -> anyhow::Result<Resolution> {
    let known = Known { probe: settings.probe, told, environment };
    let store = record.store;
    let options = Options::read(environment, store)?;
    let services = Services::read(environment, platform_dir)?;
    let keys = record.search_keys.clone().overridden_by(environment)?;
    if let Some(found) = find_session_service(&services, &keys, &[store])? {
        return ResolvedService::resolution(&found, options, &keys, known);
    }
    let variable =
        keys.any_of_its_kind.then(|| platform_variables::read(environment, store)).transpose()?;
    if let Some(service) = variable.flatten() {
        let found = SessionService { store, service: &service, rule: Rule::Variable };
        return ResolvedService::resolution(&found, options, &keys, known);
    }
    let others: Vec<Store> = Store::ALL.into_iter().filter(|other| *other != store).collect();
    if let Some(SessionService { store: other, service, .. }) =
        find_session_service(&services, &keys.exact(), &others)?
    {
        bail!(formatdoc! {"
            The image was built for sessions in {store}, but the service bound now is a {other} service: {service}.
            Bind a {store} service, or rebuild the image with this one bound (or with {STORE}={other})."});
    }
    if let Some(embedded) = embedded::read(layer)?
        && let Some(found) = find_session_service(&embedded, &keys, &[store])?
    {
        return ResolvedService::resolution(&found, options, &keys, known);
    }
    if settings.missing == Missing::Files {
        return Ok(Resolution::Files);
    }
    let mut hints = near_misses(&services, &keys, &[store]);
    if !keys.any_of_its_kind {
        let present = platform_variables::present(environment, store)?;
        hints.extend(present.iter().map(|variable| {
            format!(
                "The variable {variable} is set. An image built with {STORE}={store} would use it"
            )
        }));
    }
    hints.extend(not_read(environment, Phase::Launch));
    let hints = hints.iter().fold(String::new(), |text, hint| text + "\n  - " + hint);
    let keys = keys.describe(&[store]);
    bail!(formatdoc! {"
        No {store} service is bound for the sessions.
        Looked for {keys} in {services}.{hints}
        Bind one to the running app, or set {MISSING}=files to start with sessions in local files, or {MISSING}=warn to start without sessions."})
}

impl ResolvedService {
    fn resolution(
        found: &SessionService<'_>,
        options: Options,
        keys: &SearchKeys,
        known: Known<'_>,
    ) -> anyhow::Result<Resolution> {
        let SessionService { store, service, rule } = found;
        let mut warnings: Vec<String> = found.ignores(keys).into_iter().collect();
        let mut reading = endpoint::read_with(*store, service, options, known.environment)?;
        let (plan, told) = settled(&mut reading, known.probe, known.told);
        let Reading { unused, warnings: more, .. } = reading;
        warnings.extend(more);
        Ok(Resolution::Service(Box::new(Self {
            store: *store,
            service: (*service).clone(),
            rule: rule.clone(),
            plan,
            told,
            unused,
            warnings,
        })))
    }

    pub(crate) fn is_embedded(&self) -> bool {
        self.service.origin == Origin::Embedded
    }
}

/// For the log.
impl fmt::Display for ResolvedService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, service, rule, plan: Plan { endpoint, .. }, unused, .. } = self;
        write!(
            formatter,
            "sessions in {store} at {endpoint}, from service {service}, found by its {rule}"
        )?;
        if !unused.is_empty() {
            write!(formatter, "; unused credentials: {}", unused.join(", "))?;
        }
        Ok(())
    }
}
