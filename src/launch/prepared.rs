//! What a launch comes to.

use super::app::AppLaunch;
use super::log;
use crate::php;
use crate::php::ini::PhpSettings;
use crate::php::ini_file::IniFile;
use crate::store::Store;
use crate::variable::{Variables, names};
use std::fmt;

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
        let Self { variables, messages, .. } = self;
        formatter
            .debug_struct("Launch")
            .field("variables", &names(variables))
            .field("messages", messages)
            .finish()
    }
}

/// What PHP is told, and what the launch logs and sets for the app.
pub(super) struct Prepared {
    pub(super) php_settings: PhpSettings,
    pub(super) messages: Vec<String>,
    pub(super) app: AppLaunch,
}

impl Prepared {
    pub(super) fn with_local_files() -> Self {
        Self {
            php_settings: PhpSettings { variables: Vec::new(), ini_files: vec![IniFile::Files] },
            messages: vec![log::local_files()],
            app: AppLaunch::default(),
        }
    }

    pub(super) fn without_sessions(store: Store, error: &anyhow::Error) -> Self {
        Self {
            php_settings: php::directives::nowhere(store),
            messages: vec![log::no_sessions(error)],
            app: AppLaunch::default(),
        }
    }
}
