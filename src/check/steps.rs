//! The steps in PHP, each in its own process.

use super::overrides::Override;
use crate::config::environment::Environment;
use crate::php::script::run_script;
use anyhow::anyhow;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;

const COMMON: &str = include_str!("steps/common.php");

/// Overrides for settings that could keep PHP from answering. None of them changes where sessions are kept.
const OPTIONS: [&str; 5] = [
    "disable_functions=",
    "disable_classes=",
    // The app preloads code for its web server.
    "opcache.enable_cli=0",
    // The steps start their own sessions.
    "session.auto_start=0",
    "xdebug.mode=off",
];
/// Warnings are part of the answer. What ends PHP before it can answer is shown instead; the redactor hides secrets in a
/// message, but not those that PHP cuts short in a list of arguments.
const QUIET: [&str; 4] =
    ["display_errors=stderr", "log_errors=0", "html_errors=0", "zend.exception_ignore_args=1"];

/// A step, run in its own process.
struct PhpStep {
    name: &'static str,
    scripts: &'static [&'static str],
    options: &'static [&'static str],
}

const REDIS: &str = include_str!("steps/redis.php");
const MEMCACHED: &str = include_str!("steps/memcached.php");

/// Reads ini files in any folder.
const SETTINGS: PhpStep = PhpStep {
    name: "settings",
    scripts: &[include_str!("steps/settings.php")],
    options: &["open_basedir="],
};
/// Reads code anywhere; a file's tokens take many times its size.
const CODE: PhpStep = PhpStep {
    name: "code",
    scripts: &[include_str!("steps/code.php")],
    options: &["open_basedir=", "memory_limit=-1"],
};
const PROBE_REDIS: PhpStep = quiet("probe", &[REDIS, include_str!("steps/probe_redis.php")]);
const PROBE_MEMCACHED: PhpStep =
    quiet("probe", &[MEMCACHED, include_str!("steps/probe_memcached.php")]);
const LOOK_REDIS: PhpStep = quiet("look", &[REDIS, include_str!("steps/look_redis.php")]);
const LOOK_MEMCACHED: PhpStep =
    quiet("look", &[MEMCACHED, include_str!("steps/look_memcached.php")]);
const WRITE: PhpStep = quiet("write", &[include_str!("steps/write.php")]);
const READ: PhpStep = quiet("read", &[include_str!("steps/read.php")]);

const fn quiet(name: &'static str, scripts: &'static [&'static str]) -> PhpStep {
    PhpStep { name, scripts, options: &QUIET }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Its name, such as `connect`.
    pub(crate) name: String,
    /// The server, if there may be several.
    pub(crate) server: Option<String>,
    pub(crate) ok: bool,
    pub(crate) milliseconds: f64,
    pub(crate) said: Vec<String>,
}

/// A setting in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) value: String,
    /// The last ini file that sets it; `None` for PHP's own default.
    pub(crate) file: Option<String>,
}

/// The settings in force: those of all sessions, and those of a save handler.
pub(super) fn settings(environment: &Environment, handler: &str) -> anyhow::Result<Vec<Setting>> {
    let prefixes: &[&str] = match handler {
        "redis" => &["redis.session.", "redis.pconnect.pool"],
        "rediscluster" => &["redis.clusters.cache"],
        "memcached" => &["memcached.sess_"],
        _ => &[],
    };
    SETTINGS.run(environment, &json!({ "prefixes": prefixes }))
}

/// The calls in PHP files that start a session or move sessions elsewhere; needs PHP's tokenizer.
pub(super) fn calls(environment: &Environment, files: &[PathBuf]) -> anyhow::Result<Vec<Override>> {
    CODE.run(environment, &json!({ "files": files }))
}

/// Talks to Redis, or to each Memcached server.
pub(super) fn probe(
    environment: &Environment,
    handler: &str,
    question: &Value,
) -> anyhow::Result<Vec<Part>> {
    let step = if handler == "memcached" { PROBE_MEMCACHED } else { PROBE_REDIS };
    step.run(environment, question)
}

/// The result of looking for a session.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Look {
    pub(super) there: bool,
    /// Its remaining lifetime in milliseconds, if the service tells.
    pub(super) left: Option<i64>,
}

/// Looks for a session in the service, with the same question as [`probe`].
pub(super) fn look(
    environment: &Environment,
    handler: &str,
    question: &Value,
    id: &str,
) -> anyhow::Result<Look> {
    let step = if handler == "memcached" { LOOK_MEMCACHED } else { LOOK_REDIS };
    let mut question = question.clone();
    question["id"] = json!(id);
    step.run(environment, &question)
}

/// Writes a session in one process and reads it in another, under PHP's settings as they are.
pub(super) fn session(environment: &Environment) -> anyhow::Result<Vec<Part>> {
    #[derive(Deserialize)]
    struct WriteAnswer {
        parts: Vec<Part>,
        id: String,
    }
    let WriteAnswer { mut parts, id } = WRITE.run(environment, &Value::Null)?;
    if parts.iter().all(|part| part.ok) {
        parts.extend(READ.run::<Vec<Part>>(environment, &json!({ "id": id }))?);
    }
    Ok(parts)
}

impl PhpStep {
    fn run<T: DeserializeOwned>(
        &self,
        environment: &Environment,
        question: &Value,
    ) -> anyhow::Result<T> {
        let scripts = [COMMON].into_iter().chain(self.scripts.iter().copied());
        let script: String =
            scripts.map(|part| part.strip_prefix("<?php").unwrap_or(part)).collect();
        let options = OPTIONS.iter().chain(self.options).flat_map(|setting| ["-d", setting]);
        let options: Vec<&str> = options.collect();
        let (input, env) = (question.to_string(), environment.as_env());
        let answer = run_script(&script, &input, &[], &options, env)?.answer;
        let step = self.name;
        answer.map_err(|ended| anyhow!("PHP did not finish the step \"{step}\": {ended}"))
    }
}
