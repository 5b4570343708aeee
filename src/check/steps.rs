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

const REDIS: &str = include_str!("steps/redis.php");
const MEMCACHED: &str = include_str!("steps/memcached.php");

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
    let (script, question) = (include_str!("steps/settings.php"), json!({ "prefixes": prefixes }));
    // Ini files may be in any folder.
    run(environment, "settings", &[script], &["open_basedir="], &question)
}

/// The calls in PHP files that start a session or move sessions elsewhere; needs PHP's tokenizer.
pub(super) fn calls(environment: &Environment, files: &[PathBuf]) -> anyhow::Result<Vec<Override>> {
    let (script, question) = (include_str!("steps/code.php"), json!({ "files": files }));
    // Code may be anywhere; a file's tokens take many times its size.
    run(environment, "code", &[script], &["open_basedir=", "memory_limit=-1"], &question)
}

/// Talks to Redis, or to each Memcached server.
pub(super) fn probe(
    environment: &Environment,
    handler: &str,
    question: &Value,
) -> anyhow::Result<Vec<Part>> {
    let scripts = match handler {
        "memcached" => [MEMCACHED, include_str!("steps/probe_memcached.php")],
        _ => [REDIS, include_str!("steps/probe_redis.php")],
    };
    run(environment, "probe", &scripts, &QUIET, question)
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
    let scripts = match handler {
        "memcached" => [MEMCACHED, include_str!("steps/look_memcached.php")],
        _ => [REDIS, include_str!("steps/look_redis.php")],
    };
    let mut question = question.clone();
    question["id"] = json!(id);
    run(environment, "look", &scripts, &QUIET, &question)
}

/// Writes a session in one process and reads it in another, under PHP's settings as they are.
pub(super) fn session(environment: &Environment) -> anyhow::Result<Vec<Part>> {
    #[derive(Deserialize)]
    struct WriteAnswer {
        parts: Vec<Part>,
        id: String,
    }
    let (write, read) = (include_str!("steps/write.php"), include_str!("steps/read.php"));
    let WriteAnswer { mut parts, id } = run(environment, "write", &[write], &QUIET, &Value::Null)?;
    if parts.iter().all(|part| part.ok) {
        let question = json!({ "id": id });
        parts.extend(run::<Vec<Part>>(environment, "read", &[read], &QUIET, &question)?);
    }
    Ok(parts)
}

/// Runs a step's scripts as one, in their own process.
fn run<T: DeserializeOwned>(
    environment: &Environment,
    step: &str,
    scripts: &[&str],
    options: &[&str],
    question: &Value,
) -> anyhow::Result<T> {
    let scripts = [COMMON].iter().chain(scripts);
    let script: String = scripts.map(|part| part.strip_prefix("<?php").unwrap_or(part)).collect();
    let options: Vec<&str> = OPTIONS.iter().chain(options).flat_map(|it| ["-d", it]).collect();
    let (input, env) = (question.to_string(), environment.as_env());
    let answer = run_script(&script, &input, &[], &options, env)?.answer;
    answer.map_err(|ended| anyhow!("PHP did not finish the step \"{step}\": {ended}"))
}
