//! What a build is for: the store, and why. Detect and build come to it by the same way.

use crate::app::{AppError, AppOptions, PHP_APP_SIGNS, is_php_app};
use crate::download::Mirror;
use crate::environment::{Environment, EnvironmentError};
use crate::platform::BuildPlatform;
use crate::services::matching::{MatchError, SessionService, find_session_service};
use crate::services::search_keys::SearchKeys;
use crate::services::{Service, Services, ServicesError};
use crate::settings::{BuildSettings, STORE, SettingsError, StoreChoice, mirror};
use crate::store::Store;
use libcnb::Platform;
use libcnb::data::build_plan::{BuildPlan, BuildPlanBuilder, Require};
use std::path::Path;

/// Whether there is something to do.
#[derive(Debug)]
pub enum Intent {
    /// Nothing; one line says why.
    Nothing(String),
    /// PHP shall keep its sessions in a store.
    Sessions(Box<Sessions>),
}

/// What PHP shall do with its sessions.
#[derive(Debug)]
pub struct Sessions {
    /// Where they are kept.
    pub store: Store,
    /// How it came to that, for the log.
    pub reason: String,
    /// The service that is bound to the build; the launch may have another one.
    pub service: Option<Service>,
    /// The keys by which the service is found, now and at launch.
    pub search_keys: SearchKeys,
    /// The settings.
    pub settings: BuildSettings,
    /// Where source releases come from instead of their own site.
    pub mirror: Option<Mirror>,
}

/// Why the intent is not clear.
#[derive(Debug, thiserror::Error)]
pub enum IntentError {
    /// The app cannot be understood.
    #[error(transparent)]
    App(#[from] AppError),
    /// A setting cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A variable cannot be read.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The services cannot be read.
    #[error(transparent)]
    Services(#[from] ServicesError),
    /// The services leave it open.
    #[error(transparent)]
    Match(#[from] MatchError),
}

impl Intent {
    /// Reads the app, the settings and the services.
    ///
    /// # Errors
    ///
    /// Fails if one of them is malformed, or the services leave it open which is meant.
    pub fn read(app_dir: &Path, platform: &BuildPlatform) -> Result<Self, IntentError> {
        let environment = &Environment::with_platform(platform.env());
        let settings = BuildSettings::read(environment)?;
        let stores = match settings.store {
            StoreChoice::OptOut => return Ok(Self::Nothing(format!("{STORE} is none."))),
            StoreChoice::Explicit(store) => vec![store],
            StoreChoice::Bound => Store::ALL.to_vec(),
        };
        let options = AppOptions::read(app_dir)?;
        if !is_php_app(app_dir, &options)? {
            return Ok(Self::Nothing(format!("This is no PHP app: looked for {PHP_APP_SIGNS}.")));
        }
        let search_keys = SearchKeys::determine(environment, &options)?;
        let services = Services::read(environment, platform.directory())?;
        let found = find_session_service(&services, &search_keys, &stores)?;
        let (store, reason, service) = match (found, settings.store) {
            (Some(SessionService { store, service, rule }), _) => {
                let reason = format!("service {service}, found by its {rule}");
                (store, reason, Some(service.clone()))
            }
            (None, StoreChoice::Explicit(store)) => {
                (store, format!("{STORE} says so; no service is bound to the build"), None)
            }
            (None, _) => {
                let keys = search_keys.describe(&stores);
                return Ok(Self::Nothing(format!(
                    "No session service is bound: looked for {keys} in {services}; {STORE} is not set."
                )));
            }
        };
        let mirror = mirror(environment)?;
        let sessions = Sessions { store, reason, service, search_keys, settings, mirror };
        Ok(Self::Sessions(Box::new(sessions)))
    }
}

/// What the build needs of others: PHP, at build and launch, where a buildpack provides it; else
/// nothing, as the images may have it.
pub fn build_plan() -> BuildPlan {
    let mut php = Require::new("php");
    php.metadata.insert("build".to_owned(), true.into());
    php.metadata.insert("launch".to_owned(), true.into());
    BuildPlanBuilder::new().requires(php).or().build()
}
