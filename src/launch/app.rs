//! What the launch sets for the app's own configuration, and for its framework.

use super::prepare::tls_files;
use super::record::{LaunchRecord, read_record};
use super::resolve::{Resolution, ResolvedService, resolve};
use super::way::Way;
use super::workers::clearing_pool;
use crate::config::environment::Environment;
use crate::config::launch::LaunchSettings;
use crate::endpoint::Endpoint;
use crate::frameworks::known::Framework;
use crate::frameworks::session_use::{Connection, OwnSessions, SessionUse};
use crate::frameworks::store_variables::store_variables;
use crate::frameworks::variable::AppVariables;
use std::path::Path;

/// What the launch sets and says for the app.
#[derive(Default)]
pub struct AppLaunch {
    /// Variables for the app's processes.
    pub variables: AppVariables,
    /// A line for the log, without any secret.
    pub message: Option<String>,
}

/// Variables that the app will not see.
fn hidden(pool: &Path) -> OwnSessions {
    OwnSessions {
        what: format!(
            "php-fpm's pool in {} hides the environment from it, and with it the variables that say where sessions are",
            pool.display()
        ),
        advice: "Set clear_env = no in the pool.".to_owned(),
    }
}

/// Finds out what the app is to be told; nothing where no service is used. `layer` is the session layer,
/// `app_dir` the app's folder.
///
/// # Errors
///
/// Fails if the build's record or a setting cannot be read.
pub fn prepare(
    environment: &Environment,
    platform_dir: &Path,
    layer: &Path,
    app_dir: &Path,
) -> anyhow::Result<AppLaunch> {
    let record = read_record(layer)?;
    let settings = LaunchSettings::read(environment)?;
    // What cannot be resolved has stopped the start already, or is allowed.
    let Ok(Resolution::Service(found)) = resolve(environment, platform_dir, layer, &record) else {
        return Ok(AppLaunch::default());
    };
    let connected = Connected::new(&found, &record, environment)?;
    let mut variables = match Way::of(settings.proxy, &found, &record)? {
        Way::Direct => store_variables(&connected.connection()),
        // The proxy keeps the password from PHP, and these hold it.
        Way::Proxy => AppVariables::default(),
    };
    let mut message = None;
    if let Some((framework, session_use)) = session_use(&found, &record, environment, app_dir)? {
        let (text, is_warning) = words(&framework, &session_use);
        message = text.filter(|_| is_warning || settings.log);
        if let SessionUse::Variables(more) = session_use {
            if let Some(pool) = clearing_pool(environment, app_dir) {
                // Set all the same: what runs beside php-fpm sees them.
                message = words(&framework, &SessionUse::Own(hidden(&pool))).0;
            }
            variables.extend(more);
        }
    }
    let is_set = |name, value: &str| environment.text(name).is_ok_and(|set| set == Some(value));
    // A launcher outside of this one has said it.
    let repeated = variables.iter().all(|(variable, value)| is_set(variable.name(), value));
    Ok(AppLaunch { variables, message: message.filter(|_| !repeated) })
}

/// What the app's framework does with sessions, as its visitors see it.
///
/// # Errors
///
/// As [`session_use`].
pub fn session_use_behind_fpm(
    found: &ResolvedService,
    record: &LaunchRecord,
    environment: &Environment,
    app_dir: &Path,
) -> anyhow::Result<Option<(Framework, SessionUse)>> {
    let found = session_use(found, record, environment, app_dir)?;
    Ok(found.map(|(framework, session_use)| match session_use {
        SessionUse::Variables(_) => {
            let pool = clearing_pool(environment, app_dir);
            let hidden = pool.map(|pool| SessionUse::Own(hidden(&pool)));
            (framework, hidden.unwrap_or(session_use))
        }
        _ => (framework, session_use),
    }))
}

/// What the app's framework does with sessions, where one is known and the settings don't leave it alone.
///
/// # Errors
///
/// Fails if a setting cannot be read, or a file cannot be written.
fn session_use(
    found: &ResolvedService,
    record: &LaunchRecord,
    environment: &Environment,
    app_dir: &Path,
) -> anyhow::Result<Option<(Framework, SessionUse)>> {
    let asked = LaunchSettings::read(environment)?.framework;
    let Some(framework) = record.framework.clone().filter(|_| asked) else { return Ok(None) };
    let connected = Connected::new(found, record, environment)?;
    let connection = Some(&connected.connection());
    let session_use = framework.session_use(app_dir, environment, record.store, connection);
    Ok(Some((framework, session_use)))
}

/// A service with its files.
struct Connected<'a> {
    found: &'a ResolvedService,
    tls_files: crate::php::tls::TlsFiles,
}

impl<'a> Connected<'a> {
    fn new(
        found: &'a ResolvedService,
        record: &LaunchRecord,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        Ok(Self { found, tls_files: tls_files(found, record, environment)? })
    }

    fn connection(&self) -> Connection<'_> {
        let of_service = match &self.found.endpoint {
            Endpoint::Redis(redis) => redis.database,
            Endpoint::Memcached(_) => None,
        };
        Connection {
            endpoint: &self.found.endpoint,
            tls_files: &self.tls_files,
            verify_peer: self.found.options.verify_peer.unwrap_or(true),
            database: self.found.options.database.or(of_service),
        }
    }
}

/// The line for the log, and whether it is a warning.
fn words(framework: &Framework, session_use: &SessionUse) -> (Option<String>, bool) {
    match session_use {
        SessionUse::Php | SessionUse::None | SessionUse::Configured(_) => (None, false),
        SessionUse::Variables(variables) => {
            let names: Vec<&str> = variables.iter().map(|(variable, _)| variable.name()).collect();
            let told =
                format!("{framework} keeps its sessions there, too: set {}", names.join(", "));
            (Some(told).filter(|_| !names.is_empty()), false)
        }
        SessionUse::Own(OwnSessions { what, advice }) => (
            Some(format!(
                "warning: {framework} does not keep its sessions there: {what}.\n{advice}"
            )),
            true,
        ),
    }
}
