//! From the session service to the variables that PHP's ini files read.

use super::app::{self, AppLaunch, Reached};
use super::probe::{Outcome, Question};

use super::build_record::{LaunchRecord, read_record};
use super::resolve::{Resolution, ResolvedService, resolve};
use super::route::{ProxyWanted, Route, StartProxy};
use super::started_process::Started;
use super::tls_files::tls_files;
use super::workers::fpm_workers;
use crate::config::environment::{Environment, EnvironmentError};
use crate::config::launch::{LaunchSettings, Missing, Probe};
use crate::config::variables::{MISSING, PROBE};
use crate::php;
use crate::php::PHP_INI_SCAN_DIR;
use crate::php::foreign_ini::session_ini_in;
use crate::php::ini::Connection;
use crate::php::ini_file::IniFile;
use crate::php::tls::{TlsFiles, require_tls};
use crate::php::variable::{Variable, names};
use crate::store::Store;
use crate::system::sasl::{PLAIN, SASL_PATH, mechanisms_of_system};
use anyhow::bail;
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the launch sets and says.
pub struct Launch {
    pub variables: Vec<(Variable, String)>,
    /// Lines for the log, without any secret.
    pub messages: Vec<String>,
    /// What is for the app itself.
    pub app: AppLaunch,
}

/// Without the values: the save path may hold the password.
impl fmt::Debug for Launch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variables, messages, .. } = self;
        formatter
            .debug_struct("Launch")
            .field("variables", &names(variables))
            .field("messages", messages)
            .finish()
    }
}

/// Finds the session service, asks it whether it would keep a session, starts the session proxy where one is wanted,
/// and makes the variables for PHP and the app. `layer` is the session layer, `app_dir` the app's folder.
///
/// # Errors
///
/// Fails if there is no session service, if its credentials are no good, or if it would never keep a session, and
/// the settings don't allow that.
pub fn prepare(
    environment: &Environment,
    platform_dir: &Path,
    layer: &Path,
    app_dir: &Path,
    start_proxy: StartProxy<'_>,
) -> anyhow::Result<Launch> {
    let record = read_record(layer)?;
    let settings = LaunchSettings::read(environment)?;
    let prepared = resolve(environment, platform_dir, layer, &record).and_then(|resolution| {
        let start = |service: &str| {
            let (tmp, folder) = (environment.text("TMPDIR")?, settings.proxy_folder.as_deref());
            start_proxy(&ProxyWanted { layer, service, tmp, folder })
        };
        let bound = Bound { record: &record, settings: &settings, environment, app_dir };
        bound.prepared(&resolution, &start)
    });
    let Prepared { connection, mut messages, app } = match prepared {
        Ok(prepared) => prepared,
        Err(error) if settings.missing == Missing::Warn => Prepared {
            connection: php::connect::nowhere(record.store),
            messages: vec![format!(
                "warning: each session will fail, as {MISSING} is warn and there is no service for them:\n{error}"
            )],
            app: AppLaunch::default(),
        },
        Err(error) => return Err(error),
    };
    let mut variables = connection.variables_of(environment, layer);
    messages.extend(read_after_ours(environment, layer)?);
    if is_set_already(environment, &variables)? {
        messages.clear();
        // The outer launch has measured how long the server takes.
        if let Some(measured) = environment.text(Variable::LockRetries.name())? {
            let retries = variables.iter_mut().filter(|(it, _)| *it == Variable::LockRetries);
            retries.for_each(|(_, value)| measured.clone_into(value));
        }
    }
    Ok(Launch { variables, messages, app })
}

/// What is said where PHP reads session settings of another buildpack after ours: they win.
fn read_after_ours(
    environment: &Environment,
    layer: &Path,
) -> Result<Option<String>, EnvironmentError> {
    let base = layer.join(IniFile::Base.folder());
    let folders = environment.text(PHP_INI_SCAN_DIR)?.unwrap_or_default().split(':').map(Path::new);
    let mut folders_after =
        folders.skip_while(|folder| *folder != base).filter(|it| !it.starts_with(layer));
    Ok(folders_after.find_map(session_ini_in).map(|file| {
        format!(
            "warning: PHP reads {} after ours, and that file says where sessions are kept: put the buildpack that wrote it before ours, or leave it out",
            file.display()
        )
    }))
}

/// What PHP is told, and what the log and the app.
struct Prepared {
    connection: Connection,
    messages: Vec<String>,
    app: AppLaunch,
}

/// What a launch goes by, besides the service.
struct Bound<'a> {
    record: &'a LaunchRecord,
    settings: &'a LaunchSettings,
    environment: &'a Environment,
    app_dir: &'a Path,
}

