//! The proof: PHP itself starts with the drop-in, without a new warning, and takes its settings.

use crate::directives::SAVE_PATH;
use crate::php::{PHP_INI_SCAN_DIR, Php, PhpError};
use crate::store::Store;
use libcnb::Env;

/// Stands for the save path that only the launch knows.
const EXAMPLE_SAVE_PATH: &str = "tcp://session-service.example:6379?auth=%22%3B%24%7BX%7D";

/// Why PHP does not keep its sessions as it should.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// PHP cannot be asked.
    #[error(transparent)]
    Php(#[from] PhpError),
    /// PHP warns with the drop-in and not without it.
    #[error(
        "PHP ({program}) starts with warnings when it keeps its sessions in {store}:\n{warnings}"
    )]
    Warnings {
        /// Which of PHP's programs.
        program: String,
        /// The store.
        store: Store,
        /// PHP's words.
        warnings: String,
    },
    /// PHP did not take a setting.
    #[error(
        "PHP ({program}) has {setting} = {value:?} and not {expected:?}, although the buildpack set it.\nLook for a later ini file that sets it again: {PHP_INI_SCAN_DIR} is {scan_dir:?}."
    )]
    Setting {
        /// Which of PHP's programs.
        program: String,
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

/// Runs each of PHP's programs as the launch will, with an example in the place of the credentials.
/// `env` is the environment of the launch.
///
/// # Errors
///
/// Fails if PHP warns or does not take the settings.
pub fn prove(before: &Php, env: &Env, store: Store, session_name: &str) -> Result<(), ProofError> {
    let mut env = env.clone();
    env.insert(SAVE_PATH, EXAMPLE_SAVE_PATH);
    let scan_dir = env.get_string_lossy(PHP_INI_SCAN_DIR).unwrap_or_default();
    let after = Php::ask(&env)?;
    for (before, after) in before.programs().zip(after.programs()) {
        let program = &after.name;
        let warnings = after.new_warnings(before);
        if !warnings.is_empty() {
            let warnings = warnings.join("\n");
            return Err(ProofError::Warnings { program: program.clone(), store, warnings });
        }
        for (setting, value, expected) in [
            ("session.save_handler", &after.facts.save_handler, store.name()),
            ("session.save_path", &after.facts.save_path, EXAMPLE_SAVE_PATH),
            ("session.name", &after.facts.session_name, session_name),
        ] {
            if value != expected {
                return Err(ProofError::Setting {
                    program: program.clone(),
                    setting,
                    value: value.clone(),
                    expected: expected.to_owned(),
                    scan_dir,
                });
            }
        }
    }
    Ok(())
}
