//! What the build decides: whether to contribute, for which store, and why. Detect and build share this code.

use crate::app::{AppFindings, AppOptions, PHP_APP_SIGNS, is_php_app, required_version};
use crate::config::build::{BuildSettings, StoreChoice, mirror};
use crate::config::environment::{Environment, EnvironmentError};
use crate::config::platform::BuildPlatform;
use crate::config::variables::{Phase, STORE, WEB_DIR, not_read};
use crate::endpoint;
use crate::frameworks::known::Framework;
use crate::frameworks::takes_save_path_for_folder;
use crate::services::matching::{SessionService, find_session_service};
use crate::services::near_miss::near_misses;
use crate::services::search_keys::SearchKeys;
use crate::services::{Service, Services, platform_variables};
use crate::store::Store;
use crate::system::constraint::Constraint;
use libcnb::Platform;
use libcnb::data::build_plan::{BuildPlan, BuildPlanBuilder, Require};
use std::path::Path;
use url::Url;

/// Whether there is anything to do.
#[derive(Debug)]
pub enum Decision {
    /// Nothing to do; one line says why.
    Skip(String),
    /// Nothing to do, but something that is bound may have been meant for sessions. The build says how to use it,
    /// because the lifecycle hides the output of an optional buildpack's detect.
    Warn(String),
    /// PHP is to keep its sessions in a store.
    Contribute(Box<SessionConfig>),
}

/// How PHP is to keep its sessions.
#[derive(Debug)]
pub struct SessionConfig {
    pub store: Store,
    /// Why this store, for the log.
    pub(crate) reason: String,
    /// The service bound to the build; at launch it may be another one.
    pub(crate) service: Option<Service>,
    /// The keys that find the service, now and at launch.
    pub(crate) search_keys: SearchKeys,
    /// The extension versions that the app accepts.
    pub(crate) constraint: Option<Constraint>,
    pub(crate) settings: BuildSettings,
    /// Lines for the log about variables that do not mean what they seem to.
    pub(crate) warnings: Vec<String>,
    /// Where to download source releases instead of from their own site.
    pub(crate) mirror: Option<Url>,
    /// The app's framework, if we know it and may set it up.
    pub(crate) framework: Option<Framework>,
    /// Whether the framework, set up or not, takes the save path for a folder.
    pub(crate) takes_save_path_for_folder: bool,
}

impl SessionConfig {
    /// Looks through the app's own files, for the bound service's password among other things.
    #[must_use]
    pub fn look_through(&self, app_dir: &Path) -> AppFindings {
        let reading = self.service.as_ref().map(|service| endpoint::read(self.store, service));
        match reading {
            Some(Ok(reading)) => AppFindings::search(app_dir, &reading.endpoint.secrets()),
            _ => AppFindings::search(app_dir, &[]),
        }
    }
}

impl Decision {
    /// Reads the app, the settings and the services.
    ///
    /// # Errors
    /// Fails if any of them is malformed, or if several services match.
    pub fn read(app_dir: &Path, platform: &BuildPlatform) -> anyhow::Result<Self> {
        let environment = &Environment::with_platform(platform.env());
        let settings = BuildSettings::read(environment)?;
        let stores = match settings.store {
            StoreChoice::OptOut => return Ok(Self::Skip(format!("{STORE} is none."))),
            StoreChoice::Explicit(store) => vec![store],
            StoreChoice::Bound => Store::ALL.to_vec(),
        };
        let options = AppOptions::read(app_dir)?;
        if !is_php_app(app_dir, &options, environment.text(WEB_DIR)?) {
            return Ok(Self::Skip(format!("Not a PHP app: found no {PHP_APP_SIGNS}.")));
        }
        let search_keys = SearchKeys::determine(environment, &options)?;
        let services = Services::read(environment, platform.directory())?;
        let found = find_session_service(&services, &search_keys, &stores)?;
        let mut warnings = not_read(environment, Phase::Build);
        warnings.extend(found.iter().filter_map(|found| found.ignores(&search_keys)));
        let (store, reason, service) = match (found, settings.store) {
            (Some(SessionService { store, service, rule }), _) => {
                let reason = format!("service {service}, matched by its {rule}");
                (store, reason, Some(service.clone()))
            }
            (None, StoreChoice::Explicit(store)) => {
                (store, format!("chosen by {STORE}; no service is bound to the build"), None)
            }
            (None, _) => {
                let reason = format!(
                    "No session service is bound, and {STORE} is not set. Looked for {} in {services}.",
                    search_keys.describe(&stores)
                );
                let hints = hints(environment, &services, &search_keys)?;
                return Ok(Self::nothing_bound(reason, &[hints, warnings].concat()));
            }
        };
        let mirror = mirror(environment)?;
        let framework = Framework::find(app_dir);
        // Whatever the setting.
        let takes_save_path_for_folder = takes_save_path_for_folder(app_dir, framework.as_ref());
        let framework = framework.filter(|_| settings.framework);
        let constraint = required_version(app_dir, store);
        let sessions = SessionConfig {
            store,
            reason,
            service,
            search_keys,
            constraint,
            settings,
            warnings,
            mirror,
            framework,
            takes_save_path_for_folder,
        };
        Ok(Self::Contribute(Box::new(sessions)))
    }

    fn nothing_bound(reason: String, hints: &[String]) -> Self {
        if hints.is_empty() {
            return Self::Skip(reason);
        }
        let hints = hints.join("\n- ");
        Self::Warn(format!(
            "{reason} PHP will keep its sessions in local files, which other instances cannot see.\n- {hints}\n- If that is intended, set {STORE}=none"
        ))
    }
}

/// What may have been meant for sessions, and how to use it.
fn hints(
    environment: &Environment,
    services: &Services,
    keys: &SearchKeys,
) -> Result<Vec<String>, EnvironmentError> {
    let mut hints = near_misses(services, keys, &Store::ALL);
    for store in Store::ALL {
        for variable in platform_variables::present(environment, store)? {
            hints.push(format!(
                "The variable {variable} is set. To keep sessions there, set {STORE}={store}"
            ));
        }
    }
    Ok(hints)
}

/// Requires PHP at build and launch if a buildpack provides it, else nothing: the images may have it.
pub fn build_plan() -> BuildPlan {
    let mut php = Require::new("php");
    php.metadata.insert("build".to_owned(), true.into());
    php.metadata.insert("launch".to_owned(), true.into());
    BuildPlanBuilder::new().requires(php).or().build()
}
