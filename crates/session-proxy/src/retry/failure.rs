//! Why the service did not run a command.

use crate::pool::NoConnection;
use std::sync::Arc;
use store_client::{Address, ErrorReply, Problem, RedisError, Reply};

/// The service did not run the command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Connection(#[from] RedisError),
    #[error("all {0} connections to the service are in use")]
    AllInUse(usize),
    #[error("no node of the cluster serves the slot of the session")]
    NobodyServes,
    #[error("the node {0} kept us waiting, and no longer serves the slot of the session")]
    Replaced(Arc<Address>),
    #[error("the service refuses: {0}")]
    Refused(ErrorReply),
    #[error("{acknowledged} of {needed} replicas acknowledged the write in time (wait_replicas)")]
    FewReplicas { acknowledged: i64, needed: u32 },
}

/// A reply that is no answer to what was asked.
impl From<Reply> for Failure {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Error(error) => Self::Refused(error),
            _ => Self::Refused(ErrorReply::new("ERR its reply is no answer to the command")),
        }
    }
}

impl NoConnection for Failure {
    fn all_in_use(count: usize) -> Self {
        Self::AllInUse(count)
    }

    fn is_refusal(&self) -> bool {
        self.problem().is_some_and(Problem::is_refusal)
    }
}

impl Failure {
    /// What is wrong with a connection.
    pub(super) fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Connection(error) => Some(&error.problem),
            _ => None,
        }
    }

    /// Whether a wait ended, perhaps only because the request's own time was up: an earlier try may say more.
    pub(super) fn is_out_of_time(&self) -> bool {
        matches!(self, Self::AllInUse(_)) || matches!(self.problem(), Some(Problem::Timeout(_)))
    }

    /// Why there was no connection before, if this failure says only that the time was up.
    pub(super) fn or_cause(self, cause: Option<Self>) -> Self {
        let says_more = |cause: &Self| self.is_out_of_time() && !matches!(cause, Self::Refused(_));
        cause.filter(says_more).unwrap_or(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store_client::Activity;

    fn failure(problem: Problem) -> Failure {
        RedisError { server: "tcp://redis:6379".to_owned(), problem }.into()
    }

    /// A wrong port: the last try, with milliseconds left, does not even resolve the name.
    #[test]
    fn the_end_of_the_time_hides_no_cause() {
        let late = || failure(Problem::Timeout(Activity::Resolving));
        let shown = |cause, last: Failure| last.or_cause(cause).to_string();
        assert!(shown(Some(failure(Problem::Refused)), late()).contains("connection refused"));
        assert!(shown(None, late()).contains("timed out resolving the name"));
        // A server that recovers is none: PHP goes on without a session.
        let demoted = Failure::Refused(ErrorReply::new("READONLY"));
        assert!(shown(Some(demoted), late()).contains("timed out"));
        let closed = failure(Problem::Closed(Activity::Answer));
        assert!(shown(Some(failure(Problem::Refused)), closed).contains("closed"));
    }
}
