//! A service's credentials as names and values, not yet interpreted.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Default, PartialEq)]
pub(crate) struct Credentials(BTreeMap<String, Credential>);

#[derive(Clone, PartialEq)]
pub(crate) enum Credential {
    /// A value; a string if it came from a file.
    Value(Value),
    /// An entry that cannot be used, and why.
    Unusable(String),
}

impl Credentials {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Credential)> {
        self.0.iter().map(|(name, credential)| (name.as_str(), credential))
    }

    /// An entry that is a string.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Credential::Value(Value::String(text)) => Some(text.clone()),
            _ => None,
        }
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// The values by name.
    ///
    /// Fails with the name of a credential that cannot be used, and why.
    pub(crate) fn into_values(self) -> Result<Map<String, Value>, (String, String)> {
        let value = |(name, credential)| match credential {
            Credential::Value(value) => Ok((name, value)),
            Credential::Unusable(problem) => Err((name, problem)),
        };
        self.0.into_iter().map(value).collect()
    }

    /// Whether no key has different values in the two.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        self.0.iter().all(|(name, credential)| {
            other.0.get(name).is_none_or(|other| other.as_text() == credential.as_text())
        })
    }
}

impl Credential {
    /// The value as the file of a binding would hold it: a string as it is, anything else as JSON.
    fn as_text(&self) -> Option<String> {
        match self {
            Self::Value(Value::String(text)) => Some(text.clone()),
            Self::Value(value) => Some(value.to_string()),
            Self::Unusable(_) => None,
        }
    }
}

/// Names only: any value may be a secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// Shows nothing of the value.
impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => formatter.write_str("Value(…)"),
            Self::Unusable(problem) => write!(formatter, "Unusable({problem:?})"),
        }
    }
}

impl From<Map<String, Value>> for Credentials {
    fn from(map: Map<String, Value>) -> Self {
        map.into_iter().map(|(name, value)| (name, Credential::Value(value))).collect()
    }
}

impl FromIterator<(String, Credential)> for Credentials {
    fn from_iter<I: IntoIterator<Item = (String, Credential)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}
