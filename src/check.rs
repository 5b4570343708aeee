//! `session-check`: whether sessions are kept under the app's settings, and if not, why not.

mod causes;
pub mod cli;
mod code;
mod conclusion;
mod fpm;
pub(crate) mod overrides;
pub(crate) mod page;
mod proxy_hops;
mod question;
mod render;
pub(crate) mod report;
mod server;
mod setup;
pub(crate) mod steps;
pub(crate) mod verdict;
pub(crate) mod web;

use crate::app::own_files::Files;
use crate::config::environment::Environment;
use crate::config::launch::LaunchSettings;
use crate::config::variables::MISSING;
use crate::diagnosis::{Cause, CauseKind};
use crate::endpoint::Endpoint;
use crate::frameworks::known::Framework;
use crate::frameworks::session_use::SessionUse;
use crate::launch::app::AppOfLaunch;
use crate::launch::build_record::{LaunchRecord, read_record};
use crate::launch::prepare::prepare;
use crate::launch::resolve::{Resolution, ResolvedService, resolve};
use crate::launch::route::{ProxyWanted, Route};
use crate::launch::tls_files::tls_files;
use crate::php::Php;
use crate::plan::Plan;
use crate::proxy;
use crate::store::Store;
use crate::system::secret::Redactor;
use crate::variable::Variable;
use anyhow::anyhow;
use causes::{Evidence, find_causes};
use code::Places;
use conclusion::AppUse;
use indoc::formatdoc;
use overrides::{Override, Search};
use page::Page;
use proxy_hops::with_both_hops;
use report::{FrameworkReport, Report};
use serde_json::Value;
use server::cause_at_server;
use setup::{Expected, Setup};
use std::path::{Path, PathBuf};
use steps::{Part, Setting};
use verdict::Verdict;
use web::{WebReport, visit};

/// Runs all checks. `layer` is the session layer, `app_dir` the app's folder, `page` one of the running app.
///
/// Fails if there is nothing to check: no service, or no PHP.
pub(crate) fn check(
    environment: &Environment,
    platform_dir: &Path,
    layer: &Path,
    app_dir: &Path,
    page: Option<&Page>,
) -> anyhow::Result<Report> {
    let record = read_record(layer)?;
    let launch = &LaunchSettings::read(environment)?;
    match resolve(environment, platform_dir, layer, &record, launch, None)? {
        Resolution::Service(found) => {
            let save_path = match environment.text(Variable::SavePath.name())? {
                Some(save_path) => save_path.to_owned(),
                None => return Err(not_prepared(environment, platform_dir, layer, app_dir)),
            };
            let (found, plan, save_path) = (&*found, &found.plan, &*save_path);
            let check = Check { environment, record, launch, found, plan, save_path, app_dir };
            let redactor = check.redactor();
            check
                .run(page, &redactor)
                .map_err(|error| anyhow!(redactor.hide(&format!("{error:#}"))))
        }
        Resolution::Files => {
            let php = Php::ask(environment.as_env())?;
            let what = format!("No service is bound, and {MISSING} is files.");
            Ok(Report {
                verdict: Verdict::NotKept,
                summary: "Sessions are NOT kept: they are in local files, which are lost with the container.".to_owned(),
                causes: vec![Cause::new(CauseKind::LocalFiles, what)],
                ..Report::new(None, &record, &php)
            })
        }
    }
}

/// Why the launch has set nothing: an error that stops any other process does not stop this one.
fn not_prepared(
    environment: &Environment,
    platform_dir: &Path,
    layer: &Path,
    app_dir: &Path,
) -> anyhow::Error {
    let not_launched = || {
        anyhow!(formatdoc! {"
            The environment has no {}, so the launcher did not start this program.
            Start it with `docker run --entrypoint session-check IMAGE`, or in a running container with `/cnb/lifecycle/launcher session-check`.",
            Variable::SavePath.name()
        })
    };
    // A check starts no proxy. One that was started but does not answer is reported.
    let find = |wanted: &ProxyWanted<'_>| proxy::find(wanted)?.ok_or_else(not_launched);
    match prepare(environment, platform_dir, layer, app_dir, &find) {
        Ok(_) => not_launched(),
        Err(error) => error,
    }
}

