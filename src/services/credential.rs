//! A credential, not yet interpreted.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// The credentials of a service, by name.
pub(crate) type Credentials = BTreeMap<String, Credential>;

/// What a credential holds.
#[derive(Clone, PartialEq)]
pub(crate) enum Credential {
    /// A value; a string if it came from a file.
    Value(Value),
    /// An entry that cannot be used, and why.
    Unusable(String),
}

impl Credential {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Value(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The value as the file of a binding would hold it: a string as it is, anything else as JSON.
    pub(super) fn in_file(&self) -> Option<String> {
        match self {
            Self::Value(Value::String(text)) => Some(text.clone()),
            Self::Value(value) => Some(value.to_string()),
            Self::Unusable(_) => None,
        }
    }
}

/// Shows nothing of the value: it may be a secret.
impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => formatter.write_str("Value(…)"),
            Self::Unusable(problem) => write!(formatter, "Unusable({problem:?})"),
        }
    }
}
