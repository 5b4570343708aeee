//! Sends commands to the service and returns their replies. Broken connections and servers that are not ready cause
//! a bounded wait rather than an error. Every command sent this way may be sent twice.

use super::log::log;
use super::pool::{NoConnection, Pool};
use super::stats::Stats;
use super::upstream::Upstream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};
use store_client::{Command, Deadline, ErrorReply, Problem, RedisError, Reply};

/// How long a request waits, once, if the service has failed for longer than the bound, so that an outage does not block
/// all of PHP's workers.
const BOUND_OF_OUTAGE: Duration = Duration::from_secs(2);
/// The pauses between tries.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// Shorter problems are not worth a line in the log.
const WORTH_MENTIONING: Duration = Duration::from_millis(100);

/// Errors of a server that may recover: it loads its data, was demoted, or has no connection left.
const PASSING: [&str; 8] = [
    "READONLY",
    "LOADING",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "BUSY ",
    "max number of clients",
    // Google's limit on new connections with a token.
    "IAM_EXHAUSTED",
];

/// How long replicas may take to acknowledge a write until it is sent again: less than any reply may take.
const REPLICAS_PATIENCE: Duration = Duration::from_secs(1);

/// What a request waits for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waits {
    /// For a reply.
    pub(super) read_timeout: Duration,
    /// For a service that does not reply, restarts, or fails over.
    pub(super) bound: Duration,
    /// How many replicas have to acknowledge a write.
    pub(super) replicas: u32,
}

/// Sends commands to the service.
pub(super) struct RetryingClient {
    pub(super) pool: Pool,
    waits: Waits,
    stats: Arc<Stats>,
    /// Since when it has not replied.
    trouble: Mutex<Option<Instant>>,
}

/// The service did not run the command.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    NoConnection(#[from] NoConnection),
    #[error("the service refuses: {0}")]
    Refused(ErrorReply),
    #[error("{acknowledged} of {needed} replicas acknowledged the write in time (wait_replicas)")]
    FewReplicas { acknowledged: i64, needed: u32 },
}

impl Failure {
    /// What is wrong with a connection.
    fn problem(&self) -> Option<&Problem> {
        match self {
            Self::NoConnection(NoConnection::Failed(error)) => Some(&error.problem),
            _ => None,
        }
    }

    /// Whether a wait ended, perhaps only because the request's own time was up: an earlier try may say more.
    fn is_out_of_time(&self) -> bool {
        matches!(self.problem(), Some(Problem::Timeout(_)))
            || matches!(self, Self::NoConnection(NoConnection::AllInUse(_)))
    }

    /// Why there was no connection before, if this failure says only that the time was up.
    fn or_cause(self, cause: Option<Self>) -> Self {
        let says_more = |cause: &Self| {
            let is_few = matches!(cause, Self::FewReplicas { .. });
            self.is_out_of_time() && (is_few || cause.problem().is_some())
        };
        cause.filter(says_more).unwrap_or(self)
    }

    /// Whether a new connection was refused, which says nothing about the open ones.
    fn is_refusal(&self) -> bool {
        self.problem().is_some_and(Problem::is_refusal)
    }
}

impl RetryingClient {
    pub(super) fn new(pool: Pool, waits: Waits, stats: Arc<Stats>) -> Self {
        Self { pool, waits, stats, trouble: Mutex::default() }
    }

    /// Sends a command until there is a reply or the time is up. The reply may be a permanent error.
    pub(super) fn call(&self, command: &Command) -> Result<Reply, Failure> {
        let reply = self.send(std::slice::from_ref(command))?.pop().unwrap_or(Reply::Nil);
        if let Reply::Error(error) = &reply {
            log(format_args!("the service refuses: {error}"));
        }
        Ok(reply)
    }

    /// As [`call`](Self::call), for a command that writes: the reply counts as soon as so many replicas have the write as
    /// there have to be.
    pub(super) fn call_for_good(&self, command: Command) -> Result<Reply, Failure> {
        let needed = self.waits.replicas;
        if needed == 0 {
            return self.call(&command);
        }
        let (count, wait) = (needed.to_string(), REPLICAS_PATIENCE.as_millis().to_string());
        let wait = Command::new(&[b"WAIT", count.as_bytes(), wait.as_bytes()]);
        let few = |replies: &[Reply]| match replies {
            [Reply::Integer(1) | Reply::Status(_), Reply::Integer(acknowledged)]
                if *acknowledged < i64::from(needed) =>
            {
                Some(Failure::FewReplicas { acknowledged: *acknowledged, needed })
            }
            _ => None,
        };
        let replies = self.send_until(&[command, wait], few)?;
        let errors = replies.iter().filter(|reply| matches!(reply, Reply::Error(_)));
        let first = errors.chain(&replies).next().cloned().unwrap_or(Reply::Nil);
        if let Reply::Error(error) = &first {
            log(format_args!("the service refuses: {error}"));
        }
        Ok(first)
    }

