//! Environment variables, read as text.

use libcnb::Env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The environment of a phase.
#[derive(Debug, Clone, Default)]
pub struct Environment(Env);

/// A variable whose value cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("The environment variable {0} is not UTF-8. Set it to plain text.")]
pub struct EnvironmentError(String);

impl Environment {
    /// The process's environment, overlaid with the platform's. Lifecycles copy most of the platform's variables
    /// into the process's environment, but not all: Cloud Foundry passes `VCAP_SERVICES` only as a platform file.
    pub(crate) fn with_platform(platform: &Env) -> Self {
        let mut env = Env::from_current();
        for (name, value) in platform {
            env.insert(name, value);
        }
        Self(env)
    }

    pub(crate) fn current() -> Self {
        Self(Env::from_current())
    }

    pub(crate) fn of(env: Env) -> Self {
        Self(env)
    }

    /// The value of `name`. Empty or blank counts as unset, which is what operators mean.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, EnvironmentError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let text = value.to_str().ok_or_else(|| EnvironmentError(name.to_owned()))?;
        Ok(Some(text).filter(|text| !text.trim().is_empty()))
    }

    /// The names of the variables that start with `prefix`, sorted.
    pub(crate) fn names_with_prefix(&self, prefix: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .0
            .iter()
            .filter_map(|(name, _)| name.to_str())
            .filter(|name| name.starts_with(prefix))
            .map(str::to_owned)
            .collect();
        names.sort();
        names
    }

    /// The variables themselves, to start a program with.
    pub(crate) fn as_env(&self) -> &Env {
        &self.0
    }
}

/// Prepends folders to a variable such as `PATH`.
pub(crate) fn prepend_paths(env: &mut Env, name: &str, dirs: &[PathBuf]) {
    let before = env.get(name).map(std::env::split_paths).into_iter().flatten();
    // A folder name with `:` cannot be written here; no layer has one.
    let value = std::env::join_paths(dirs.iter().cloned().chain(before)).unwrap_or_default();
    env.insert(name, value);
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let mut env = Env::new();
        for (name, value) in variables {
            env.insert(name, value);
        }
        Self(env)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn blank_values_count_as_not_set() {
        let environment = Environment::from_iter([("A", " "), ("B", ""), ("C", " x ")]);
        assert_eq!(environment.text("A"), Ok(None));
        assert_eq!(environment.text("B"), Ok(None));
        assert_eq!(environment.text("C"), Ok(Some(" x ")));
        assert_eq!(environment.text("D"), Ok(None));
    }

    #[test]
    fn a_value_that_is_not_utf8_is_an_error_that_names_it() {
        let environment = Environment::from_iter([("A", OsString::from_vec(vec![0xff]))]);
        assert!(environment.text("A").unwrap_err().to_string().contains("variable A "));
    }
}
