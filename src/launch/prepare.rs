//! The launch as a story: finds the session service, asks it, and sets the variables for PHP and the app.

use super::app::{AppLaunch, AppOfLaunch};
use super::build_record::{LaunchRecord, read_record};
use super::choice::{Asks, Choice, ServiceProbe, choose};
use super::first_route;
use super::fpm_pools::fpm_workers;
use super::log::Line;
use super::nested;
use super::probe::{Outcome, Question};
use super::resolve::{ResolvedService, resolve};
use super::route::{ProxyWanted, Reason, Route, StartProxy};
use super::socket_folder::Place;
use super::started_process::Started;
use super::tls_files::tls_files;
use crate::config::environment::{Environment, EnvironmentError};
use crate::config::launch::{LaunchSettings, Missing, ProbeSetting, Proxy};
use crate::config::variables::{Phase, not_read};
use crate::frameworks::session_use::Reach;
use crate::php::PHP_INI_SCAN_DIR;
use crate::php::directives::{behind_proxy, connect, nowhere};
use crate::php::foreign_ini::session_ini_read_after;
use crate::php::ini::PhpSettings;
use crate::php::ini_file::IniFile;
use crate::php::scan_dirs::no_longer_read;
use crate::plan::Plan;
use crate::services::Origin;
use crate::store::Store;
use crate::variable::{Variable, Variables, names};
use anyhow::bail;
use glob::glob;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// What the launch sets and logs.
pub struct Launch {
    pub variables: Variables,
    /// Lines for the log, without any secret.
    pub messages: Vec<String>,
    /// What the launch sets and logs for the app itself.
    pub app: AppLaunch,
}

