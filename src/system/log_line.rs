//! Formats messages for a log that others write to as well.

use std::fmt::Display;
use store_client::printable;

/// A message prefixed with the buildpack's name. Names from outside may contain anything.
pub(crate) fn report(message: &impl Display) -> String {
    format!("PHP session store: {}", printable(message))
}
