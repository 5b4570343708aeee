//! The launch as a story: finds the session service, asks it, and sets the variables for PHP and the app.

use super::app::AppOfLaunch;
use super::build_record::{LaunchRecord, read_record};
use super::choice::{Asks, Choice, Inquiry, choose};
use super::command_line::is_php_command_line;
use super::fpm_pools::fpm_workers;
use super::prepared::Prepared;
use super::probe::{Outcome, Question};
use super::resolve::{Resolution, ResolvedService, resolve};
use super::route::{ProxyWanted, Reason, Route, StartProxy};
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
use crate::php::ini_file::IniFile;
use crate::php::scan_dirs::no_longer_read;
use crate::php::tls::TlsFiles;
use crate::plan::Plan;
use crate::store::Store;
use crate::variable::{Variable, value_of};
use anyhow::bail;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use super::prepared::Launch;

/// Finds the session service, asks whether it would keep a session, starts the session proxy if it is used, and
/// returns the variables for PHP and the app. `layer` is the session layer, `app_dir` the app's folder.
///
/// # Errors
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
    let prepared = match resolve(environment, platform_dir, layer, record, settings, None) {
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
        let tls_files = &tls_files(&found.plan, record, environment)?;
        let outer = nested::outer_route(environment)?;
        let ask = |route| self.ask(&found.plan, tls_files, route);
        let is_task = is_php_command_line(self.layer);
        let inquiry = Inquiry { outer, asks: self.asks(outer), ask };
        let Choice { mut route, reason, outcome } =
            choose(settings.proxy, &found.plan, record, is_task, &inquiry)?;
        let mut warnings: Vec<String> =
            found.warnings.iter().map(|warning| log::warning(warning)).collect();
        if let Reason::ProxyRefused(cause) = &reason {
            warnings.push(log::proxy_is_refused(cause));
        }
        let round_trip = self.judge(found, outcome, route, &mut warnings)?;
        let plan = found.plan.clone();
        let plan = &if is_task { plan.for_command_line() } else { plan };
        let socket = match route {
            Route::Proxy => self.start_proxy(plan).map(Some),
            Route::Direct => Ok(None),
        };
        let php_settings = match socket {
            Ok(Some(socket)) => php::directives::behind_proxy(&socket, plan),
            Err(error) if !reason.leaves_a_choice() => return Err(error),
            no_socket => {
                warnings.extend(no_socket.err().map(|error| log::without_proxy(&reason, &error)));
                route = Route::Direct;
                let version = &record.extension_version;
                php::directives::connect(plan, tls_files, version, round_trip)?
            }
        };
        warnings.extend(self.remarks(plan, route, &reason));
        let app = AppOfLaunch { settings, record, environment, app_dir };
        let app = app.prepare(&Reach { plan, tls_files });
        let by_framework = value_of(&app.variables, Variable::MemcachedUsername.name()).is_some();
        if (php_settings.ini_files.contains(&IniFile::Login) || by_framework)
            && mechanisms::are_missing()
        {
            warnings.push(log::no_mechanisms(route));
        }
        let mut messages = Vec::new();
        if found.is_embedded() {
            messages.push(log::embedded_credentials(found));
        } else if settings.log {
            messages.push(log::sessions(found, route, &reason));
        }
        messages.append(&mut warnings);
        Ok(Prepared { php_settings, messages, app })
    }

    fn asks(&self, outer: Option<Route>) -> Asks {
        match Started::now() {
            _ if self.settings.probe == Probe::Off || outer.is_some() => Asks::Nothing,
            Started::SessionCheck | Started::ProxyStatus => Asks::Route,
            _ => Asks::All,
        }
    }

    fn ask(&self, plan: &Plan, tls_files: &TlsFiles, route: Route) -> Outcome {
        let LaunchRecord { strict_mode, sid_length, .. } = *self.record;
        let question = Question { plan, tls_files, route, strict_mode, sid_length };
        question.ask(self.environment.as_env())
    }

    /// What users should know of the route.
    fn remarks(&self, plan: &Plan, route: Route, reason: &Reason) -> Vec<String> {
        let Self { record, settings, .. } = *self;
        let is_direct = route == Route::Direct;
        let no_metrics = (is_direct && settings.metrics.is_some()).then(log::no_metrics);
        let setting = record.own_setting.as_deref().and_then(|setting| match reason {
            Reason::OwnSetting => Some(log::direct_for_setting(setting)),
            _ => (!is_direct).then(|| log::setting_not_followed(setting)),
        });
        let in_path = record.store == Store::Redis && !plan.endpoint.secrets().is_empty();
        let in_folder = (record.app.takes_save_path_for_folder && is_direct && in_path)
            .then(log::password_in_folder);
        let unlocked = (is_direct && plan.locking && !plan.locks(false)).then(log::not_locked);
        no_metrics.into_iter().chain(setting).chain(in_folder).chain(unlocked).collect()
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

    /// Returns the proxy's socket.
    fn start_proxy(&self, plan: &Plan) -> anyhow::Result<PathBuf> {
        let service = format!("{}\n{}", plan.endpoint, plan.prefix);
        (self.start_proxy)(&ProxyWanted {
            layer: self.layer,
            service: &service,
            tmp: self.environment.text("TMPDIR")?,
            folder: self.settings.proxy_folder.as_deref(),
        })
    }
}