impl Bound<'_> {
    fn prepared(
        &self,
        resolution: &Resolution,
        start_proxy: &dyn Fn(&str) -> anyhow::Result<PathBuf>,
    ) -> anyhow::Result<Prepared> {
        let Self { record, settings, environment, app_dir } = *self;
        let found = match resolution {
            Resolution::Service(found) => found,
            Resolution::Files => {
                return Ok(Prepared {
                    connection: Connection {
                        variables: Vec::new(),
                        ini_files: vec![IniFile::Files],
                    },
                    messages: vec![format!(
                        "warning: no session service is bound and {MISSING} is files: PHP keeps its sessions in local files, which other instances don't see and a restart loses"
                    )],
                    app: AppLaunch::default(),
                });
            }
        };
        let way = Route::of(settings.proxy, found, record)?;
        if way == Route::Direct {
            require_tls(&found.endpoint, record.knows_tls)?;
        }
        let tls_files = tls_files(found, record, environment)?;
        let mut messages = match found.warning() {
            Some(warning) => vec![format!("warning: {warning}")],
            None if settings.log && way == Route::Proxy => {
                vec![format!("{found}, through the session proxy")]
            }
            None if settings.log => vec![found.to_string()],
            None => Vec::new(),
        };
        let asks = settings.probe != Probe::Off && !is_look_inside(environment)?;
        let round_trip = if asks {
            let (endpoint, options) = (&found.endpoint, &found.options);
            let question = Question { endpoint, tls_files: &tls_files, options, way };
            self.judge(question.ask(environment.as_env()), way, found, &mut messages)?
        } else {
            Duration::ZERO
        };
        let connection = match way {
            Route::Direct => {
                let connection = self.connect(found, &tls_files, round_trip)?;
                if connection.ini_files.contains(&IniFile::Login) {
                    messages.extend(without_mechanisms(environment)?);
                }
                connection
            }
            Route::Proxy => {
                let what = format!("{}\n{:?}", found.endpoint, found.options.prefix);
                php::redis::behind_proxy(&start_proxy(&what)?, &found.options)
            }
        };
        let service = Reached { found, tls_files: &tls_files };
        let app = app::prepare(&service, way, settings, record, environment, app_dir);
        Ok(Prepared { connection, messages, app })
    }

    /// What PHP's own handler is told.
    fn connect(
        &self,
        found: &ResolvedService,
        tls_files: &TlsFiles,
        round_trip: Duration,
    ) -> anyhow::Result<Connection> {
        let version = &self.record.extension_version;
        let (endpoint, options) = (&found.endpoint, &found.options);
        let mut connection =
            php::connect::connect(endpoint, tls_files, options, version, round_trip)?;
        if needs_preload(&connection, self.record) {
            connection.ini_files.push(IniFile::Preload);
        }
        Ok(connection)
    }

    /// Says what the probe has found; gives how long the server takes for an answer.
    fn judge(
        &self,
        outcome: Outcome,
        way: Route,
        found: &ResolvedService,
        messages: &mut Vec<String>,
    ) -> anyhow::Result<Duration> {
        let Self { settings, environment, app_dir, .. } = *self;
        let (service, endpoint) = (&found.service, &found.endpoint);
        match outcome {
            Outcome::Kept { round_trip, max_clients, limits } => {
                // The proxy's connections do not depend on the workers.
                let direct = way == Route::Direct;
                let workers = direct.then(|| fpm_workers(environment, app_dir)).flatten();
                let limits = limits.into_iter().chain(too_many_workers(workers, max_clients));
                messages.extend(limits.map(|limit| format!("warning: {limit}")));
                return Ok(round_trip);
            }
            Outcome::Passing(what) => messages.push(format!(
                "warning: sessions cannot be kept at {endpoint} for now, from service {service}: {what}. The app starts, as this may pass"
            )),
            Outcome::Refused(what) | Outcome::Tls(what) if settings.probe == Probe::Warn => {
                messages.push(format!(
                    "warning: no session can be kept at {endpoint}, from service {service}.\n{what}"
                ));
            }
            Outcome::Refused(what) | Outcome::Tls(what) => bail!(
                "No session can be kept at {endpoint}, from service {service}.\n{what}\nTo start all the same, set {PROBE}=warn (or {MISSING}=warn, with which sessions fail at once)."
            ),
        }
        Ok(Duration::ZERO)
    }
}

/// Managed plans allow few connections: 20 and 30 are the smallest. A request that gets none has no session.
fn too_many_workers(workers: Option<u32>, max_clients: Option<u32>) -> Option<String> {
    let (workers, max_clients) = (workers?, max_clients?);
    let replicas = max_clients.checked_div(workers)?;
    (replicas < 2).then(|| {
        format!(
            "the server allows {max_clients} connections, and php-fpm has {workers} workers in each replica (pm.max_children): with more than {replicas} of them, requests find no connection and no session. Use fewer workers, or a greater plan"
        )
    })
}

/// Whether the launcher starts `session-check`, which asks the server itself, or the proxy's status, or was started
/// by a process that has all of this already.
fn is_look_inside(environment: &Environment) -> Result<bool, EnvironmentError> {
    let looks = matches!(Started::now(), Started::SessionCheck | Started::ProxyStatus);
    Ok(looks || environment.text(Variable::SavePath.name())?.is_some())
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
            Variable::LockRetries => !before.is_empty(),
            _ => before == value,
        };
        if !set {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is said where the service has a login and libsasl2 nothing to log in with: every session would fail.
fn without_mechanisms(environment: &Environment) -> Result<Option<String>, EnvironmentError> {
    let folders = environment.text(SASL_PATH)?.unwrap_or_default().split(':');
    let found = folders.map(Path::new).any(|folder| folder.join(PLAIN).is_file());
    Ok((!found && mechanisms_of_system().is_none()).then(|| {
        "warning: the service has a password, and the image has nothing to log in with: install libsasl2-modules in the run image, or build again with this service bound".to_owned()
    }))
}

/// Whether php-fpm's workers would not find libsasl2's mechanisms: they are not where the system has
/// them. PHP refuses to preload as root.
fn needs_preload(connection: &Connection, record: &LaunchRecord) -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    record.store == Store::Memcached
        && connection.ini_files.contains(&IniFile::Login)
        && record.may_preload
        && !root
        && mechanisms_of_system().is_none()
}
