//! The launch as a story: finds the session service, asks it, and sets the variables for PHP and the app.

use super::app;
use super::build_record::{LaunchRecord, read_record};
use super::command_line::is_php_command_line;
use super::fpm_pools::fpm_workers;
use super::prepared::Prepared;
use super::probe::{Outcome, Question};
use super::resolve::{Resolution, ResolvedService, resolve};
use super::route::{Choice, ProxyWanted, Route, StartProxy};
use super::started_process::Started;
use super::tls_files::tls_files;
use super::{log, mechanisms, nested};
use crate::config::environment::Environment;
use crate::config::launch::{LaunchSettings, Missing, Probe};
use crate::config::variables::{Phase, not_read};
use crate::frameworks::session_use::Reach;
use crate::php;
use crate::php::PHP_INI_SCAN_DIR;
use crate::php::foreign_ini::session_ini_read_after;
use crate::php::ini::PhpSettings;
use crate::php::ini_file::IniFile;
use crate::php::scan_dirs::no_longer_read;
use crate::php::tls::{TlsFiles, require_tls};
use crate::plan::Plan;
use crate::store::Store;
use anyhow::bail;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use super::prepared::Launch;

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
    let prepared = match resolve(environment, platform_dir, layer, record, settings) {
        Ok(Resolution::Service(found)) => context.prepare(&found),
        Ok(Resolution::Files) => Ok(Prepared::with_local_files()),
        Err(error) => Err(error),
    };
    let Prepared { php_settings, mut messages, app } = match prepared {
        Err(error) if settings.missing == Missing::Warn => {
            Prepared::without_sessions(record.store, &error)
        }
        prepared => prepared?,
    };
    let scan_dirs = environment.text(PHP_INI_SCAN_DIR)?.unwrap_or_default();
    messages.extend(session_ini_read_after(layer, scan_dirs).map(|file| log::foreign_ini(&file)));
    messages.extend(log::replaced_scan_dirs(&no_longer_read(&record.scan_dirs, scan_dirs)));
    messages.extend(not_read(environment, Phase::Launch).iter().map(|line| log::warning(line)));
    let mut variables = php_settings.variables_of(environment, layer);
    if nested::is_set_already(environment, &variables)? {
        messages.clear();
        nested::keep_lock_retries(environment, &mut variables)?;
    }
    Ok(Launch { variables, messages, app })
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
        let choice = Choice::of(settings.proxy, found, record)?;
        if matches!(choice, Choice::Only(Route::Direct) | Choice::OwnWait) {
            require_tls(&found.plan.endpoint, record.knows_tls)?;
        }
        let tls_files = tls_files(&found.plan, record, environment)?;
        let mut warnings: Vec<String> =
            found.warnings.iter().map(|warning| log::warning(warning)).collect();
        let (mut route, outcome) = self.choose(choice, found, &tls_files, &mut warnings)?;
        let round_trip = self.judge(found, outcome, route, &mut warnings)?;
        let mut socket = None;
        if route == Route::Proxy {
            match self.start_proxy(found) {
                Ok(started) => socket = Some(started),
                Err(error) if choice == Choice::PreferProxy => {
                    warnings.push(log::without_proxy(&error));
                    route = Route::Direct;
                }
                Err(error) => return Err(error),
            }
        }
        if route == Route::Direct && settings.metrics.is_some() {
            warnings.push(log::no_metrics());
        }
        let php_settings = match socket {
            None => self.connect(found, &tls_files, round_trip, &mut warnings)?,
            Some(socket) => php::redis_directives::behind_proxy(&socket, &self.plan(found)),
        };
        warnings.extend(self.unfollowed_wait(route, choice));
        let in_path = found.store == Store::Redis && !found.plan.endpoint.secrets().is_empty();
        if record.app.takes_save_path_for_folder && route == Route::Direct && in_path {
            warnings.push(log::password_in_folder());
        }
        let mut messages = Vec::new();
        if found.is_embedded() {
            messages.push(log::embedded_credentials(found));
        } else if settings.log {
            messages.push(log::sessions(found, route));
        }
        messages.append(&mut warnings);
        let service = Reach { plan: &found.plan, tls_files: &tls_files };
        let app = app::prepare(&service, settings, record, environment, app_dir);
        Ok(Prepared { php_settings, messages, app })
    }

    /// The route to take, and what the service answered to the probe, if it was asked. PHP's OpenSSL accepts older
    /// servers and certificates than the proxy's TLS.
    fn choose(
        &self,
        choice: Choice,
        found: &ResolvedService,
        tls_files: &TlsFiles,
        warnings: &mut Vec<String>,
    ) -> anyhow::Result<(Route, Option<Outcome>)> {
        let ask = |route| self.ask(found, tls_files, route);
        let is_nested = nested::is_nested(self.environment)?;
        let is_asked = self.settings.probe != Probe::Off && !is_nested;
        // `session-check` and the proxy's status ask by themselves.
        let is_judged =
            is_asked && !matches!(Started::now(), Started::SessionCheck | Started::ProxyStatus);
        Ok(match choice {
            Choice::Only(route) => (route, is_judged.then(|| ask(route))),
            Choice::OwnWait => (Route::Direct, is_judged.then(|| ask(Route::Direct))),
            Choice::PreferProxy if is_nested && !nested::goes_through_proxy(self.environment)? => {
                (Route::Direct, None)
            }
            Choice::PreferProxy if is_asked => match ask(Route::Proxy) {
                Outcome::Tls(_) => (Route::Direct, is_judged.then(|| ask(Route::Direct))),
                // PHP's own words say more than the proxy's.
                Outcome::Refused(_) if !is_judged => (Route::Direct, None),
                Outcome::Refused(cause) => match ask(Route::Direct) {
                    kept @ Outcome::Kept { .. } => {
                        warnings.push(log::proxy_is_refused(&cause));
                        (Route::Direct, Some(kept))
                    }
                    _ => (Route::Proxy, Some(Outcome::Refused(cause))),
                },
                outcome => (Route::Proxy, is_judged.then_some(outcome)),
            },
            Choice::PreferProxy => (Route::Proxy, None),
        })
    }

    /// Asks the service whether it would keep a session.
    fn ask(&self, found: &ResolvedService, tls_files: &TlsFiles, route: Route) -> Outcome {
        let LaunchRecord { strict_mode, sid_length, .. } = *self.record;
        let plan = &found.plan;
        let question = Question { plan, tls_files, route, strict_mode, sid_length };
        question.ask(self.environment.as_env())
    }

    /// The plan for what the launcher starts.
    fn plan(&self, found: &ResolvedService) -> Plan {
        let plan = found.plan.clone();
        if is_php_command_line(self.layer) { plan.for_command_line() } else { plan }
    }

    /// What the app says of the wait for a lock, if the session proxy is or would be in its way.
    fn unfollowed_wait(&self, route: Route, choice: Choice) -> Option<String> {
        let setting = self.record.lock_wait.as_deref()?;
        match (route, choice) {
            (Route::Proxy, _) => Some(log::wait_without_effect(setting)),
            (Route::Direct, Choice::OwnWait) => Some(log::direct_for_wait(setting)),
            _ => None,
        }
    }

    /// Returns how long the service takes to reply.
    fn judge(
        &self,
        found: &ResolvedService,
        outcome: Option<Outcome>,
        route: Route,
        warnings: &mut Vec<String>,
    ) -> anyhow::Result<Duration> {
        match outcome {
            None => {}
            Some(Outcome::Kept { round_trip, max_clients, limits }) => {
                warnings.extend(limits.iter().map(|limit| log::warning(limit)));
                warnings.extend(self.too_many_workers(route, max_clients));
                return Ok(round_trip);
            }
            Some(Outcome::Passing(cause)) => warnings.push(log::failing_for_now(found, &cause)),
            Some(Outcome::Refused(cause) | Outcome::Tls(cause)) => match self.settings.probe {
                Probe::Warn => warnings.push(log::refused(found, &cause)),
                _ => bail!(log::stopping_refusal(found, &cause)),
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

    /// What PHP's own handler is told.
    fn connect(
        &self,
        found: &ResolvedService,
        tls_files: &TlsFiles,
        round_trip: Duration,
        messages: &mut Vec<String>,
    ) -> anyhow::Result<PhpSettings> {
        let version = &self.record.extension_version;
        let mut php_settings =
            php::directives::connect(&self.plan(found), tls_files, version, round_trip)?;
        if php_settings.ini_files.contains(&IniFile::Login) {
            if mechanisms::are_missing(self.environment)? {
                messages.push(log::no_mechanisms());
            }
            if mechanisms::must_be_preloaded(self.record) {
                php_settings.ini_files.push(IniFile::Preload);
            }
        }
        Ok(php_settings)
    }

    /// Returns the proxy's socket.
    fn start_proxy(&self, found: &ResolvedService) -> anyhow::Result<PathBuf> {
        let service = format!("{}\n{}", found.plan.endpoint, found.plan.prefix);
        (self.start_proxy)(&ProxyWanted {
            layer: self.layer,
            service: &service,
            tmp: self.environment.text("TMPDIR")?,
            folder: self.settings.proxy_folder.as_deref(),
        })
    }
}
