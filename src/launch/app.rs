//! What the launch sets for the app itself and for its framework.

use super::build_record::LaunchRecord;
use super::fpm_pools::clearing_pool;
use super::log;
use super::tls_files::tls_files;
use crate::config::environment::Environment;
use crate::config::launch::LaunchSettings;
use crate::frameworks::known::Framework;
use crate::frameworks::session_use::{OwnSessions, Reach, SessionUse};
use crate::frameworks::store_variables::store_variables;
use crate::plan::Plan;
use crate::variable::Variables;
use std::path::Path;

/// What the launch sets and logs for the app.
#[derive(Default)]
pub struct AppLaunch {
    /// Variables for the app's processes.
    pub variables: Variables,
    /// A line for the log, without any secret.
    pub message: Option<String>,
}

/// The app will not see the variables.
fn hidden(pool: &Path) -> OwnSessions {
    OwnSessions {
        what: format!(
            "php-fpm's pool in {} hides the environment from it, including the variables that say where sessions are",
            pool.display()
        ),
        advice: "Set clear_env = no in the pool.".to_owned(),
    }
}

/// The app, and what the launch does with it.
pub(crate) struct AppOfLaunch<'a> {
    pub(crate) settings: &'a LaunchSettings,
    pub(crate) record: &'a LaunchRecord,
    pub(crate) environment: &'a Environment,
    pub(crate) app_dir: &'a Path,
}

impl AppOfLaunch<'_> {
    pub(super) fn prepare(&self, service: &Reach<'_>) -> AppLaunch {
        let Self { settings, record, environment, app_dir } = *self;
        let mut variables = store_variables(service);
        if !record.app.reads_store_variables && !settings.store_variables {
            variables.retain(|(variable, _)| !variable.tells_app_the_login());
        }
        let mut message = None;
        if let Some((framework, session_use)) = self.session_use(service) {
            let (text, is_warning) = line(&framework, &session_use);
            message = text.filter(|_| is_warning || settings.log);
            if let SessionUse::Variables(more) = session_use {
                if let Some(pool) = clearing_pool(environment, app_dir) {
                    // Set anyway: programs beside php-fpm see them.
                    message = line(&framework, &SessionUse::Own(hidden(&pool))).0;
                }
                variables.extend(more);
            }
        }
        let is_set = |name, value: &str| environment.text(name).is_ok_and(|set| set == Some(value));
        // An outer launcher has logged it.
        let repeated = variables.iter().all(|(variable, value)| is_set(variable.name(), value));
        AppLaunch { variables, message: message.filter(|_| !repeated) }
    }

    /// What the app's framework does with sessions behind php-fpm.
    pub(crate) fn session_use_behind_fpm(
        &self,
        plan: &Plan,
    ) -> anyhow::Result<Option<(Framework, SessionUse)>> {
        let tls_files = &tls_files(plan, self.record, self.environment)?;
        Ok(self.session_use(&Reach { plan, tls_files }).map(|(framework, session_use)| {
            match session_use {
                SessionUse::Variables(_) => {
                    let pool = clearing_pool(self.environment, self.app_dir);
                    let hidden = pool.map(|pool| SessionUse::Own(hidden(&pool)));
                    (framework, hidden.unwrap_or(session_use))
                }
                _ => (framework, session_use),
            }
        }))
    }

    /// What the app's framework does with sessions, if we know it and the settings don't exclude it.
    fn session_use(&self, service: &Reach<'_>) -> Option<(Framework, SessionUse)> {
        let Self { settings, record, environment, app_dir } = *self;
        let framework = record.framework.clone().filter(|_| settings.framework)?;
        let session_use = framework.session_use(app_dir, environment, record.store, Some(service));
        Some((framework, session_use))
    }
}

/// The line for the log, and whether it is a warning.
fn line(framework: &Framework, session_use: &SessionUse) -> (Option<String>, bool) {
    match session_use {
        SessionUse::Php | SessionUse::None | SessionUse::Configured(_) => (None, false),
        SessionUse::Variables(variables) => {
            let names: Vec<&str> = variables.iter().map(|(variable, _)| variable.name()).collect();
            let line = log::framework_variables(framework, &names);
            (Some(line).filter(|_| !names.is_empty()), false)
        }
        SessionUse::Own(OwnSessions { what, advice }) => {
            (Some(log::framework_elsewhere(framework, what, advice)), true)
        }
    }
}
