//! `session-check`: whether sessions are kept, with the very settings of the app, and if not, why not.

pub mod causes;
pub mod cli;
pub mod kind;
pub mod overrides;
pub mod report;
pub mod steps;

use crate::config::environment::Environment;
use crate::frameworks::session_use::SessionUse;
use crate::launch::app::session_use;
use crate::launch::record::read_record;
use crate::launch::resolve::{Resolution, resolve};
use crate::php::Php;
use crate::php::variable::Variable;
use crate::store::Store;
use crate::system::secret::Redactor;
use causes::{Cause, Evidence, find_causes};
use overrides::find_overrides;
use report::{FrameworkReport, Report};
use std::path::Path;
use steps::{Step, Steps};

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// PHP was not prepared for the launch.
    #[error(
        "The environment has no {0}: this was not started by the launcher.\nStart it with `docker run --entrypoint session-check IMAGE`, or in a running container with `/cnb/lifecycle/launcher session-check`."
    )]
    NotLaunched(&'static str),
}

/// Looks at everything. `layer` is the session layer, `app_dir` the app's folder.
///
/// # Errors
///
/// Fails if it is not even clear what should be: without a service, or without PHP.
pub fn check(
    environment: &Environment,
    platform_dir: &Path,
    layer: &Path,
    app_dir: &Path,
) -> anyhow::Result<Report> {
    let record = read_record(layer)?;
    let resolution = resolve(environment, platform_dir, layer, &record)?;
    let expected = Expected::of(&resolution, environment)?;
    let php = Php::ask(environment.as_env())?;
    let mut steps: &[Step] = &[Step::Settings, Step::Write, Step::Read];
    if !php.cli.loads(record.store.name()) {
        steps = &[Step::Settings];
    } else if matches!(resolution, Resolution::Service(_)) {
        steps = &[Step::Settings, Step::Probe, Step::Write, Step::Read];
    }
    let steps = Steps::run(environment, steps)?.redacted(&expected.redactor);
    let evidence = Evidence {
        store: record.store,
        has_login: expected.has_login,
        handler: expected.handler,
        save_path: &expected.save_path,
        php: &php,
        parts: &steps.parts,
        settings: &steps.settings,
    };
    let mut causes = find_causes(&evidence);
    let overrides = if causes.is_empty() { Vec::new() } else { find_overrides(app_dir) };
    let framework = match &resolution {
        Resolution::Service(found) => session_use(found, &record, environment, app_dir)?,
        Resolution::Files => None,
    };
    if let Some((framework, SessionUse::Own(own))) = &framework {
        causes.push(Cause::of_framework(framework, own));
    }
    let framework = framework.map(|(framework, used)| FrameworkReport::new(&framework, &used));
    Ok(Report::new(&resolution, &record, &php, steps, causes, overrides, framework))
}

/// What PHP should do.
struct Expected {
    handler: &'static str,
    save_path: String,
    has_login: bool,
    redactor: Redactor,
}

impl Expected {
    fn of(resolution: &Resolution, environment: &Environment) -> anyhow::Result<Self> {
        let Resolution::Service(found) = resolution else {
            return Ok(Self {
                handler: "files",
                save_path: String::new(),
                has_login: false,
                redactor: Redactor::default(),
            });
        };
        let name = Variable::SavePath.name();
        let save_path = environment.text(name)?;
        let save_path = save_path.ok_or(CheckError::NotLaunched(name))?.to_owned();
        let mut redactor = Redactor::default();
        if found.store == Store::Redis {
            // Its message shows the endpoint instead.
            redactor.add(&save_path, "(the save path)");
        }
        let secrets = found.endpoint.secrets();
        for secret in &secrets {
            redactor.add(secret.expose(), "(the password)");
        }
        let handler = found.endpoint.save_handler();
        let has_login = !secrets.is_empty();
        Ok(Self { handler, save_path, has_login, redactor })
    }
}
