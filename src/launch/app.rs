//! What the launch sets for the app itself and for its framework.

use super::build_record::LaunchRecord;
use super::fpm_pools::clearing_pool;
use super::log::Line;
use crate::config::environment::Environment;
use crate::config::launch::LaunchSettings;
use crate::frameworks::known::Framework;
use crate::frameworks::session_use::{OwnSessions, Reach, SessionUse};
use crate::frameworks::store_variables::store_variables;
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

/// The app, and what the launch does with it.
pub(crate) struct AppOfLaunch<'a> {
    pub(crate) settings: &'a LaunchSettings,
    pub(crate) record: &'a LaunchRecord,
    pub(crate) environment: &'a Environment,
    pub(crate) app_dir: &'a Path,
}

impl AppOfLaunch<'_> {
    pub(super) fn prepare(&self, service: &Reach<'_>) -> AppLaunch {
        let Self { settings, record, environment, .. } = *self;
        let mut variables = store_variables(service);
        if !record.app.reads_store_variables && !settings.store_variables {
            variables.retain(|(variable, _)| !variable.tells_app_the_login());
        }
        let mut message = None;
        if let Some((framework, session_use)) = self.session_use(service) {
            if let SessionUse::Variables(more) = &session_use {
                // Even if php-fpm hides them: programs beside it see them.
                variables.extend(more.iter().cloned());
            }
            message = match self.behind_fpm(session_use) {
                SessionUse::Own(own) => Some(Line::FrameworkElsewhere(&framework, own).to_string()),
                SessionUse::Variables(set) if settings.log && !set.is_empty() => {
                    let names = set.iter().map(|(variable, _)| variable.name()).collect();
                    Some(Line::FrameworkVariables(&framework, names).to_string())
                }
                _ => None,
            };
        }
        let is_set = |name, value: &str| environment.text(name).is_ok_and(|set| set == Some(value));
        // An outer launcher has logged it.
        let repeated = variables.iter().all(|(variable, value)| is_set(variable.name(), value));
        AppLaunch { variables, message: message.filter(|_| !repeated) }
    }

    /// What the app's framework does with sessions behind php-fpm.
    pub(crate) fn session_use_behind_fpm(
        &self,
        service: &Reach<'_>,
    ) -> Option<(Framework, SessionUse)> {
        let (framework, session_use) = self.session_use(service)?;
        Some((framework, self.behind_fpm(session_use)))
    }

    /// What the app's framework does with sessions, if we know it and the settings don't exclude it.
    fn session_use(&self, service: &Reach<'_>) -> Option<(Framework, SessionUse)> {
        let Self { settings, record, environment, app_dir } = *self;
        let framework = record.framework.clone().filter(|_| settings.framework)?;
        let session_use = framework.session_use(app_dir, environment, record.store, Some(service));
        Some((framework, session_use))
    }

    /// The same where a pool of php-fpm hides the variables.
    fn behind_fpm(&self, session_use: SessionUse) -> SessionUse {
        if !matches!(session_use, SessionUse::Variables(_)) {
            return session_use;
        }
        let Some(pool) = clearing_pool(self.environment, self.app_dir) else { return session_use };
        let pool = pool.display();
        SessionUse::Own(OwnSessions {
            what: format!(
                "php-fpm's pool in {pool} hides the environment from it, including the variables that say where sessions are"
            ),
            advice: "Set clear_env = no in the pool.".to_owned(),
        })
    }
}
