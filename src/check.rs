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
mod setup;
pub(crate) mod steps;
pub(crate) mod web;

use crate::app::own_files::Files;
use crate::config::environment::Environment;
use crate::config::launch::LaunchSettings;
use crate::config::variables::MISSING;
use crate::diagnosis::{Cause, CauseKind};
use crate::endpoint::Endpoint;
use crate::frameworks::known::Framework;
use crate::frameworks::session_use::{Reach, SessionUse};
use crate::launch::app::AppOfLaunch;
use crate::launch::build_record::{LaunchRecord, read_record};
use crate::launch::prepare::prepare;
use crate::launch::probe::Question;
use crate::launch::resolve::{ResolvedService, resolve};
use crate::launch::route::{ProxyWanted, Route};
use crate::launch::tls_files::tls_files;
use crate::php::Php;
use crate::php::directives::socket_of;
use crate::php::tls::TlsFiles;
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
use report::{FrameworkReport, Report, Verdict};
use serde_json::Value;
use setup::{Expected, Setup};
use std::path::{Path, PathBuf};
use steps::{Part, Setting};
use store_client::Target;
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
    let record = &read_record(layer)?;
    let launch = &LaunchSettings::read(environment)?;
    let Some(found) = &resolve(environment, platform_dir, layer, record, launch, None)? else {
        let what = format!("No service is bound, and {MISSING} is files.");
        return Ok(Report {
            verdict: Verdict::NotKept,
            summary:
                "Sessions are NOT kept: they are in local files, which are lost with the container."
                    .to_owned(),
            causes: vec![Cause::new(CauseKind::LocalFiles, what)],
            ..Report::new(None, record, &Php::ask(environment.as_env())?)
        });
    };
    let Some(save_path) = environment.text(Variable::SavePath.name())? else {
        return Err(not_prepared(environment, platform_dir, layer, app_dir));
    };
    let plan = &found.plan;
    let endpoint = &plan.endpoint;
    let socket = match endpoint {
        Endpoint::Redis(redis) if matches!(redis.target, Target::Unix(_)) => None,
        _ => socket_of(save_path),
    };
    let expected = Expected { endpoint, save_path, socket };
    let tls_files = &tls_files(plan, record, environment)?;
    let app = AppOfLaunch { settings: launch, record, environment, app_dir };
    let redactor = redactor(found.store, &expected);
    let check =
        Check { environment, record, app, found, plan, expected, tls_files, redactor: &redactor };
    check.run(page).map_err(|error| anyhow!(redactor.hide(&format!("{error:#}"))))
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

/// The values that must never be shown.
fn redactor(store: Store, expected: &Expected<'_>) -> Redactor {
    let mut redactor = Redactor::default();
    if store == Store::Redis {
        // Messages show the endpoint instead.
        redactor.add(expected.save_path, "(the save path)");
    }
    for secret in expected.endpoint.secrets() {
        redactor.add(secret.expose(), "(the password)");
    }
    redactor
}

struct Check<'a> {
    environment: &'a Environment,
    record: &'a LaunchRecord,
    app: AppOfLaunch<'a>,
    found: &'a ResolvedService,
    plan: &'a Plan,
    expected: Expected<'a>,
    tls_files: &'a TlsFiles,
    redactor: &'a Redactor,
}

