//! The launch: from the services that the container has to the variables that PHP's drop-in reads.

use crate::directives::{self, Connection, DirectiveError, DropIn};
use crate::endpoint::{Endpoint, EndpointError};
use crate::environment::{Environment, EnvironmentError};
use crate::layers::session::{LaunchRecord, RecordError, read_record};
use crate::php::{PHP_INI_SCAN_DIR, with_scan_dirs};
use crate::services::matching::{MatchError, SessionService, find_session_service};
use crate::services::{Services, ServicesError};
use crate::settings::{LaunchSettings, MISSING, Missing, STORE, SettingsError};
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
    Record(#[from] RecordError),
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
    /// The service that is bound is of another store than the build's.
    #[error(
        "The image was built for sessions in {store}, and what is bound now is a {other} service: {service}.\nBind a {store} service, or build the image again with this one bound (or with {STORE}={other})."
    )]
    OtherStore {
        /// What the app was built for.
        store: Store,
        /// What is bound.
        other: Store,
        /// The service.
        service: String,
    },
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
    if let Some(found) = find_session_service(&services, &keys, &[record.store])? {
        let (connection, message) = connect(&found, &record)?;
        return Ok(launch(connection, message, environment, layer));
    }
    let stores: Vec<Store> =
        Store::ALL.into_iter().filter(|store| *store != record.store).collect();
    if let Some(other) = find_session_service(&services, &keys, &stores)? {
        return Err(LaunchError::OtherStore {
            store: record.store,
            other: other.store,
            service: other.service.to_string(),
        });
    }
    if settings.missing == Missing::Files {
        let connection = Connection { variables: Vec::new(), drop_ins: vec![DropIn::Files] };
        let message = format!(
            "warning: no session service is bound and {MISSING} is files: PHP keeps its sessions in local files, which other instances don't see and a restart loses"
        );
        return Ok(launch(connection, message, environment, layer));
    }
    Err(LaunchError::Missing {
        store: record.store,
        keys: keys.describe(&[record.store]),
        services: services.to_string(),
    })
}

fn connect(
    found: &SessionService<'_>,
    record: &LaunchRecord,
) -> Result<(Connection, String), LaunchError> {
    let SessionService { store, service, rule } = found;
    let endpoint = Endpoint::of(*store, service)?;
    let connection = directives::connect(&endpoint, &record.extension_version)?;
    let message =
        format!("PHP sessions: {store} at {endpoint}, from service {service}, found by its {rule}");
    Ok((connection, message))
}

fn launch(
    connection: Connection,
    message: String,
    environment: &Environment,
    layer: &Path,
) -> Launch {
    let Connection { mut variables, drop_ins } = connection;
    if !drop_ins.is_empty() {
        let dirs: Vec<_> = drop_ins.iter().map(|drop_in| layer.join(drop_in.folder())).collect();
        variables.push((PHP_INI_SCAN_DIR, with_scan_dirs(environment.as_env(), &dirs)));
    }
    Launch { variables, message }
}
