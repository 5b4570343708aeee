//! What PHP does for the check, each step in a process of its own.

use crate::config::environment::Environment;
use crate::php::script::{Answer, PhpError, run_script};
use crate::system::secret::Redactor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const SCRIPT: &str = include_str!("steps.php");

/// What PHP has done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Steps {
    /// The parts in their order; after a failure the rest is left out.
    pub parts: Vec<Part>,
    /// The settings in force.
    pub settings: Vec<Setting>,
}

/// A step, in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Show the settings in force.
    Settings,
    /// Talk to the server.
    Probe,
    /// Write a session.
    Write,
    /// Read what another process has written, and destroy the session.
    Read,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Probe => "probe",
            Self::Write => "write",
            Self::Read => "read",
        }
    }
}

/// One thing that PHP has done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it was, as `connect`.
    pub name: String,
    /// To which server, where there may be several.
    pub server: Option<String>,
    /// Whether it succeeded.
    pub ok: bool,
    /// How long it took.
    pub milliseconds: f64,
    /// PHP's warnings and exceptions.
    pub said: Vec<String>,
}

/// A setting in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// PHP's name of it.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The last ini file that sets it; `None` for PHP's own default.
    pub file: Option<String>,
}

/// A step that gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum StepsError {
    /// PHP cannot be started.
    #[error(transparent)]
    Php(#[from] PhpError),
    /// PHP ended without an answer.
    #[error("PHP broke off the step \"{step}\" ({status}): {said}")]
    NoAnswer {
        /// The step.
        step: &'static str,
        /// How PHP ended.
        status: String,
        /// What it said.
        said: String,
    },
}

impl Steps {
    /// Does these steps in turn. After a failure the rest is left out: where the server itself refuses, a
    /// session would only wait.
    ///
    /// # Errors
    ///
    /// Fails if PHP gives no answer.
    pub(super) fn run(environment: &Environment, steps: &[Step]) -> Result<Self, StepsError> {
        let id = format!("check{:08x}", std::process::id());
        let mut done = Self { parts: Vec::new(), settings: Vec::new() };
        for step in steps {
            if *step == Step::Settings {
                done.settings = answer(environment, *step, &id)?;
            } else {
                done.parts.extend(answer::<Vec<Part>>(environment, *step, &id)?);
            }
            if done.parts.iter().any(|part| !part.ok) {
                break;
            }
        }
        Ok(done)
    }

    /// The steps without any secret in what PHP and the server said.
    pub(super) fn redacted(mut self, mask: &Redactor) -> Self {
        for setting in &mut self.settings {
            setting.value = mask.hide(&setting.value);
        }
        for part in &mut self.parts {
            for text in part.server.iter_mut().chain(&mut part.said) {
                *text = mask.hide(text);
            }
        }
        self
    }
}

fn answer<T: DeserializeOwned>(
    environment: &Environment,
    step: Step,
    id: &str,
) -> Result<T, StepsError> {
    let code = SCRIPT.strip_prefix("<?php").unwrap_or(SCRIPT);
    // The settings must be shown as they are; in the other steps PHP's warnings come with the answer.
    let quiet: &[&str] = match step {
        Step::Settings => &[],
        _ => &["-d", "display_errors=0", "-d", "log_errors=0", "-d", "html_errors=0"],
    };
    let Answer { json, status, output: said, .. } =
        run_script(code, &[step.name(), id], quiet, environment.as_env())?;
    let said = said.trim().to_owned();
    json.ok_or(StepsError::NoAnswer { step: step.name(), status, said })
}
