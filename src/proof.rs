//! The proof: PHP itself starts with the drop-in, without a new warning, and takes its settings.

use crate::directives::SAVE_PATH;
use crate::php::{PHP_INI_SCAN_DIR, Php, PhpError};
use crate::store::Store;
use crate::version::Version;
use libcnb::Env;
use libcnb::layer_env::{LayerEnv, Scope};

/// Stands for the save path that only the launch knows.
const EXAMPLE_SAVE_PATH: &str = "tcp://session-service.example:6379?auth=%22%3B%24%7BX%7D";

/// Why PHP does not keep its sessions as it should.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// PHP cannot be asked.
    #[error(transparent)]
    Php(#[from] PhpError),
    /// PHP warns with the drop-in and not without it.
    #[error("PHP starts with warnings when it keeps its sessions in {store}:\n{warnings}")]
    Warnings {
        /// The store.
        store: Store,
        /// PHP's words.
        warnings: String,
    },
    /// The extension is not there, although PHP did not complain.
    #[error("PHP did not load the {0} extension, although the drop-in tells it to.")]
    NotLoaded(Store),
    /// PHP did not take a setting.
    #[error(
        "PHP has {setting} = {value:?} and not {expected:?}, although the buildpack set it.\nLook for a later ini file that sets it again: {PHP_INI_SCAN_DIR} is {scan_dir:?}."
    )]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What PHP says.
        value: String,
        /// What was set.
        expected: String,
        /// Where PHP reads ini files.
        scan_dir: String,
    },
}

/// Runs PHP as the launch will, with an example in the place of the credentials; gives the version
/// of the extension.
///
/// # Errors
///
/// Fails if PHP warns or does not take the settings.
pub fn prove(
    before: &Php,
    env: &Env,
    layer_env: &LayerEnv,
    store: Store,
    session_name: &str,
) -> Result<Version, ProofError> {
    let mut env = layer_env.apply(Scope::Launch, env);
    env.insert(SAVE_PATH, EXAMPLE_SAVE_PATH);
    let php = Php::ask(&env)?;
    let new: Vec<&str> = php
        .warnings
        .iter()
        .filter(|warning| !before.warnings.contains(warning))
        .map(String::as_str)
        .collect();
    if !new.is_empty() {
        return Err(ProofError::Warnings { store, warnings: new.join("\n") });
    }
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let settings = [
        ("session.save_handler", php.facts.save_handler.clone(), store.name()),
        ("session.save_path", text(&php.facts.save_path), EXAMPLE_SAVE_PATH),
        ("session.name", text(&php.facts.session_name), session_name),
    ];
    for (setting, value, expected) in settings {
        if value != expected {
            let scan_dir = env.get_string_lossy(PHP_INI_SCAN_DIR).unwrap_or_default();
            return Err(ProofError::Setting {
                setting,
                value,
                expected: expected.to_owned(),
                scan_dir,
            });
        }
    }
    php.extension(store.name()).cloned().ok_or(ProofError::NotLoaded(store))
}
