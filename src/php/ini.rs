//! Directives: what PHP must be told so that it keeps its sessions at an endpoint.
//!
//! Two halves that fit each other: the drop-ins, written at build, refer to variables, and the
//! variables, set at launch, hold what comes from the credentials and the options.

use super::drop_in::DropIn;
use super::scan_dirs;
use super::variable::{Variable, names};
use crate::config::environment::Environment;
use crate::config::variables::OPTIONS;
use crate::system::version::Version;
use std::fmt::{self, Write};
use std::path::Path;
use std::time::Duration;

/// What the launch sets, so that PHP keeps its sessions at an endpoint.
#[derive(PartialEq, Eq)]
pub struct Connection {
    /// Variables that the drop-ins refer to.
    pub variables: Vec<(Variable, String)>,
    /// Drop-ins that PHP shall read besides the base.
    pub(crate) drop_ins: Vec<DropIn>,
}

/// Something that the endpoint or the options need and PHP's extension cannot do.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DirectiveError {
    #[error(
        "The service needs {what}, and the PHP extension {extension} {version} cannot do that: it takes {since} or later.\nUse a newer extension, or a service without it."
    )]
    TooOld { what: &'static str, extension: &'static str, version: Version, since: String },
    #[error(
        "{OPTIONS} has database={0}, and a cluster has database 0 only.\nRemove it, or set a prefix instead."
    )]
    DatabaseOfCluster(u32),
}

/// One PHP setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    pub(crate) name: &'static str,
    pub(crate) value: Value,
}

/// A setting's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// This text: letters, digits and `-_./` only, so that it means the same in any ini file.
    Literal(String),
    /// What this variable holds when PHP starts. PHP takes it verbatim, whatever it holds.
    Variable(Variable),
}

impl Connection {
    /// All variables: those for the ini files, and PHP's own, by which it reads those of `layer`, the session
    /// layer, besides what `environment` has.
    #[must_use]
    pub(crate) fn variables_of(
        self,
        environment: &Environment,
        layer: &Path,
    ) -> Vec<(Variable, String)> {
        let Self { mut variables, drop_ins } = self;
        let scan_dirs = scan_dirs::for_launch(environment.as_env(), layer, &drop_ins);
        variables.push((Variable::IniScanDir, scan_dirs));
        variables
    }
}

/// Without the values: the save path may hold the password.
impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variables, drop_ins } = self;
        formatter
            .debug_struct("Connection")
            .field("variables", &names(variables))
            .field("drop_ins", drop_ins)
            .finish()
    }
}

impl Directive {
    /// A setting with a fixed value.
    #[must_use]
    pub(crate) fn literal(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: Value::Literal(value.into()) }
    }

    /// A setting whose value a variable holds.
    #[must_use]
    pub(crate) fn variable(name: &'static str, variable: Variable) -> Self {
        Self { name, value: Value::Variable(variable) }
    }
}

/// The text of an ini file with these directives.
#[must_use]
pub(crate) fn render(directives: &[Directive]) -> String {
    let mut ini = String::from(
        "; Written by the php-session-store buildpack. Its exec.d program sets the variables at launch.\n",
    );
    for Directive { name, value } in directives {
        // Writing to a String cannot fail.
        let _ = match value {
            Value::Literal(text) => writeln!(ini, "{name} = \"{text}\""),
            Value::Variable(variable) => writeln!(ini, "{name} = \"${{{}}}\"", variable.name()),
        };
    }
    ini
}

/// When the lock of a request falls away that is gone without giving it up, a killed worker's. PHP's extensions take
/// `max_execution_time` for it, which counts a page's computing and not its waiting on Linux, and is 0 on the command
/// line: a page that waits lost its lock, and a killed task kept it for ever. Web servers wait a minute for a page.
pub(super) const LOCK_EXPIRE: Duration = Duration::from_mins(1);

/// How often the lock is tried for, so that the waits between the tries make up `timeout`: they begin
/// with `first` and double until they are `last`.
pub(super) fn lock_retries(timeout: Duration, first: Duration, last: Duration) -> u32 {
    let (mut wait, mut waited, mut retries) = (first, Duration::ZERO, 0);
    while waited < timeout {
        waited += wait;
        wait = (wait * 2).min(last);
        retries += 1;
    }
    retries
}

/// PHP's way to say yes and no in an ini file.
pub(super) fn flag(on: bool) -> String {
    String::from(if on { "1" } else { "0" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ini_file_quotes_texts_and_refers_to_variables() {
        let ini = render(&[
            Directive::literal("session.save_handler", "redis"),
            Directive::variable("session.save_path", Variable::SavePath),
        ]);
        let lines: Vec<&str> = ini.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "session.save_handler = \"redis\"",
                "session.save_path = \"${PHP_SESSION_SAVE_PATH}\""
            ]
        );
    }

    #[test]
    fn retries_make_up_the_timeout() {
        let retries = |timeout, first, last| {
            let seconds = Duration::from_secs(timeout);
            lock_retries(seconds, Duration::from_millis(first), Duration::from_millis(last))
        };
        assert_eq!(retries(31, 5, 250), 129);
        assert_eq!(retries(31, 10, 1000), 37);
        assert_eq!(retries(10, 2, 2), 5000);
    }
}
