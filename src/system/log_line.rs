//! Formats messages for a log that others write to as well.

use std::fmt::Display;
use store_client::printable;

/// A message prefixed with the buildpack's name. Names from outside may contain anything.
pub(crate) fn report(message: &impl Display) -> String {
    format!("PHP session store: {}", printable(message))
}

/// The first names of a list, and how many more there are.
pub(crate) fn listed(names: &[String], most: usize) -> String {
    match names.len().checked_sub(most) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..most].join(", ")),
    }
}

/// An error with its causes.
pub(crate) fn report_error(error: &anyhow::Error) -> String {
    report(&format_args!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_reported_with_its_causes() {
        let error = anyhow::anyhow!("no such file").context("The app's folder is gone");
        let reported = "PHP session store: The app's folder is gone: no such file";
        assert_eq!(report_error(&error), reported);
    }
}
