//! From the session service to the variables that PHP's ini files read.

use super::record::{LaunchRecord, read_record};
use super::resolve::{Resolution, ResolvedService, resolve};
use super::{authorities, tls_files};
use crate::config::environment::{Environment, EnvironmentError};
use crate::config::launch::{LaunchSettings, Missing};
use crate::config::variables::MISSING;
use crate::endpoint::Endpoint;
use crate::php;
use crate::php::ini::{Connection, DropIn};
use crate::php::tls::{TlsFiles, require_tls};
use crate::php::variable::Variable;
use crate::store::Store;
use crate::system::sasl::mechanisms_of_system;
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What the launch sets and says.
#[derive(PartialEq, Eq)]
pub struct Launch {
    /// Variables for the app's processes.
    pub variables: Vec<(Variable, String)>,
    /// Lines for the log, without any secret.
    pub messages: Vec<String>,
}

/// Without the values: the save path may hold the password.
impl fmt::Debug for Launch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variables, messages } = self;
        let names = variables.iter().map(|(variable, _)| variable).collect::<Vec<_>>();
        formatter
            .debug_struct("Launch")
            .field("variables", &names)
            .field("messages", messages)
            .finish()
    }
}

/// Finds the session service and makes the variables for PHP. `layer` is the session layer.
///
/// # Errors
///
/// Fails if there is no session service, or if its credentials are no good, and the settings don't allow that.
pub fn prepare(
    environment: &Environment,
    platform_dir: &Path,
    layer: &Path,
) -> anyhow::Result<Launch> {
    let record = read_record(layer)?;
    let settings = LaunchSettings::read(environment)?;
    let resolved = resolve(environment, platform_dir, layer, &record)
        .and_then(|resolution| connection(&resolution, &record, environment));
    let (connection, message) = match resolved {
        Ok((connection, message)) => (connection, message.with(&settings)),
        Err(error) if settings.missing == Missing::Warn => (
            php::connect::nowhere(record.store),
            Some(format!(
                "warning: each session will fail, as {MISSING} is warn and there is no service for them:\n{error}"
            )),
        ),
        Err(error) => return Err(error),
    };
    let variables = connection.variables_of(environment, layer);
    let repeated = is_set_already(environment, &variables)?;
    Ok(Launch { variables, messages: message.filter(|_| !repeated).into_iter().collect() })
}

/// What a launch has to say.
enum Message {
    Information(String),
    Warning(String),
}

impl Message {
    fn with(self, settings: &LaunchSettings) -> Option<String> {
        match self {
            Self::Information(text) => settings.log.then_some(text),
            Self::Warning(text) => Some(format!("warning: {text}")),
        }
    }
}

fn connection(
    resolution: &Resolution,
    record: &LaunchRecord,
    environment: &Environment,
) -> anyhow::Result<(Connection, Message)> {
    Ok(match resolution {
        Resolution::Service(found) => {
            let message = match found.warning() {
                Some(warning) => Message::Warning(warning),
                None => Message::Information(found.to_string()),
            };
            (connect(found, record, environment)?, message)
        }
        Resolution::Files => {
            let connection = Connection { variables: Vec::new(), drop_ins: vec![DropIn::Files] };
            let message = format!(
                "no session service is bound and {MISSING} is files: PHP keeps its sessions in local files, which other instances don't see and a restart loses"
            );
            (connection, Message::Warning(message))
        }
    })
}

/// Whether a launcher outside of this one has set all of this, and has said so.
fn is_set_already(
    environment: &Environment,
    variables: &[(Variable, String)],
) -> Result<bool, EnvironmentError> {
    for (variable, value) in variables {
        let before = environment.text(variable.name())?.unwrap_or_default();
        let set = match variable {
            Variable::IniScanDir => {
                value.split(':').all(|folder| before.split(':').any(|there| there == folder))
            }
            _ => before == value,
        };
        if !set {
            return Ok(false);
        }
    }
    Ok(true)
}

fn connect(
    found: &ResolvedService,
    record: &LaunchRecord,
    environment: &Environment,
) -> anyhow::Result<Connection> {
    let version = &record.extension_version;
    require_tls(&found.endpoint, record.knows_tls)?;
    let tmp = environment.text("TMPDIR")?;
    let tls_files = match &found.endpoint {
        Endpoint::Redis(redis) => match redis.tls() {
            Some(tls) if php::redis::shares_authority(redis, version) => {
                tls_files::write(tls, Some(&authorities::trusted(environment, record)?), tmp)?
            }
            Some(tls) => tls_files::write(tls, None, tmp)?,
            None => TlsFiles::default(),
        },
        Endpoint::Memcached(_) => TlsFiles::default(),
    };
    let mut connection =
        php::connect::connect(&found.endpoint, &tls_files, &found.options, version)?;
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
