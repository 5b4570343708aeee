//! A question for a token.

use super::variables::Variables;
use std::time::SystemTime;
use store_client::Deadline;

/// A question for a token, in this environment and at this time of day.
#[derive(Clone, Copy)]
pub(crate) struct Inquiry<'a> {
    pub(crate) variables: &'a Variables,
    pub(crate) now: SystemTime,
    /// When it has to be answered.
    pub(crate) deadline: Deadline,
}