    /// Sends commands together, until each has a reply or the time is up. The replies may be permanent errors.
    pub(super) fn send(&self, commands: &[Command]) -> Result<Vec<Reply>, Failure> {
        self.send_until(commands, |_| None)
    }

    /// The same, until `lacks` has nothing to say against the replies.
    fn send_until(
        &self,
        commands: &[Command],
        lacks: impl Fn(&[Reply]) -> Option<Failure>,
    ) -> Result<Vec<Reply>, Failure> {
        let outage = self.trouble_lasts() >= self.waits.bound;
        let bound = self.waits.bound;
        let deadline = Deadline::after(if outage { BOUND_OF_OUTAGE.min(bound) } else { bound });
        let mut pause = SHORTEST_PAUSE;
        let begun = Instant::now();
        let mut cause = None;
        loop {
            let started = Instant::now();
            let used = self.pool.credentials().current();
            let failure = match self.attempt(commands, deadline) {
                Ok(replies) => {
                    let error = replies.iter().find_map(passing_error);
                    let failure = error.map(|error| Failure::Refused(error.clone()));
                    let Some(failure) = failure.or_else(|| lacks(&replies)) else {
                        self.stats.round_trips.observe(started.elapsed());
                        self.recovered();
                        return Ok(replies);
                    };
                    failure
                }
                Err(failure) => failure.into(),
            };
            self.stats.retries.inc();
            log(format_args!("{failure}"));
            let may_pass = self.may_pass(&failure, &used);
            if failure.is_refusal() && self.pool.has_connections() && !deadline.is_over() {
                // The open ones are no worse for it, and the next try waits for one of them.
                continue;
            }
            self.pool.close_idle();
            self.trouble().get_or_insert(begun);
            if outage || deadline.is_over() || !may_pass {
                self.stats.failures.inc();
                return Err(failure.or_cause(cause));
            }
            if !failure.is_out_of_time() {
                cause = Some(failure);
            }
            sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn attempt(
        &self,
        commands: &[Command],
        deadline: Deadline,
    ) -> Result<Vec<Reply>, NoConnection> {
        let mut lease = self.pool.borrow(deadline)?;
        let deadline = deadline.or_after(self.waits.read_timeout);
        match lease.connection().send(commands, deadline) {
            Ok(replies) => {
                lease.give_back();
                Ok(replies)
            }
            Err(problem) => {
                self.stats.reconnections.inc();
                let server = self.pool.credentials().current().to_string();
                Err(RedisError { server, problem }.into())
            }
        }
    }

    /// Whether trying again may help. After a refused login, only other credentials do.
    fn may_pass(&self, failure: &Failure, used: &Arc<Upstream>) -> bool {
        match failure.problem() {
            Some(problem) if problem.reply().is_some_and(is_passing) => true,
            Some(Problem::NoToken(no_token)) => no_token.passes,
            Some(problem) if problem.is_refusal() => {
                !Arc::ptr_eq(used, &self.pool.credentials().read_again())
            }
            _ => true,
        }
    }

    fn recovered(&self) {
        let trouble = self.trouble().take();
        if trouble.is_some_and(|since| since.elapsed() > WORTH_MENTIONING) {
            let name = self.pool.credentials().current();
            log(format_args!("the service is responding again: {name}"));
        }
    }

    fn trouble_lasts(&self) -> Duration {
        self.trouble().map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn trouble(&self) -> MutexGuard<'_, Option<Instant>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn passing_error(reply: &Reply) -> Option<&ErrorReply> {
    match reply {
        Reply::Error(error) if is_passing(error) => Some(error),
        _ => None,
    }
}

/// A script's error contains its command's error somewhere in the text.
fn is_passing(error: &ErrorReply) -> bool {
    PASSING.iter().any(|text| error.text().contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use store_client::Activity;

    fn failure(problem: Problem) -> Failure {
        NoConnection::from(RedisError { server: "tcp://redis:6379".to_owned(), problem }).into()
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
