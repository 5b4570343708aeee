//! Running a script of ours with the installed PHP.

use libcnb::Env;
use serde::de::DeserializeOwned;
use std::io::{self, Write};
use std::process::{Command, Output, Stdio};

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
        "`php` did not answer the buildpack's questions ({status}). Its output:\n{output}\nRun `php -v` in the build image to see what is wrong."
    )]
    Answer {
        /// How it ended.
        status: String,
        /// What it printed.
        output: String,
    },
}

/// Precedes a script's answer on stdout: PHP and the app's settings may print before and after it.
const MARK: &str = "php-session-store-answer:";

/// The function by which a script gives its answer, before the script itself.
fn with_answer(script: &str) -> String {
    format!(
        "function answer($answer) {{ echo \"\\n{MARK}\", json_encode($answer, JSON_PARTIAL_OUTPUT_ON_ERROR), \"\\n\"; }}\n{script}"
    )
}

/// What PHP made of a script of ours.
pub(crate) struct Answer<T> {
    /// What the script answered; `None` if it did not come to that.
    pub(crate) json: Option<T>,
    /// How PHP ended.
    pub(crate) status: String,
    /// All that PHP printed besides the answer.
    pub(crate) output: String,
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
    let mut php = php(script, options, env);
    Ok(answer_of(&php.args(arguments).output().map_err(not_started)?))
}

/// As [`run_script`], with something on the script's standard input, where nobody else sees it.
pub(crate) fn run_script_with_input<T: DeserializeOwned>(
    script: &str,
    input: &str,
    options: &[&str],
    env: &Env,
) -> Result<Answer<T>, PhpError> {
    let mut php = php(script, options, env);
    php.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = php.spawn().map_err(not_started)?;
    // A PHP that does not come to the script does not read it, and its output says why.
    let _ = process.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
    Ok(answer_of(&process.wait_with_output().map_err(not_started)?))
}

fn php(script: &str, options: &[&str], env: &Env) -> Command {
    let mut php = Command::new("php");
    php.args(options).args(["-r", &with_answer(script), "--"]).env_clear().envs(env);
    php
}

fn not_started(error: io::Error) -> PhpError {
    match error.kind() {
        io::ErrorKind::NotFound => PhpError::NotFound,
        _ => PhpError::Start(error),
    }
}

fn answer_of<T: DeserializeOwned>(output: &Output) -> Answer<T> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let (answer, rest): (Vec<&str>, Vec<&str>) =
        stdout.lines().partition(|line| line.starts_with(MARK));
    let answer = answer.last().and_then(|line| line.strip_prefix(MARK)).unwrap_or_default();
    Answer {
        json: serde_json::from_str(answer).ok(),
        status: output.status.to_string(),
        output: format!("{}\n{stderr}", rest.join("\n")).trim().to_owned(),
        stderr,
    }
}
