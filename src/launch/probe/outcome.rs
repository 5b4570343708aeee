//! The outcome of the probe.

use crate::diagnosis::{Cause, CauseKind};
use std::time::Duration;

/// What the probe found.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A session would be kept.
    Kept {
        round_trip: Duration,
        /// How many connections the server allows, if it tells.
        max_clients: Option<u32>,
        /// What would fail under other settings of the app.
        limits: Vec<String>,
    },
    /// It fails now, but that may pass.
    Passing(Cause),
    /// TLS fails with our library, but might work with PHP's OpenSSL.
    Tls(Cause),
    /// No session can be kept there.
    Refused(Cause),
}

impl Outcome {
    /// Some causes pass by themselves or by the operator's hand: the server is not there yet, starts, is busy or full, or
    /// waits for others. One that is not known to pass never counts as passing.
    pub(super) fn of(cause: Cause) -> Self {
        match cause.kind {
            CauseKind::NameNotResolved
            | CauseKind::ConnectionRefused
            | CauseKind::Loopback
            | CauseKind::NoAnswer
            | CauseKind::ConnectionClosed
            | CauseKind::Busy
            | CauseKind::OutOfMemory
            | CauseKind::NotSaved
            | CauseKind::ReplicasMissing
            | CauseKind::ClusterDown
            | CauseKind::UpstreamDown
            | CauseKind::TooManyClients
            | CauseKind::NoTokenYet => Self::Passing(cause),
            CauseKind::TlsNotTrusted
            | CauseKind::TlsOtherName
            | CauseKind::TlsClientCertificate
            | CauseKind::TlsFile
            | CauseKind::TlsFailed => Self::Tls(cause),
            _ => Self::Refused(cause),
        }
    }

    /// Why no session is kept.
    pub(crate) fn cause(self) -> Option<Cause> {
        match self {
            Self::Kept { .. } => None,
            Self::Passing(cause) | Self::Tls(cause) | Self::Refused(cause) => Some(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store_client::ErrorReply;

    #[test]
    fn a_refusal_is_told_from_what_may_pass() {
        let outcome = |text: &str| Outcome::of(Cause::of_reply(&ErrorReply::new(text)));
        for text in [
            "WRONGPASS invalid username-password pair or user is disabled.",
            "READONLY You can't write against a read only replica.",
            "ERR DB index is out of range",
            // What nobody has foreseen.
            "ERR whatever",
            "WHATEVER",
        ] {
            assert!(matches!(outcome(text), Outcome::Refused(_)), "{text}");
        }
        for text in [
            "LOADING Redis is loading the dataset in memory",
            "OOM command not allowed when used memory > 'maxmemory'.",
            "MISCONF Redis is configured to save RDB snapshots",
            "NOREPLICAS Not enough good replicas to write.",
            "BUSY Redis is busy running a script.",
            "MASTERDOWN Link with MASTER is down",
            "CLUSTERDOWN The cluster is down",
            "ERR max number of clients reached",
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "no upstream host",
        ] {
            assert!(matches!(outcome(text), Outcome::Passing(_)), "{text}");
        }
    }
}
