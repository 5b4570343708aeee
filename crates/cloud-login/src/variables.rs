//! The environment variables that a cloud sets in a container, or its users do. Their names are those of the clouds' own
//! libraries, so that what works with these works here.

use std::collections::BTreeMap;
use std::time::SystemTime;
use store_client::Deadline;

/// The variables that are set. They may be secrets, so there is no `Debug`.
#[derive(Clone, Default)]
pub struct CloudVariables(BTreeMap<String, String>);

impl CloudVariables {
    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Empty and blank ones count as unset.
impl<'a> FromIterator<(&'a str, &'a str)> for CloudVariables {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(variables: I) -> Self {
        let set = variables.into_iter().map(|(name, value)| (name, value.trim()));
        let set = set.filter(|(_, value)| !value.is_empty());
        Self(set.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// A question for a token, in this environment and at this time of day.
#[derive(Clone, Copy)]
pub(crate) struct Inquiry<'a> {
    pub(crate) variables: &'a CloudVariables,
    pub(crate) now: SystemTime,
    /// When it has to be answered.
    pub(crate) deadline: Deadline,
}
