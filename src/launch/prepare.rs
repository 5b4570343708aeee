//! The launch as a story: finds the session service, asks it, and sets the variables for PHP and the app.

use super::app::{self, AppLaunch, Reached};
use super::build_record::{LaunchRecord, read_record};
use super::fpm_pools::fpm_workers;
use super::probe::{Outcome, Question};
use super::resolve::{Resolution, ResolvedService, resolve};
use super::route::{ProxyWanted, Route, StartProxy};
use super::started_process::Started;
use super::tls_files::tls_files;
use super::{log, mechanisms, nested};
use crate::config::environment::Environment;
use crate::config::launch::{LaunchSettings, Missing, Probe};
use crate::php;
use crate::php::PHP_INI_SCAN_DIR;
use crate::php::foreign_ini::session_ini_read_after;
use crate::php::ini::Connection;
use crate::php::ini_file::IniFile;
use crate::php::tls::{TlsFiles, require_tls};
use crate::php::variable::{Variable, names};
use crate::store::Store;
use anyhow::bail;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// What the launch sets and logs.
pub struct Launch {
    pub variables: Vec<(Variable, String)>,
    /// Lines for the log, without any secret.
    pub messages: Vec<String>,
    /// What the launch sets and logs for the app itself.
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

/// Finds the session service, asks whether it would keep a session, starts the session proxy if it is used, and
/// returns the variables for PHP and the app. `layer` is the session layer, `app_dir` the app's folder.
///
/// # Errors
///
/// Fails, unless the settings allow it, if there is no session service, if its credentials cannot be used, or if it
/// would never keep a session.
pub fn prepare(
    environment: &Environment,
    platform_dir: &Path,
    layer: &Path,
    app_dir: &Path,
    start_proxy: StartProxy<'_>,
) -> anyhow::Result<Launch> {
    let record = &read_record(layer)?;
    let settings = &LaunchSettings::read(environment)?;
    let context = Context { record, settings, environment, layer, app_dir, start_proxy };
    let prepared = match resolve(environment, platform_dir, layer, record) {
        Ok(Resolution::Service(found)) => context.prepare(&found),
        Ok(Resolution::Files) => Ok(Prepared::with_local_files()),
        Err(error) => Err(error),
    };
    let Prepared { connection, mut messages, app } = match prepared {
        Err(error) if settings.missing == Missing::Warn => {
            Prepared::without_sessions(record.store, &error)
        }
        prepared => prepared?,
    };
    let scan_dirs = environment.text(PHP_INI_SCAN_DIR)?.unwrap_or_default();
    messages.extend(session_ini_read_after(layer, scan_dirs).map(|file| log::foreign_ini(&file)));
    let mut variables = connection.variables_of(environment, layer);
    if nested::is_set_already(environment, &variables)? {
        messages.clear();
        nested::keep_lock_retries(environment, &mut variables)?;
    }
    Ok(Launch { variables, messages, app })
}

/// How PHP connects, and what the launch logs and sets for the app.
struct Prepared {
    connection: Connection,
    messages: Vec<String>,
    app: AppLaunch,
}

impl Prepared {
    fn with_local_files() -> Self {
        Self {
            connection: Connection { variables: Vec::new(), ini_files: vec![IniFile::Files] },
            messages: vec![log::local_files()],
            app: AppLaunch::default(),
        }
    }

    fn without_sessions(store: Store, error: &anyhow::Error) -> Self {
        Self {
            connection: php::connect::nowhere(store),
            messages: vec![log::no_sessions(error)],
            app: AppLaunch::default(),
        }
    }
}

/// Everything a launch depends on besides the service.
struct Context<'a> {
    record: &'a LaunchRecord,
    settings: &'a LaunchSettings,
    environment: &'a Environment,
    layer: &'a Path,
    app_dir: &'a Path,
    start_proxy: StartProxy<'a>,
}

