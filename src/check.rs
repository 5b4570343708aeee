//! `session-check`: whether sessions are kept, with the very settings of the app, and if not, why not.

pub mod causes;
pub mod kind;
pub mod overrides;
pub mod report;
pub mod steps;

use crate::directives::Variable;
use crate::environment::Environment;
use crate::launch::{LaunchError, Place, find};
use crate::layers::session::read_record;
use crate::php::{Php, PhpError};
use crate::secret::Mask;
use crate::store::Store;
use causes::{Evidence, find_causes};
use overrides::find_overrides;
use report::Report;
use std::path::Path;
use steps::{Step, Steps, StepsError};

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no endpoint.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// PHP cannot be asked.
    #[error(transparent)]
    Php(#[from] PhpError),
    /// A step did not end as it should.
    #[error(transparent)]
    Steps(#[from] StepsError),
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
) -> Result<Report, CheckError> {
    let record = read_record(layer).map_err(LaunchError::from)?;
    let place = find(environment, platform_dir, layer, &record)?;
    let expected = Expected::of(&place, environment)?;
    let php = Php::ask(environment.as_env())?;
    let mut steps: &[Step] = &[Step::Settings, Step::Write, Step::Read];
    if php.cli.extension(record.store.name()).is_none() {
        steps = &[Step::Settings];
    } else if matches!(place, Place::Service(_)) {
        steps = &[Step::Settings, Step::Probe, Step::Write, Step::Read];
    }
    let steps = Steps::run(environment, steps)?.masked(&expected.mask);
    let evidence = Evidence {
        store: record.store,
        has_login: expected.has_login,
        handler: expected.handler,
        save_path: &expected.save_path,
        php: &php,
        parts: &steps.parts,
        settings: &steps.settings,
    };
    let causes = find_causes(&evidence);
    let overrides = if causes.is_empty() { Vec::new() } else { find_overrides(app_dir) };
    Ok(Report::new(&place, &record, &php, steps, causes, overrides))
}

/// What PHP should do.
struct Expected {
    handler: &'static str,
    save_path: String,
    has_login: bool,
    mask: Mask,
}

impl Expected {
    fn of(place: &Place, environment: &Environment) -> Result<Self, CheckError> {
        let Place::Service(found) = place else {
            return Ok(Self {
                handler: "files",
                save_path: String::new(),
                has_login: false,
                mask: Mask::default(),
            });
        };
        let name = Variable::SavePath.name();
        let save_path = environment.text(name).map_err(LaunchError::from)?;
        let save_path = save_path.ok_or(CheckError::NotLaunched(name))?.to_owned();
        let mut mask = Mask::default();
        if found.store == Store::Redis {
            // Its message shows the endpoint instead.
            mask.add(&save_path, "(the save path)");
        }
        let secrets = found.endpoint.secrets();
        for secret in &secrets {
            mask.add(secret.expose(), "(the password)");
        }
        let handler = found.endpoint.save_handler();
        let has_login = !secrets.is_empty();
        Ok(Self { handler, save_path, has_login, mask })
    }
}
