//! Directives: what PHP must be told to keep its sessions at an endpoint. There are two halves: the ini files,
//! written at build, refer to variables; the launch sets these variables from the credentials and the options.

use super::ini_file::IniFile;
use super::scan_dirs;
use crate::config::environment::Environment;
use crate::variable::{Variable, Variables, names};
use std::fmt::{self, Write};
use std::path::Path;
use std::time::Duration;

/// What the launch tells PHP to make it keep its sessions at an endpoint.
#[derive(PartialEq, Eq)]
pub struct PhpSettings {
    /// Variables that the ini files refer to.
    pub variables: Variables,
    /// Ini files for PHP to read besides the base.
    pub(crate) ini_files: Vec<IniFile>,
}

/// A setting of PHP, as a line of an ini file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    pub(crate) name: &'static str,
    /// As it stands between quotes in an ini file.
    pub(crate) value: String,
}

impl PhpSettings {
    /// All variables: those for the ini files, and `PHP_INI_SCAN_DIR`, which makes PHP read the ini files in
    /// `layer` (the session layer) besides those that `environment` lists.
    pub(crate) fn variables_of(self, environment: &Environment, layer: &Path) -> Variables {
        let Self { mut variables, ini_files } = self;
        let scan_dirs = scan_dirs::for_launch(environment.as_env(), layer, &ini_files);
        variables.push((Variable::IniScanDir, scan_dirs));
        variables
    }
}

/// Without the values: the save path may hold the password.
impl fmt::Debug for PhpSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variables, ini_files } = self;
        formatter
            .debug_struct("PhpSettings")
            .field("variables", &names(variables))
            .field("ini_files", ini_files)
            .finish()
    }
}

impl Directive {
    /// Fixed text, only of letters, digits and `-_./`, so that nothing in it needs to be escaped.
    pub(crate) fn literal(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into() }
    }

    /// The value of this variable when PHP starts. PHP takes it verbatim.
    pub(crate) fn variable(name: &'static str, variable: Variable) -> Self {
        Self { name, value: format!("${{{}}}", variable.name()) }
    }
}

/// The text of an ini file with these directives.
pub(crate) fn render(directives: &[Directive]) -> String {
    let mut ini = String::from(
        "; Written by the php-session-store buildpack. Its exec.d program sets the variables at launch.\n",
    );
    for Directive { name, value } in directives {
        // Writing to a String cannot fail.
        let _ = writeln!(ini, "{name} = \"{value}\"");
    }
    ini
}

/// How often to try for the lock, so that the waits between tries add up to `timeout`: they begin with `first` and
/// double up to `last`.
pub(super) fn lock_retries(timeout: Duration, first: Duration, last: Duration) -> u32 {
    let (mut wait, mut waited, mut retries) = (first, Duration::ZERO, 0);
    while waited < timeout {
        waited += wait;
        wait = (wait * 2).min(last);
        retries += 1;
    }
    retries
}

/// A boolean in an ini file.
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
