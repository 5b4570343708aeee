//! How messages look in a log that others write to as well.

use std::fmt::Display;

/// A message marked with the buildpack's name.
pub fn report(message: &impl Display) -> String {
    format!("PHP session store: {message}")
}