/// Without the values: the save path may hold the password.
impl fmt::Debug for Launch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Launch({:?}, {:?})", names(&self.variables), self.messages)
    }
}

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
    let found = resolve(environment, platform_dir, layer, record, settings, None);
    let prepared = found.and_then(|found| {
        if let Some(found) = found {
            return context.prepare(&found);
        }
        let php_settings = PhpSettings { variables: vec![], ini_files: vec![IniFile::Files] };
        Ok((php_settings, vec![Line::LocalFiles.to_string()], AppLaunch::default()))
    });
    let (php_settings, mut messages, app) = match prepared {
        Err(error) if settings.missing == Missing::Warn => {
            let lines = vec![Line::NoSessions(error).to_string()];
            (nowhere(record.store), lines, AppLaunch::default())
        }
        prepared => prepared?,
    };
    let scan_dirs = environment.text(PHP_INI_SCAN_DIR)?.unwrap_or_default();
    let foreign = session_ini_read_after(layer, scan_dirs).map(Line::ForeignIni);
    let replaced = no_longer_read(&record.scan_dirs, scan_dirs);
    let replaced = (!replaced.is_empty()).then_some(Line::ReplacedScanDirs(&replaced));
    let not_read = not_read(environment, Phase::Launch);
    let not_read = not_read.iter().map(|line| Line::Warning(line.into()));
    messages
        .extend(foreign.into_iter().chain(replaced).chain(not_read).map(|line| line.to_string()));
    let mut variables = php_settings.variables_of(environment, layer);
    if nested::is_set_already(environment, &mut variables)? {
        messages.clear();
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

impl<'a> Context<'a> {
    /// What PHP is told, and what the launch logs and sets for the app.
    fn prepare(
        &self,
        found: &ResolvedService,
    ) -> anyhow::Result<(PhpSettings, Vec<String>, AppLaunch)> {
        let Self { record, settings, environment, app_dir, .. } = *self;
        let tls_files = &tls_files(&found.plan, record, environment)?;
        let started = Started::now(self.layer);
        let is_look = matches!(started, Started::SessionCheck | Started::ProxyStatus);
        let (outer, place) = self.route_before(started, &found.plan)?;
        let asks = match started {
            _ if settings.probe == ProbeSetting::Off || outer.is_some() => Asks::Nothing,
            _ if is_look => Asks::Route,
            _ => Asks::All,
        };
        let LaunchRecord { strict_mode, sid_length, .. } = *record;
        let ask = |route| {
            let plan = &found.plan;
            Question { plan, tls_files, route, strict_mode, sid_length }.ask(environment.as_env())
        };
        let is_task = started == Started::Task;
        let probe = ServiceProbe { outer, asks, ask };
        let Choice { mut route, reason, outcome } =
            choose(settings.proxy, &found.plan, record, is_task, &probe)?;
        let mut lines: Vec<Line<'_>> =
            found.warnings.iter().map(|warning| Line::Warning(warning.into())).collect();
        let round_trip = self.judge(found, outcome, route, &mut lines)?;
        let plan = found.plan.clone();
        let plan = &if is_task { plan.for_command_line() } else { plan };
        let socket = match route {
            Route::Proxy => (self.start_proxy)(&self.wanted(plan)?).map(Some),
            Route::Direct => Ok(None),
        };
        let php_settings = match socket {
            Ok(Some(socket)) => behind_proxy(&socket, plan),
            Err(error) if !reason.leaves_a_choice() => return Err(error),
            no_socket => {
                lines.extend(no_socket.err().map(|error| Line::WithoutProxy(&reason, error)));
                route = Route::Direct;
                connect(plan, tls_files, &record.extension_version, round_trip)?
            }
        };
        if let Some(place) = place {
            first_route::write(&place, route);
        }
        lines.extend(self.remarks(plan, route, &reason));
        let app = AppOfLaunch { settings, record, environment, app_dir };
        let app = app.prepare(&Reach { plan, tls_files });
        let by_framework = app.variables.iter().any(|(it, _)| *it == Variable::MemcachedUsername);
        let logs_in = php_settings.ini_files.contains(&IniFile::Login) || by_framework;
        if logs_in && !has_mechanisms() {
            lines.push(Line::NoMechanisms(route));
        }
        if found.service.origin == Origin::Embedded {
            lines.insert(0, Line::EmbeddedCredentials(found));
        } else if settings.log {
            lines.insert(0, Line::Sessions(found, route, &reason));
        }
        Ok((php_settings, lines.iter().map(Line::to_string).collect(), app))
    }

    /// The route of a launch before this one, or else where to write down that of this one. A command that only looks keeps
    /// to the app's; a task has no visitors, and says nothing of the app that may start after it.
    fn route_before(
        &self,
        started: Started,
        plan: &Plan,
    ) -> anyhow::Result<(Option<Route>, Option<Place>)> {
        let outer = nested::outer_route(self.environment)?;
        if outer.is_some() || self.settings.proxy != Proxy::Auto {
            return Ok((outer, None));
        }
        // Where no folder can be written there is no proxy either.
        let place = || anyhow::Ok(self.wanted(plan)?.place().ok());
        Ok(match started {
            Started::SessionCheck | Started::ProxyStatus => {
                (place()?.as_ref().and_then(first_route::read), None)
            }
            Started::App => (None, place()?),
            Started::Task | Started::SessionProxy => (None, None),
        })
    }

    /// What users should know of the route.
    fn remarks<'r>(&self, plan: &Plan, route: Route, reason: &'r Reason) -> Vec<Line<'r>>
    where
        'a: 'r,
    {
        let Self { record, settings, .. } = *self;
        let is_direct = route == Route::Direct;
        let setting = record.own_setting.as_deref().and_then(|setting| match reason {
            Reason::OwnSetting => Some(Line::DirectForSetting(setting)),
            _ if is_direct => None,
            // It names the setting, and the file after it.
            _ if setting.split(' ').next().is_some_and(|name| name.contains("lock_")) => {
                Some(Line::WaitNotFollowed(setting))
            }
            _ => Some(Line::SettingNotFollowed(setting)),
        });
        let in_path = record.store == Store::Redis && !plan.endpoint.secrets().is_empty();
        let in_folder = record.app.takes_save_path_for_folder && in_path;
        let unlocked = plan.locking && !plan.locks(false);
        let refusal = match reason {
            Reason::ProxyRefused(cause) => Some(Line::ProxyIsRefused(cause)),
            _ => None,
        };
        let remarks = [
            refusal,
            (is_direct && settings.metrics.is_some()).then_some(Line::NoMetrics),
            setting,
            (is_direct && in_folder).then_some(Line::PasswordInFolder),
            (is_direct && unlocked).then_some(Line::NotLocked),
        ];
        remarks.into_iter().flatten().collect()
    }

    /// Returns how long the service takes to reply.
    fn judge<'f>(
        &self,
        found: &'f ResolvedService,
        outcome: Option<Outcome>,
        route: Route,
        lines: &mut Vec<Line<'f>>,
    ) -> anyhow::Result<Duration> {
        match outcome {
            None => {}
            Some(Outcome::Kept { round_trip, max_clients, limits }) => {
                lines.extend(limits.into_iter().map(|limit| Line::Warning(limit.into())));
                lines.extend(self.too_many_workers(route, max_clients));
                return Ok(round_trip);
            }
            Some(Outcome::Passing(cause)) => lines.push(Line::FailingForNow(found, cause)),
            Some(Outcome::Refused(cause) | Outcome::Tls(cause)) => match self.settings.probe {
                ProbeSetting::Warn => lines.push(Line::Refused(found, cause)),
                _ => bail!("{}", Line::StoppingRefusal(found, cause)),
            },
        }
        Ok(Duration::ZERO)
    }

    fn too_many_workers(&self, route: Route, max_clients: Option<u32>) -> Option<Line<'static>> {
        if route == Route::Proxy {
            // The proxy's connections do not depend on the workers.
            return None;
        }
        let (workers, max_clients) = (fpm_workers(self.environment, self.app_dir)?, max_clients?);
        let replicas = max_clients.checked_div(workers)?;
        (replicas < 2).then_some(Line::TooManyWorkers { workers, max_clients, replicas })
    }

    fn wanted(&self, plan: &Plan) -> Result<ProxyWanted<'a>, EnvironmentError> {
        Ok(ProxyWanted {
            layer: self.layer,
            service: format!("{}\n{}", plan.endpoint, plan.prefix),
            tmp: self.environment.text("TMPDIR")?,
            folder: self.settings.proxy_folder.as_deref(),
        })
    }
}

/// Whether libsasl2 has its plugins, without which no PHP extension logs in to Memcached, where Debian (in a folder for
/// each architecture), Red Hat and Alpine have them.
fn has_mechanisms() -> bool {
    let folders = ["/usr/lib", "/usr/lib64", "/usr/lib/*"];
    folders.iter().any(|folder| {
        let plugins = glob(&format!("{folder}/sasl2/libplain.so"));
        plugins.into_iter().flatten().flatten().any(|plugin| plugin.is_file())
    })
}
