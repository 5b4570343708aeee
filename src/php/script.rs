//! Running a script of ours with the installed PHP.

use libcnb::Env;
use serde::de::DeserializeOwned;
use std::io;
use std::process::Command;

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

/// What PHP made of a script of ours.
pub(crate) struct Answer<T> {
    /// The last line on stdout, as JSON; PHP may have displayed warnings before it. `None` if it is none.
    pub(crate) json: Option<T>,
    /// How PHP ended.
    pub(crate) status: String,
    /// All that it printed.
    pub(crate) said: String,
    /// What it printed on stderr.
    pub(crate) stderr: String,
}

/// Runs `php` once, with this script and nothing but this environment.
pub(crate) fn run_script<T: DeserializeOwned>(
    script: &str,
    arguments: &[&str],
    options: &[&str],
    env: &Env,
) -> Result<Answer<T>, PhpError> {
    let output = Command::new("php")
        .args(options)
        .args(["-r", script, "--"])
        .args(arguments)
        .env_clear()
        .envs(env)
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => PhpError::NotFound,
            _ => PhpError::Start(error),
        })?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(Answer {
        json: serde_json::from_str(stdout.lines().last().unwrap_or_default()).ok(),
        status: output.status.to_string(),
        said: format!("{stdout}{stderr}"),
        stderr,
    })
}
