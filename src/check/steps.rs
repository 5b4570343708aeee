//! What PHP does for the check, each step in a process of its own.

use crate::config::environment::Environment;
use crate::php::script::{Answer, PhpError, run_script_with_input};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const COMMON: &str = include_str!("steps/common.php");

/// What must not keep PHP from answering: none of it says where sessions are kept.
const OPTIONS: [&str; 5] = [
    "disable_functions=",
    "disable_classes=",
    // The app's preloading is for its web server.
    "opcache.enable_cli=0",
    // The steps start their sessions themselves.
    "session.auto_start=0",
    "xdebug.mode=off",
];
/// Warnings come with the answer.
const QUIET: [&str; 3] = ["display_errors=0", "log_errors=0", "html_errors=0"];

/// A step, in a process of its own.
struct Step {
    name: &'static str,
    script: &'static str,
    options: &'static [&'static str],
}

/// Reads ini files wherever they are.
const SETTINGS: Step = Step {
    name: "settings",
    script: include_str!("steps/settings.php"),
    options: &["open_basedir="],
};
const REDIS: Step =
    Step { name: "probe", script: include_str!("steps/redis.php"), options: &QUIET };
const MEMCACHED: Step =
    Step { name: "probe", script: include_str!("steps/memcached.php"), options: &QUIET };
const WRITE: Step =
    Step { name: "write", script: include_str!("steps/write.php"), options: &QUIET };
const READ: Step = Step { name: "read", script: include_str!("steps/read.php"), options: &QUIET };

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
    #[error("PHP broke off the step \"{step}\" ({status}). Its output:\n{said}")]
    NoAnswer {
        /// The step.
        step: &'static str,
        /// How PHP ended.
        status: String,
        /// What it said.
        said: String,
    },
}

/// The settings in force: those of every session, and those of a save handler.
pub(super) fn settings(
    environment: &Environment,
    handler: &str,
) -> Result<Vec<Setting>, StepsError> {
    let prefixes: &[&str] = match handler {
        "redis" => &["redis.session.", "redis.pconnect.pool"],
        "rediscluster" => &["redis.clusters.cache"],
        "memcached" => &["memcached.sess_"],
        _ => &[],
    };
    SETTINGS.run(environment, &json!({ "prefixes": prefixes }))
}

/// Talks to Redis, or to each Memcached server.
pub(super) fn probe(
    environment: &Environment,
    handler: &str,
    question: &Value,
) -> Result<Vec<Part>, StepsError> {
    let step = if handler == "memcached" { MEMCACHED } else { REDIS };
    step.run(environment, question)
}

/// Writes a session in one process and reads it in another, with all settings as they are.
pub(super) fn session(environment: &Environment) -> Result<Vec<Part>, StepsError> {
    #[derive(Deserialize)]
    struct Written {
        parts: Vec<Part>,
        id: String,
    }
    let Written { mut parts, id } = WRITE.run(environment, &Value::Null)?;
    if parts.iter().all(|part| part.ok) {
        parts.extend(READ.run::<Vec<Part>>(environment, &json!({ "id": id }))?);
    }
    Ok(parts)
}

impl Step {
    fn run<T: DeserializeOwned>(
        &self,
        environment: &Environment,
        question: &Value,
    ) -> Result<T, StepsError> {
        let script: String =
            [COMMON, self.script].map(|part| part.strip_prefix("<?php").unwrap_or(part)).concat();
        let options = OPTIONS.iter().chain(self.options).flat_map(|setting| ["-d", setting]);
        let options: Vec<&str> = options.collect();
        let Answer { json, status, output: said, .. } =
            run_script_with_input(&script, &question.to_string(), &options, environment.as_env())?;
        json.ok_or(StepsError::NoAnswer { step: self.name, status, said })
    }
}
