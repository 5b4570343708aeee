//! What the check says in the end.

use serde::Serialize;
use std::process::ExitCode;

/// Whether sessions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Kept,
    NotKept,
    /// It cannot be said: PHP's command line keeps them and something else may not, or nothing could be asked.
    Unknown,
}

impl Verdict {
    /// The status of the program, the same in every case.
    #[must_use]
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Kept => 0,
            Self::NotKept => 1,
            Self::Unknown => 2,
        })
    }
}
