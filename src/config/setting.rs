//! A user's setting that takes one of several values.

use super::environment::{Environment, EnvironmentError};
use super::variables::{MIRROR, SESSION_NAME};
use crate::system::masked::masked;

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SettingError {
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    #[error("{variable} is {:?}, which is not a valid value. Use one of: {allowed}.", masked(.value))]
    NoSuchValue { variable: &'static str, value: String, allowed: String },
    #[error("{MIRROR} {0}. Use https://HOST/PATH or file:///PATH.")]
    Mirror(&'static str),
    #[error(
        "{SESSION_NAME} is {:?}, which is not a valid cookie name. Use letters, digits, - and _, but not digits alone.",
        masked(.0)
    )]
    SessionName(String),
}

/// The value of `variable`, ignoring case; `None` if it is not set.
pub(super) fn one_of<T: Copy>(
    environment: &Environment,
    variable: &'static str,
    values: &[(&'static str, T)],
) -> Result<Option<T>, SettingError> {
    let Some(text) = environment.text(variable)?.map(str::trim) else { return Ok(None) };
    match values.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        Some((_, value)) => Ok(Some(*value)),
        None => Err(SettingError::NoSuchValue {
            variable,
            value: text.to_owned(),
            allowed: values.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
        }),
    }
}