impl Context<'_> {
    fn prepare(&self, found: &ResolvedService) -> anyhow::Result<Prepared> {
        let Self { record, settings, environment, app_dir, .. } = *self;
        let route = Route::of(settings.proxy, found, record)?;
        if route == Route::Direct {
            require_tls(&found.endpoint, record.knows_tls)?;
        }
        let tls_files = tls_files(found, record, environment)?;
        let mut messages = Vec::new();
        if found.is_embedded() {
            messages.push(log::embedded_credentials(found));
        } else if settings.log {
            messages.push(log::sessions(found, route));
        }
        let round_trip = self.probe(found, &tls_files, route, &mut messages)?;
        let connection = match route {
            Route::Direct => self.connect(found, &tls_files, round_trip, &mut messages)?,
            Route::Proxy => self.connect_through_proxy(found)?,
        };
        let service = Reached { found, tls_files: &tls_files };
        let app = app::prepare(&service, route, settings, record, environment, app_dir);
        Ok(Prepared { connection, messages, app })
    }

    /// Asks the service whether it would keep a session; returns how long it takes to reply. `session-check` and the
    /// proxy's status ask by themselves, and an outer launch has already asked.
    fn probe(
        &self,
        found: &ResolvedService,
        tls_files: &TlsFiles,
        route: Route,
        messages: &mut Vec<String>,
    ) -> anyhow::Result<Duration> {
        let Self { settings, environment, .. } = *self;
        if settings.probe == Probe::Off
            || matches!(Started::now(), Started::SessionCheck | Started::ProxyStatus)
            || nested::is_nested(environment)?
        {
            return Ok(Duration::ZERO);
        }
        let (endpoint, options) = (&found.endpoint, &found.options);
        match (Question { endpoint, tls_files, options, route }).ask(environment.as_env()) {
            Outcome::Kept { round_trip, max_clients, limits } => {
                messages.extend(limits.iter().map(|limit| log::limit(limit)));
                messages.extend(self.too_many_workers(route, max_clients));
                return Ok(round_trip);
            }
            Outcome::Passing(problem) => messages.push(log::failing_for_now(found, &problem)),
            Outcome::Refused(problem) | Outcome::Tls(problem) => match settings.probe {
                Probe::Warn => messages.push(log::refused(found, &problem)),
                _ => bail!(log::stopping_refusal(found, &problem)),
            },
        }
        Ok(Duration::ZERO)
    }

    fn too_many_workers(&self, route: Route, max_clients: Option<u32>) -> Option<String> {
        if route == Route::Proxy {
            // The proxy's connections do not depend on the workers.
            return None;
        }
        let (workers, max_clients) = (fpm_workers(self.environment, self.app_dir)?, max_clients?);
        let replicas = max_clients.checked_div(workers)?;
        (replicas < 2).then(|| log::too_many_workers(workers, max_clients, replicas))
    }

    /// The connection of PHP's own handler.
    fn connect(
        &self,
        ResolvedService { endpoint, options, .. }: &ResolvedService,
        tls_files: &TlsFiles,
        round_trip: Duration,
        messages: &mut Vec<String>,
    ) -> anyhow::Result<Connection> {
        let version = &self.record.extension_version;
        let mut connection =
            php::connect::connect(endpoint, tls_files, options, version, round_trip)?;
        if connection.ini_files.contains(&IniFile::Login) {
            if mechanisms::are_missing(self.environment)? {
                messages.push(log::no_mechanisms());
            }
            if mechanisms::must_be_preloaded(self.record) {
                connection.ini_files.push(IniFile::Preload);
            }
        }
        Ok(connection)
    }

    fn connect_through_proxy(&self, found: &ResolvedService) -> anyhow::Result<Connection> {
        let service = format!("{}\n{:?}", found.endpoint, found.options.prefix);
        let socket = (self.start_proxy)(&ProxyWanted {
            layer: self.layer,
            service: &service,
            tmp: self.environment.text("TMPDIR")?,
            folder: self.settings.proxy_folder.as_deref(),
        })?;
        Ok(php::redis_directives::behind_proxy(&socket, &found.options))
    }
}
