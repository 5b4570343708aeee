//! The launch: from the services that the container has to the variables that PHP's drop-in reads.

use crate::directives::{self, DirectiveError, SAVE_PATH};
use crate::endpoint::EndpointError;
use crate::endpoint::redis::RedisEndpoint;
use crate::environment::{Environment, EnvironmentError};
use crate::layers::session::{FILES_DROP_IN, LaunchRecord, SessionLayerError, read_record};
use crate::php::{PHP_INI_SCAN_DIR, with_scan_dir};
use crate::services::matching::{MatchError, SessionService, find_session_service};
use crate::services::{Services, ServicesError};
use crate::settings::{LaunchSettings, MISSING, Missing, SettingsError};
use crate::store::Store;
use std::path::Path;

/// What the launch sets and says.
#[derive(Debug, PartialEq, Eq)]
pub struct Launch {
    /// Variables for the app's processes.
    pub variables: Vec<(&'static str, String)>,
    /// One line for the log, without any secret.
    pub message: String,
}

/// Why the container must not start.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The layer that the build made is damaged.
    #[error(transparent)]
    Layer(#[from] SessionLayerError),
    /// A setting cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A variable cannot be read.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The services cannot be read.
    #[error(transparent)]
    Services(#[from] ServicesError),
    /// Several services could be meant.
    #[error(transparent)]
    Match(#[from] MatchError),
    /// The service's credentials are no good.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The extension cannot do what the service needs.
    #[error(transparent)]
    Directive(#[from] DirectiveError),
    /// No session service is bound.
    #[error(
        "No {store} service is bound for the sessions.\nLooked for {keys} in {services}.\nBind one to the running app, or set {MISSING}=files to start with sessions in local files."
    )]
    Missing {
        /// What the app was built for.
        store: Store,
        /// What was looked for.
        keys: String,
        /// Where it was looked for.
        services: String,
    },
}

/// Finds the session service and makes the variables for PHP. `layer` is the session layer.
///
/// # Errors
///
/// Fails if there is no session service (and the settings don't allow that), or if its credentials
/// are no good.
pub fn prepare(
    environment: &Environment,
    platform_dir: &Path,
    layer: &Path,
) -> Result<Launch, LaunchError> {
    let record = read_record(layer)?;
    let settings = LaunchSettings::read(environment)?;
    let services = Services::read(environment, platform_dir)?;
    let keys = record.search_keys.clone().overridden_by(environment)?;
    match find_session_service(&services, &keys, &[record.store])? {
        Some(found) => connect(&found, &record),
        None if settings.missing == Missing::Files => Ok(local_files(environment, layer)),
        None => Err(LaunchError::Missing {
            store: record.store,
            keys: keys.describe(&[record.store]),
            services: services.to_string(),
        }),
    }
}

fn connect(found: &SessionService<'_>, record: &LaunchRecord) -> Result<Launch, LaunchError> {
    let SessionService { store, service, rule } = found;
    let endpoint = match store {
        Store::Redis => RedisEndpoint::of(service)?,
    };
    let save_path = directives::redis::save_path(&endpoint, &record.extension_version)?;
    Ok(Launch {
        variables: vec![(SAVE_PATH, save_path)],
        message: format!(
            "PHP sessions: {store} at {endpoint}, from service {service}, found by its {rule}"
        ),
    })
}

fn local_files(environment: &Environment, layer: &Path) -> Launch {
    let scan_dir = with_scan_dir(environment.as_env(), &layer.join(FILES_DROP_IN));
    Launch {
        variables: vec![(PHP_INI_SCAN_DIR, scan_dir)],
        message: format!(
            "warning: no session service is bound and {MISSING} is files: PHP keeps its sessions in local files, which other instances don't see and a restart loses"
        ),
    }
}
