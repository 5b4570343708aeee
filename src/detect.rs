//! What a build is for: the store, and why. Detect and build come to it by the same way.

use crate::app::{AppOptions, PHP_APP_SIGNS, is_php_app, required_version};
use crate::config::build::{BuildSettings, StoreChoice, mirror};
use crate::config::environment::{Environment, EnvironmentError};
use crate::config::mirror::Mirror;
use crate::config::platform::BuildPlatform;
use crate::config::variables::{STORE, WEB_DIR};
use crate::frameworks::known::Framework;
use crate::services::matching::{SessionService, find_session_service};
use crate::services::near_miss::near_misses;
use crate::services::search_keys::SearchKeys;
use crate::services::{Service, Services, platform_variables};
use crate::store::Store;
use crate::system::constraint::Constraint;
use libcnb::Platform;
use libcnb::data::build_plan::{BuildPlan, BuildPlanBuilder, Require};
use std::path::Path;

/// Whether there is something to do.
#[derive(Debug)]
pub enum Decision {
    /// Nothing; one line says why.
    Skip(String),
    /// Nothing, though something that is bound was perhaps meant: the build says what would use it. In an order
    /// where we are optional, what detect says is hidden, and nobody would know.
    Warn(String),
    /// PHP shall keep its sessions in a store.
    Contribute(Box<SessionConfig>),
}

/// What PHP shall do with its sessions.
#[derive(Debug)]
pub struct SessionConfig {
    pub store: Store,
    /// How it came to that, for the log.
    pub(crate) reason: String,
    /// The service that is bound to the build; the launch may have another one.
    pub(crate) service: Option<Service>,
    /// The keys by which the service is found, now and at launch.
    pub(crate) search_keys: SearchKeys,
    /// What the app asks of the extension's version.
    pub(crate) constraint: Option<Constraint>,
    pub(crate) settings: BuildSettings,
    /// Where source releases come from instead of their own site.
    pub(crate) mirror: Option<Mirror>,
    /// The app's framework, where one is known and asked for.
    pub(crate) framework: Option<Framework>,
}

impl Decision {
    /// Reads the app, the settings and the services.
    ///
    /// # Errors
    ///
    /// Fails if one of them is malformed, or the services leave it open which is meant.
    pub fn read(app_dir: &Path, platform: &BuildPlatform) -> anyhow::Result<Self> {
        let environment = &Environment::with_platform(platform.env());
        let settings = BuildSettings::read(environment)?;
        let stores = match settings.store {
            StoreChoice::OptOut => return Ok(Self::Skip(format!("{STORE} is none."))),
            StoreChoice::Explicit(store) => vec![store],
            StoreChoice::Bound => Store::ALL.to_vec(),
        };
        let options = AppOptions::read(app_dir)?;
        if !is_php_app(app_dir, &options, environment.text(WEB_DIR)?)? {
            return Ok(Self::Skip(format!("This is not a PHP app: found no {PHP_APP_SIGNS}.")));
        }
        let search_keys = SearchKeys::determine(environment, &options)?;
        let services = Services::read(environment, platform.directory())?;
        let found = find_session_service(&services, &search_keys, &stores)?;
        let (store, reason, service) = match (found, settings.store) {
            (Some(SessionService { store, service, rule }), _) => {
                let reason = format!("service {service}, matched by its {rule}");
                (store, reason, Some(service.clone()))
            }
            (None, StoreChoice::Explicit(store)) => {
                (store, format!("chosen by {STORE}; no service is bound to the build"), None)
            }
            (None, _) => {
                let keys = search_keys.describe(&stores);
                let reason = format!(
                    "No session service is bound: looked for {keys} in {services}; {STORE} is not set."
                );
                let hints = hints(environment, &services, &search_keys)?;
                return Ok(if hints.is_empty() {
                    Self::Skip(reason)
                } else {
                    let hints = hints.join("\n- ");
                    Self::Warn(format!(
                        "{reason} PHP keeps its sessions in local files, which other instances don't see.\n- {hints}\n- or {STORE}=none, if that is meant."
                    ))
                });
            }
        };
        let mirror = mirror(environment)?;
        let framework = Framework::find(app_dir).filter(|_| settings.framework);
        let constraint = required_version(app_dir, store);
        let sessions = SessionConfig {
            store,
            reason,
            service,
            search_keys,
            constraint,
            settings,
            mirror,
            framework,
        };
        Ok(Self::Contribute(Box::new(sessions)))
    }
}

/// What might be meant for sessions, and how to use it.
fn hints(
    environment: &Environment,
    services: &Services,
    keys: &SearchKeys,
) -> Result<Vec<String>, EnvironmentError> {
    let mut hints = near_misses(services, keys, &Store::ALL);
    for store in Store::ALL {
        for variable in platform_variables::present(environment, store)? {
            hints.push(format!(
                "The variable {variable} is set: to keep sessions there, set {STORE}={store}"
            ));
        }
    }
    Ok(hints)
}

/// What the build needs of others: PHP, at build and launch, where a buildpack provides it; else
/// nothing, as the images may have it.
pub fn build_plan() -> BuildPlan {
    let mut php = Require::new("php");
    php.metadata.insert("build".to_owned(), true.into());
    php.metadata.insert("launch".to_owned(), true.into());
    BuildPlanBuilder::new().requires(php).or().build()
}
