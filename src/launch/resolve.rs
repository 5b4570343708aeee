//! Which service holds the sessions in the running container.

use super::build_record::LaunchRecord;
use super::embedded;
use super::topology::{Told, settled};
use crate::config::environment::Environment;
use crate::config::launch::{LaunchSettings, Missing};
use crate::config::options::Options;
use crate::config::variables::{MISSING, Phase, STORE, not_read};
use crate::endpoint;
use crate::plan::Plan;
use crate::services::matching::{Rule, SessionService, find_session_service};
use crate::services::near_miss::near_misses;
use crate::services::search_keys::SearchKeys;
use crate::services::{Service, Services, platform_variables};
use crate::store::Store;
use anyhow::{anyhow, bail};
use indoc::formatdoc;
use std::fmt;
use std::path::Path;

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

/// Finds out where the sessions are kept: `None` if in local files, which the settings allow. `told` is what the server was
/// found to be before.
///
/// Fails if there is no session service and the settings don't allow that, or if its credentials cannot be used.
pub(crate) fn resolve(
    environment: &Environment,
    platform_dir: &Path,
    layer: &Path,
    record: &LaunchRecord,
    settings: &LaunchSettings,
    told: Option<&Told>,
) -> anyhow::Result<Option<ResolvedService>> {
    let store = record.store;
    let options = Options::read(environment, store)?;
    let services = Services::read(environment, platform_dir)?;
    let keys = record.search_keys.clone().overridden_by(environment)?;
    let Some((service, rule, ignored)) = find(&services, &keys, layer, store, environment)? else {
        if settings.missing == Missing::Files {
            return Ok(None);
        }
        return Err(not_found(&services, &keys, store, environment)?);
    };
    let mut reading = endpoint::read_with(store, &service, options, Some(environment))?;
    let (plan, told) = settled(&mut reading, settings.probe, told);
    let warnings = ignored.into_iter().chain(reading.warnings).collect();
    let unused = reading.unused;
    Ok(Some(ResolvedService { store, service, rule, plan, told, unused, warnings }))
}

/// The service for `store`, the rule that found it, and a line about the search key, if it was of no use: one that is bound,
/// else one that a variable names, else the one in the image.
fn find(
    services: &Services,
    keys: &SearchKeys,
    layer: &Path,
    store: Store,
    environment: &Environment,
) -> anyhow::Result<Option<(Service, Rule, Option<String>)>> {
    let among = |services: &Services| {
        let found = find_session_service(services, keys, &[store])?;
        let taken =
            |it: SessionService<'_>| (it.service.clone(), it.rule.clone(), it.ignores(keys));
        anyhow::Ok(found.map(taken))
    };
    if let Some(bound) = among(services)? {
        return Ok(Some(bound));
    }
    if keys.any_of_its_kind
        && let Some(service) = platform_variables::read(environment, store)?
    {
        let rule = Rule::Variable;
        let ignored = SessionService { store, service: &service, rule: rule.clone() }.ignores(keys);
        return Ok(Some((service, rule, ignored)));
    }
    let others: Vec<Store> = Store::ALL.into_iter().filter(|other| *other != store).collect();
    if let Some(SessionService { store: other, service, .. }) =
        find_session_service(services, &keys.exact(), &others)?
    {
        bail!(formatdoc! {"
            The image was built for sessions in {store}, but the service bound now is a {other} service: {service}.
            Bind a {store} service, or rebuild the image with this one bound (or with {STORE}={other})."});
    }
    embedded::read(layer)?.map_or(Ok(None), |embedded| among(&embedded))
}

/// The error, with what may have been meant.
fn not_found(
    services: &Services,
    keys: &SearchKeys,
    store: Store,
    environment: &Environment,
) -> anyhow::Result<anyhow::Error> {
    let mut hints = near_misses(services, keys, &[store]);
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
    Ok(anyhow!(formatdoc! {"
        No {store} service is bound for the sessions.
        Looked for {keys} in {services}.{hints}
        Bind one to the running app, or set {MISSING}=files to start with sessions in local files, or {MISSING}=warn to start without sessions."}))
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
