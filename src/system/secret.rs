//! A text that must not be seen.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;

/// What stands for itself in any uri (RFC 3986, 2.3); everything else may be encoded.
pub const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A password or key. It has no `Display`, and its `Debug` shows nothing of it, so that it cannot
/// slip into a log or an error.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that must have it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// Takes secrets out of texts that others have written.
#[derive(Debug, Default)]
pub struct Redactor(Vec<(Secret, &'static str)>);

impl Redactor {
    /// Adds a secret, in the forms in which it may stand in a text, and what shall stand in its place.
    pub fn add(&mut self, secret: &str, instead: &'static str) {
        let html = secret.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let as_in_query = utf8_percent_encode(secret, UNRESERVED).to_string();
        for form in [secret.to_owned(), html, encoded, as_in_query] {
            if !form.is_empty() {
                self.0.push((Secret(form), instead));
            }
        }
        // What contains another form goes first.
        self.0.sort_by_key(|(form, _)| std::cmp::Reverse(form.0.len()));
    }

    /// The text without any of the secrets.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (form, instead)| text.replace(&form.0, instead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some(Secret(…))");
    }

    #[test]
    fn a_mask_hides_every_form() {
        let mut mask = Redactor::default();
        mask.add("p&ss w", "(1)");
        mask.add("tcp://h?auth=p%26ss%20w&x", "(2)");
        for (text, hidden) in [
            ("a p&ss w b", "a (1) b"),
            ("path: tcp://h?auth=p%26ss%20w&x", "path: (2)"),
            ("path: tcp://h?auth=p%26ss%20w&amp;x", "path: (2)"),
            ("auth=p%26ss%20w", "auth=(1)"),
            ("p&amp;ss w", "(1)"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(mask.hide(text), hidden);
        }
    }
}
