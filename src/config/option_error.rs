//! What people write that are no options.

use super::environment::EnvironmentError;
use super::variables::OPTIONS;
use crate::store::Store;
use crate::system::spelling::closest;

/// An option that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OptionsError {
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    #[error(
        "{OPTIONS} {problem}.\nWrite options like this, without quotes: timeout=1&prefix=shop:"
    )]
    Form { problem: &'static str },
    #[error(
        "{OPTIONS} has the option {name:?}, which {store} sessions don't support.{hint}\nSupported options: {list}."
    )]
    Unknown { name: String, store: Store, hint: String, list: String },
    #[error("{OPTIONS} has {name}={value:?}.\nExpected {expected}.{hint}")]
    Value { name: &'static str, value: String, expected: &'static str, hint: &'static str },
}

/// What people write instead of options.
pub(super) fn wrong_form(text: &str) -> Option<&'static str> {
    if text.starts_with(['{', '[']) {
        Some("is JSON")
    } else if text.starts_with(['"', '\'']) {
        Some("is in quotes")
    } else if text.contains("://") {
        // Not repeated: it may contain a password.
        Some("has a uri")
    } else if text.starts_with('-') {
        Some("has a - before the first option")
    } else if !text.is_empty() && !text.contains('=') {
        Some("has no =")
    } else {
        None
    }
}

/// The error for an option that the store does not have; `known` are names and values of those that it has.
pub(super) fn unknown(
    name: &str,
    store: Store,
    known: impl Iterator<Item = (&'static str, &'static str)>,
) -> OptionsError {
    let known: Vec<_> = known.collect();
    let meant = closest(name, known.iter().map(|(name, _)| *name));
    let hint = meant.map(|meant| format!(" Did you mean {meant}?")).unwrap_or_default();
    let list: Vec<String> = known.iter().map(|(name, value)| format!("{name} ({value})")).collect();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    // Anything else may be a part of a password.
    let name = if name.chars().all(is_name) { name.to_owned() } else { "…".to_owned() };
    OptionsError::Unknown { name, store, hint, list: list.join(", ") }
}

/// What is often wrong with an option's value.
pub(super) fn hint(value: &str, expected: &str) -> &'static str {
    if value.contains('=') {
        "\nSeparate options by &, as in timeout=1&prefix=shop:."
    } else if expected.starts_with("seconds") && value.ends_with('s') {
        "\nWrite the number alone, without a unit."
    } else {
        ""
    }
}
