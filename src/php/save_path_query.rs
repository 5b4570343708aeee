//! The query of phpredis's save paths.

use crate::system::secret::UNRESERVED;
use percent_encoding::utf8_percent_encode;
use std::fmt::{Display, Write};

/// The query of a save path, which phpredis parses like a page's. Before that it splits the save path at blanks
/// and commas, so we encode everything we can.
#[derive(Default)]
pub(super) struct Query(String);

impl Query {
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    pub(super) fn add(&mut self, name: &str, value: impl Display) {
        let value = value.to_string();
        let separator = if self.0.is_empty() { "" } else { "&" };
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{separator}{name}={}", utf8_percent_encode(&value, UNRESERVED));
    }
}
