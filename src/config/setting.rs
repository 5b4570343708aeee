//! A user's setting that takes one of several values.

use super::environment::Environment;
use crate::system::masked::masked;
use anyhow::anyhow;

/// The value that `variable` chooses, ignoring case; the first one if it is not set.
pub(super) fn one_of<T: Copy>(
    environment: &Environment,
    variable: &str,
    values: &[(&str, T)],
) -> anyhow::Result<T> {
    let Some(text) = environment.text(variable)?.map(str::trim) else { return Ok(values[0].1) };
    let chosen = values.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    chosen.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        no_such_value(variable, text, &names.join(", "))
    })
}

/// The error for a value that is none of those `allowed`.
pub(super) fn no_such_value(variable: &str, value: &str, allowed: &str) -> anyhow::Error {
    let value = masked(value);
    anyhow!("{variable} is {value:?}, which is not a valid value. Use one of: {allowed}.")
}
