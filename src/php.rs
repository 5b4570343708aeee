//! The PHP that is installed here: what it is, and whether it likes a drop-in.

use crate::version::Version;
use libcnb::Env;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders that PHP reads ini files from, separated by `:`. An empty element stands for the
/// folder that is compiled in.
pub const PHP_INI_SCAN_DIR: &str = "PHP_INI_SCAN_DIR";

const FACTS: &str = include_str!("php/facts.php");

/// What PHP says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Php {
    /// The facts that it printed.
    pub facts: Facts,
    /// The warnings that it gave while it started, a line each.
    pub warnings: Vec<String>,
}

/// The facts that `php/facts.php` prints.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Facts {
    /// PHP's version.
    pub version: Version,
    /// The number of the extension API, as `20220829`.
    pub api: String,
    /// Whether PHP is built with thread safety (ZTS).
    pub thread_safe: bool,
    /// Whether PHP is a debug build.
    pub debug: bool,
    /// Where PHP looks for extensions.
    pub extension_dir: PathBuf,
    /// The loaded extensions, in lower case, with their versions.
    pub extensions: BTreeMap<String, Version>,
    /// The save handler in force, empty without PHP's session extension.
    pub save_handler: String,
    /// `session.save_path` in force.
    pub save_path: Option<String>,
    /// `session.name` in force.
    pub session_name: Option<String>,
}

/// Why PHP could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum PhpError {
    /// There is none.
    #[error(
        "There is no `php` on the PATH.\nPut a buildpack that provides PHP before this one, or use a builder whose images have PHP."
    )]
    NotFound,
    /// It cannot be started.
    #[error("`php` cannot be started: {0}.")]
    Start(io::Error),
    /// It failed or printed something else.
    #[error(
        "`php` did not say what it is ({status}). What it said:\n{said}\nRun `php -v` in the build image to see what is wrong."
    )]
    Answer {
        /// How it ended.
        status: String,
        /// What it printed.
        said: String,
    },
}

impl Php {
    /// Runs the PHP of `env`'s `PATH` once, and reads what it says of itself.
    ///
    /// # Errors
    ///
    /// Fails if there is no PHP, or it does not answer.
    pub fn ask(env: &Env) -> Result<Self, PhpError> {
        let output = Command::new("php")
            // Messages of the start to stderr, whatever php.ini says of them.
            .args(["-d", "display_errors=stderr", "-d", "display_startup_errors=1"])
            .args(["-d", "log_errors=0", "-d", "html_errors=0", "-d", "error_reporting=-1"])
            .args(["-r", FACTS])
            .env_clear()
            .envs(env)
            .output()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => PhpError::NotFound,
                _ => PhpError::Start(error),
            })?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        let facts = serde_json::from_slice(&output.stdout).map_err(|_| PhpError::Answer {
            status: output.status.to_string(),
            said: format!("{}{stderr}", String::from_utf8_lossy(&output.stdout)),
        })?;
        let warnings = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(Self { facts, warnings: warnings.map(str::to_owned).collect() })
    }

    /// The version of a loaded extension.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&Version> {
        self.facts.extensions.get(name)
    }

    /// Whether PHP could load the extension from its own directory.
    #[must_use]
    pub fn has_extension_file(&self, name: &str) -> bool {
        self.facts.extension_dir.join(format!("{name}.so")).is_file()
    }
}

/// The value of `PHP_INI_SCAN_DIR` that adds `dir` to what `env` has.
#[must_use]
pub fn with_scan_dir(env: &Env, dir: &Path) -> String {
    let before = env.get_string_lossy(PHP_INI_SCAN_DIR).unwrap_or_default();
    format!("{before}:{}", dir.display())
}
