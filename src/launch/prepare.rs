//! From the session service to the variables that PHP's ini files read.

use super::record::{LaunchRecord, read_record};
use super::resolve::{Resolution, ResolvedService, resolve};
use super::tls_files;
use crate::config::environment::Environment;
use crate::config::variables::MISSING;
use crate::endpoint::Endpoint;
use crate::php;
use crate::php::ini::{Connection, DropIn};
use crate::php::tls::{TlsFiles, require_tls};
use crate::php::variable::Variable;
use crate::store::Store;
use crate::system::sasl::mechanisms_of_system;
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
) -> anyhow::Result<Launch> {
    let record = read_record(layer)?;
    let (connection, message) = match resolve(environment, platform_dir, layer, &record)? {
        Resolution::Service(found) => (connect(&found, &record, environment)?, found.to_string()),
        Resolution::Files => {
            let connection = Connection { variables: Vec::new(), drop_ins: vec![DropIn::Files] };
            let message = format!(
                "warning: no session service is bound and {MISSING} is files: PHP keeps its sessions in local files, which other instances don't see and a restart loses"
            );
            (connection, message)
        }
    };
    Ok(Launch { variables: connection.variables_of(environment, layer), message })
}

fn connect(
    found: &ResolvedService,
    record: &LaunchRecord,
    environment: &Environment,
) -> anyhow::Result<Connection> {
    let version = &record.extension_version;
    require_tls(&found.endpoint, record.knows_tls)?;
    let tls_files = match &found.endpoint {
        Endpoint::Redis(redis) => match redis.tls() {
            Some(tls) => {
                let with_system = php::redis::shares_authority(redis, version);
                tls_files::write(tls, with_system, environment.text("TMPDIR")?)?
            }
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