impl Check<'_> {
    fn run(&self, page: Option<&Page>) -> anyhow::Result<Report> {
        let Self { environment, record, plan, expected, tls_files, .. } = self;
        let php = Php::ask(environment.as_env())?;
        let mut settings = steps::settings(environment, &php.cli.facts.save_handler)?;
        let always_run = self.always_run(&settings);
        self.redact(settings.iter_mut().map(|it| &mut it.value));
        let framework = self.app.session_use_behind_fpm(&Reach { plan, tls_files });
        let mut parts = self.parts(&php)?;
        let of_php = parts.len();
        if let Some((framework, SessionUse::Variables(_))) = &framework {
            parts.extend(self.parts_of_framework(framework, &parts)?);
        }
        self.redact(parts.iter_mut().flat_map(|it| it.server.iter_mut().chain(&mut it.said)));
        let failed = parts.iter().position(|part| !part.ok);
        let route = failed.and_then(|failed| self.route_of(&parts, failed, of_php));
        let mut causes = find_causes(Evidence {
            store: record.store,
            expected,
            php: &php,
            settings: &settings,
            failed: failed.map(|failed| &parts[failed]),
            of_server: route.and_then(|route| self.cause_at_server(&settings, route)),
        });
        if let Some((framework, SessionUse::Own(own))) = &framework {
            causes.push(causes::of_framework(framework, own));
        }
        self.redact(causes.iter_mut().map(|it| &mut it.what));
        let (app, overrides) = self.app(&php, framework.as_ref(), &settings, &always_run);
        let setups: Vec<Setup> = php.programs().map(|it| expected.setup(&it.facts)).collect();
        let page = page.filter(|_| failed.is_none() && php.cli.loads(record.store.name()));
        let mut report = Report {
            web: page.map(|page| self.web(page, &php)).transpose()?,
            settings,
            steps: parts,
            causes,
            overrides,
            framework: framework.as_ref().map(|(it, used)| FrameworkReport::new(it, used)),
            ..Report::new(Some(self.found), record, &php)
        };
        report.conclude(record.store, &setups, app);
        Ok(report)
    }

    /// PHP's steps, as far as they make sense.
    fn parts(&self, php: &Php) -> anyhow::Result<Vec<Part>> {
        let Self { environment, plan, expected, .. } = self;
        if !php.cli.loads(self.record.store.name()) {
            return Ok(Vec::new());
        }
        let mut parts = Vec::new();
        // Other buildpacks' settings may have other credentials.
        if expected.setup(&php.cli.facts) == Setup::Ours {
            parts = steps::probe(environment, plan.endpoint.save_handler(), &self.question())?;
            if let Some(socket) = expected.socket {
                parts =
                    with_both_hops(parts, socket, &plan.endpoint, plan.waits_in_cluster.failover);
            }
        }
        // If the server itself refuses, a session would only wait.
        if parts.iter().all(|part| part.ok) {
            parts.extend(steps::session(environment)?);
        }
        Ok(parts)
    }

    /// The way of a framework that connects itself, where PHP's own sessions go through the proxy.
    fn parts_of_framework(&self, it: &Framework, others: &[Part]) -> anyhow::Result<Vec<Part>> {
        let Self { environment, plan, expected, tls_files, .. } = self;
        let Endpoint::Redis(redis) = &plan.endpoint else { return Ok(Vec::new()) };
        if expected.socket.is_none() || others.iter().any(|part| !part.ok) {
            return Ok(Vec::new());
        }
        let question = question::question_of_framework(it.kind.name(), redis, plan, tls_files);
        steps::probe(environment, plan.endpoint.save_handler(), &question)
    }

    /// The route that failed, if it led to the server; from `of_php` on, the parts are a framework's.
    fn route_of(&self, parts: &[Part], failed: usize, of_php: usize) -> Option<Route> {
        match self.expected.socket {
            // That was the session proxy's socket.
            Some(_) if failed < of_php && parts[failed].name == "connect" => None,
            Some(_) if failed < of_php => Some(Route::Proxy),
            _ => Some(Route::Direct),
        }
    }

    /// What our own client meets at the server where PHP has failed, under the settings in force: why the server keeps no
    /// session by this route; `None` if it would.
    fn cause_at_server(&self, settings: &[Setting], route: Route) -> Option<Cause> {
        let Self { plan, tls_files, .. } = *self;
        let value = |name| settings.iter().find(|it| it.name == name).map(|it| it.value.as_str());
        let strict_mode = value("session.use_strict_mode") == Some("1");
        let sid_length = value("session.sid_length").and_then(|it| it.parse().ok());
        let sid_length = sid_length.unwrap_or(self.record.sid_length);
        let question = Question { plan, tls_files, route, strict_mode, sid_length };
        question.ask(self.environment.as_env()).cause()
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
        let own = Files::of_app(self.app.app_dir);
        let (app_dir, with_packages) = (self.app.app_dir, told.is_none());
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
    fn question(&self) -> Value {
        match self.expected.socket {
            Some(socket) => question::question_to_proxy(socket, self.plan),
            None => question::question(self.plan, self.record, self.tls_files),
        }
    }

    fn web(&self, page: &Page, php: &Php) -> anyhow::Result<WebReport> {
        let (question, handler) = (self.question(), self.plan.endpoint.save_handler());
        let look = |id: &str| steps::look(self.environment, handler, &question, id);
        visit(page, &php.cli.facts.session_name, look)
    }

    /// Code that runs before every page.
    fn always_run(&self, settings: &[Setting]) -> Vec<PathBuf> {
        let names = ["auto_prepend_file", "opcache.preload"];
        let settings = settings.iter().filter(|setting| names.contains(&setting.name.as_str()));
        settings.map(|setting| self.app.app_dir.join(&setting.value)).collect()
    }

    fn redact<'t>(&self, texts: impl Iterator<Item = &'t mut String>) {
        for text in texts {
            *text = self.redactor.hide(text);
        }
    }
}
