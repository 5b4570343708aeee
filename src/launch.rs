//! The launch: from the services that the container has to the variables that PHP's drop-in reads.

use crate::directives::{self, Connection, DirectiveError, DropIn, Variable};
use crate::embedded;
use crate::endpoint::{self, Endpoint, EndpointError};
use crate::environment::{Environment, EnvironmentError};
use crate::extension::mechanisms_of_system;
use crate::layers::session::{LaunchRecord, RecordError, read_record};
use crate::options::{Options, OptionsError};
use crate::services::matching::{MatchError, Rule, SessionService, find_session_service};
use crate::services::{Origin, Service, Services, ServicesError};
use crate::settings::{EMBED_CREDENTIALS, LaunchSettings, MISSING, Missing, STORE, SettingsError};
use crate::store::Store;
use crate::tls_files::{self, TlsFiles, TlsFilesError};
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What the launch sets and says.
#[derive(Debug, PartialEq, Eq)]
pub struct Launch {
    /// Variables for the app's processes.
    pub variables: Vec<(Variable, String)>,
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
    /// An option cannot be used.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// A certificate cannot be brought into a file.
    #[error(transparent)]
    TlsFiles(#[from] TlsFilesError),
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

/// Where the sessions are kept.
#[derive(Debug)]
pub enum Place {
    /// In a service.
    Service(Box<Found>),
    /// In local files, as the settings allow.
    Files,
}

/// The session service, and how to connect to it.
#[derive(Debug)]
pub struct Found {
    /// What it is.
    pub store: Store,
    /// The service itself.
    pub service: Service,
    /// Why it is the one.
    pub rule: Rule,
    /// Where it is.
    pub endpoint: Endpoint,
    /// The options of the launch and of the service.
    pub options: Options,
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
    let (connection, message) = match find(environment, platform_dir, layer, &record)? {
        Place::Service(found) => (connect(&found, &record, environment)?, found.to_string()),
        Place::Files => {
            let connection = Connection { variables: Vec::new(), drop_ins: vec![DropIn::Files] };
            let message = format!(
                "warning: no session service is bound and {MISSING} is files: PHP keeps its sessions in local files, which other instances don't see and a restart loses"
            );
            (connection, message)
        }
    };
    Ok(Launch { variables: connection.variables_of(environment, layer), message })
}

/// Finds out where the sessions are kept.
///
/// # Errors
///
/// As [`prepare`].
pub fn find(
    environment: &Environment,
    platform_dir: &Path,
    layer: &Path,
    record: &LaunchRecord,
) -> Result<Place, LaunchError> {
    let store = record.store;
    let settings = LaunchSettings::read(environment)?;
    let options = Options::read(environment, store)?;
    let services = Services::read(environment, platform_dir)?;
    let keys = record.search_keys.clone().overridden_by(environment)?;
    if let Some(found) = find_session_service(&services, &keys, &[store])? {
        return Found::place(&found, options);
    }
    let others: Vec<Store> = Store::ALL.into_iter().filter(|other| *other != store).collect();
    if let Some(SessionService { store: other, service, .. }) =
        find_session_service(&services, &keys, &others)?
    {
        return Err(LaunchError::OtherStore { store, other, service: service.to_string() });
    }
    if let Some(embedded) = embedded::read(layer)?
        && let Some(found) = find_session_service(&embedded, &keys, &[store])?
    {
        return Found::place(&found, options);
    }
    if settings.missing == Missing::Files {
        return Ok(Place::Files);
    }
    let keys = keys.describe(&[store]);
    Err(LaunchError::Missing { store, keys, services: services.to_string() })
}

impl Found {
    fn place(found: &SessionService<'_>, options: Options) -> Result<Place, LaunchError> {
        let SessionService { store, service, rule } = found;
        Ok(Place::Service(Box::new(Self {
            store: *store,
            service: (*service).clone(),
            rule: rule.clone(),
            endpoint: Endpoint::of(*store, service)?,
            options: options.or(endpoint::options(*store, service)?),
        })))
    }
}

/// What is found, for the log.
impl fmt::Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, service, rule, endpoint, .. } = self;
        if service.origin == Origin::Embedded {
            write!(
                formatter,
                "warning: no session service is bound, so the credentials embedded in the image are used ({EMBED_CREDENTIALS}); "
            )?;
        }
        write!(
            formatter,
            "sessions in {store} at {endpoint}, from service {service}, found by its {rule}"
        )
    }
}

fn connect(
    found: &Found,
    record: &LaunchRecord,
    environment: &Environment,
) -> Result<Connection, LaunchError> {
    let version = &record.extension_version;
    let tls_files = match &found.endpoint {
        Endpoint::Redis(redis) => match redis.tls() {
            Some(tls) => {
                let with_system = directives::redis::shares_authority(redis, version);
                tls_files::write(tls, with_system, environment.text("TMPDIR")?)?
            }
            None => TlsFiles::default(),
        },
        Endpoint::Memcached(_) => TlsFiles::default(),
    };
    let mut connection = directives::connect(&found.endpoint, &tls_files, &found.options, version)?;
    if needs_preload(&connection, record) {
        connection.drop_ins.push(DropIn::Preload);
    }
    Ok(connection)
}

/// Whether php-fpm's workers would not find libsasl2's mechanisms: they are not where the system has
/// them. PHP refuses to preload as root.
fn needs_preload(connection: &Connection, record: &LaunchRecord) -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    record.store == Store::Memcached
        && connection.drop_ins.contains(&DropIn::Login)
        && record.may_preload
        && !root
        && mechanisms_of_system().is_none()
}