struct Check<'a> {
    environment: &'a Environment,
    record: LaunchRecord,
    launch: &'a LaunchSettings,
    found: &'a ResolvedService,
    plan: &'a Plan,
    save_path: &'a str,
    app_dir: &'a Path,
}

impl Check<'_> {
    fn run(&self, page: Option<&Page>, redactor: &Redactor) -> anyhow::Result<Report> {
        let endpoint = &self.plan.endpoint;
        let php = Php::ask(self.environment.as_env())?;
        let expected = Expected { endpoint, save_path: self.save_path };
        let setup = expected.setup(&php.cli.facts);
        let mut settings = steps::settings(self.environment, &php.cli.facts.save_handler)?;
        let always_run = self.always_run(&settings);
        redact(settings.iter_mut().map(|it| &mut it.value), redactor);
        let Self { environment, record, launch, plan, app_dir, .. } = self;
        let app = AppOfLaunch { settings: launch, record, environment, app_dir };
        let framework = app.session_use_behind_fpm(plan)?;
        let mut parts = self.parts(&php, setup)?;
        let of_php = parts.len();
        if let Some((framework, SessionUse::Variables(_))) = &framework {
            parts.extend(self.parts_of_framework(framework, &parts)?);
        }
        redact(parts.iter_mut().flat_map(|it| it.server.iter_mut().chain(&mut it.said)), redactor);
        let failed = parts.iter().position(|part| !part.ok);
        let evidence = Evidence {
            store: self.record.store,
            expected: &expected,
            php: &php,
            settings: &settings,
            failed: failed.map(|failed| &parts[failed]),
            of_server: match failed.and_then(|failed| self.route_of(&parts, failed, of_php)) {
                Some(route) => cause_at_server(plan, record, environment, &settings, route)?,
                None => None,
            },
        };
        let mut causes = find_causes(evidence);
        if let Some((framework, SessionUse::Own(own))) = &framework {
            causes.push(causes::of_framework(framework, own));
        }
        redact(causes.iter_mut().map(|it| &mut it.what), redactor);
        let (app, overrides) = self.app(&php, framework.as_ref(), &settings, &always_run);
        let setups: Vec<Setup> = php.programs().map(|it| expected.setup(&it.facts)).collect();
        let works = parts.iter().all(|part| part.ok);
        let page = page.filter(|_| works && php.cli.loads(self.record.store.name()));
        let mut report = Report {
            web: page.map(|page| self.web(page, &php)).transpose()?,
            settings,
            steps: parts,
            causes,
            overrides,
            framework: framework.as_ref().map(|(it, used)| FrameworkReport::new(it, used)),
            ..Report::new(Some(self.found), &self.record, &php)
        };
        report.conclude(self.record.store, &setups, app);
        Ok(report)
    }

    /// PHP's steps, as far as they make sense.
    fn parts(&self, php: &Php, setup: Setup) -> anyhow::Result<Vec<Part>> {
        if !php.cli.loads(self.record.store.name()) {
            return Ok(Vec::new());
        }
        let mut parts = Vec::new();
        // Other buildpacks' settings may have other credentials.
        if setup == Setup::Ours {
            let handler = self.plan.endpoint.save_handler();
            parts = steps::probe(self.environment, handler, &self.question()?)?;
            if let Some(socket) = self.proxy_socket() {
                parts =
                    with_both_hops(parts, socket, &self.plan.endpoint, self.plan.failover_timeout);
            }
        }
        // If the server itself refuses, a session would only wait.
        if parts.iter().all(|part| part.ok) {
            parts.extend(steps::session(self.environment)?);
        }
        Ok(parts)
    }

    /// The way of a framework that connects itself, where PHP's own sessions go through the proxy.
    fn parts_of_framework(&self, it: &Framework, others: &[Part]) -> anyhow::Result<Vec<Part>> {
        let Endpoint::Redis(redis) = &self.plan.endpoint else { return Ok(Vec::new()) };
        if self.proxy_socket().is_none() || others.iter().any(|part| !part.ok) {
            return Ok(Vec::new());
        }
        let files = tls_files(self.plan, &self.record, self.environment)?;
        let question = question::question_of_framework(it.kind.name(), redis, self.plan, &files);
        steps::probe(self.environment, self.plan.endpoint.save_handler(), &question)
    }

    /// The route that failed, if it led to the server; from `of_php` on, the parts are a framework's.
    fn route_of(&self, parts: &[Part], failed: usize, of_php: usize) -> Option<Route> {
        match self.proxy_socket() {
            // That was the session proxy's socket.
            Some(_) if failed < of_php && parts[failed].name == "connect" => None,
            Some(_) if failed < of_php => Some(Route::Proxy),
            _ => Some(Route::Direct),
        }
    }

    /// What the app does with PHP's sessions, and what may override our settings.
    fn app(
        &self,
        php: &Php,
        framework: Option<&(Framework, SessionUse)>,
        settings: &[Setting],
        always_run: &[PathBuf],
    ) -> (AppUse, Vec<Override>) {
        let told = AppUse::told_by(framework, settings);
        // PHP's handler does not matter to a framework that keeps its own sessions.
        if let (Some(told), Some((_, SessionUse::Variables(_)))) = (told, framework) {
            return (told, Vec::new());
        }
        let own = Files::of_app(self.app_dir);
        let (app_dir, with_packages) = (self.app_dir, told.is_none());
        let places = Places { app_dir, own: &own, always_run, with_packages };
        let code = places.read(self.environment, php);
        let search = Search {
            proc: Path::new("/proc"),
            environment: self.environment,
            configuration_dir: &php.facts().configuration_dir,
            app_dir,
            own: &own,
            handler: self.plan.endpoint.save_handler(),
        };
        let by_code = if code.starts_session { AppUse::Likely } else { AppUse::None };
        (told.unwrap_or(by_code), search.overrides(code.overrides))
    }

    /// What PHP is told about the server.
    fn question(&self) -> anyhow::Result<Value> {
        Ok(if let Some(socket) = self.proxy_socket() {
            question::question_to_proxy(socket, self.plan)
        } else {
            let files = tls_files(self.plan, &self.record, self.environment)?;
            question::question(self.plan, &self.record, &files)
        })
    }

    fn web(&self, page: &Page, php: &Php) -> anyhow::Result<WebReport> {
        let (question, handler) = (self.question()?, self.plan.endpoint.save_handler());
        let look = |id: &str| steps::look(self.environment, handler, &question, id);
        visit(page, &php.cli.facts.session_name, look)
    }

    fn proxy_socket(&self) -> Option<&str> {
        question::proxy_socket(self.save_path, &self.plan.endpoint)
    }

    /// The values that must never be shown.
    fn redactor(&self) -> Redactor {
        let mut redactor = Redactor::default();
        if self.found.store == Store::Redis {
            // Messages show the endpoint instead.
            redactor.add(self.save_path, "(the save path)");
        }
        for secret in self.plan.endpoint.secrets() {
            redactor.add(secret.expose(), "(the password)");
        }
        redactor
    }

    /// Code that runs before every page.
    fn always_run(&self, settings: &[Setting]) -> Vec<PathBuf> {
        let names = ["auto_prepend_file", "opcache.preload"];
        let settings = settings.iter().filter(|setting| names.contains(&setting.name.as_str()));
        settings.map(|setting| self.app_dir.join(&setting.value)).collect()
    }
}

fn redact<'a>(texts: impl Iterator<Item = &'a mut String>, redactor: &Redactor) {
    for text in texts {
        *text = redactor.hide(text);
    }
}
