//! The text of uris: what must be encoded, and queries.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::{Display, Write};

/// Unreserved characters of a uri (RFC 3986, 2.3); everything else may be encoded.
pub(crate) const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The text as it may stand anywhere in a uri.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// The query of a uri or of a save path. phpredis splits a save path at blanks and commas before it parses the query like
/// a page's, so we encode everything we can.
#[derive(Default)]
pub(crate) struct QueryString(String);

impl QueryString {
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    pub(crate) fn add(&mut self, name: &str, value: impl Display) {
        let separator = if self.0.is_empty() { "" } else { "&" };
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{separator}{name}={}", encode(&value.to_string()));
    }
}
