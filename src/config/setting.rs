//! A setting of the user's, read as one of the values that it can have.

use super::environment::{Environment, EnvironmentError};
use super::variables::{MIRROR, SESSION_NAME};

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SettingError {
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    #[error("{variable} is {value:?}, which is not a value it takes. Use one of: {allowed}.")]
    NoSuchValue { variable: &'static str, value: String, allowed: String },
    #[error("{MIRROR} {0}. Use https://HOST/PATH or file:///PATH.")]
    Mirror(&'static str),
    #[error(
        "{SESSION_NAME} is {0:?}, which cannot be the name of a cookie. Use letters, digits, - and _, and not digits alone."
    )]
    SessionName(String),
}

/// The value that `variable` names, in any case; `None` if it is not set.
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
