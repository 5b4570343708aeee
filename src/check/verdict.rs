//! The verdict.

use serde::Serialize;
use std::process::ExitCode;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Kept,
    NotKept,
    /// Unclear: PHP's command line keeps them but something else may not, or nothing could be checked.
    #[default]
    Unknown,
}

impl Verdict {
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Kept => 0,
            Self::NotKept => 1,
            Self::Unknown => 2,
        })
    }
}
