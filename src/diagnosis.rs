//! What is wrong with a service, and what to do: one table of causes, and how a cause is recognised in what a server
//! replies, in what our own client meets, and in what PHP says.

mod causes;
mod doubt;
mod problem;
mod recognise;

pub(crate) use causes::CauseKind;
pub(crate) use recognise::kinds_in;

use serde::Serialize;
use std::fmt;

/// Why sessions are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Cause {
    pub(crate) kind: CauseKind,
    /// In one or more sentences.
    pub(crate) what: String,
    pub(crate) advice: String,
}

impl Cause {
    /// A cause in words of its own.
    pub(crate) fn new(kind: CauseKind, what: String) -> Self {
        Self { kind, what, advice: kind.advice().to_owned() }
    }

    /// A cause in the words of the table.
    pub(crate) fn of(kind: CauseKind) -> Self {
        Self::new(kind, format!("{kind}."))
    }

    /// The same, with what was seen.
    pub(crate) fn seen(kind: CauseKind, seen: impl fmt::Display) -> Self {
        let seen = seen.to_string();
        Self::new(kind, format!("{kind}: {}.", seen.trim_end_matches('.')))
    }

    pub(crate) fn with_advice(self, advice: impl Into<String>) -> Self {
        Self { advice: advice.into(), ..self }
    }
}

/// For people, on two lines.
impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n{}", self.what, self.advice)
    }
}
