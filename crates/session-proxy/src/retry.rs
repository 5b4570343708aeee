//! Sends commands to the service, to the server that has their key, and returns their replies. Broken connections and servers
//! that are not ready cause a bounded wait rather than an error. Every command sent this way may be sent twice.

mod attempt;

use super::keyed::Keyed;
use super::log::log;
use super::pool::{NoConnection, Pool};
use super::stats::Stats;
use super::upstream::{Server, Upstream};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};
use store_client::{Command, Deadline, ErrorReply, Problem, Reply};

/// How long a request waits for a service that does not reply, restarts, or fails over.
const BOUND: Duration = Duration::from_secs(5);
/// How long it waits, once, if the service has failed for longer than that, so that an outage does not block all
/// of PHP's workers.
const BOUND_OF_OUTAGE: Duration = Duration::from_secs(2);
/// The pauses between tries.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// How often in a row a cluster's nodes may send a request on.
const MOST_REDIRECTS: usize = 5;
/// Shorter problems are not worth a line in the log.
const WORTH_MENTIONING: Duration = Duration::from_millis(100);

/// Errors of a server that may recover: it loads its data, was demoted, or has no connection left.
const PASSING: [&str; 7] = [
    "READONLY",
    "LOADING",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "BUSY ",
    "max number of clients",
];

/// Sends commands to the service.
pub(super) struct RetryingClient {
    pub(super) pool: Pool,
    read_timeout: Duration,
    stats: Arc<Stats>,
    /// Since when which server has not replied.
    troubles: Mutex<HashMap<Server, Instant>>,
}

/// The service did not run the command.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    NoConnection(#[from] NoConnection),
    #[error("the service refuses: {0}")]
    Refused(ErrorReply),
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
        let of_connection =
            |cause: &Self| self.is_out_of_time() && matches!(cause, Self::NoConnection(_));
        cause.filter(of_connection).unwrap_or(self)
    }

    /// Whether a new connection was refused, which says nothing about the open ones.
    fn is_refusal(&self) -> bool {
        self.problem().is_some_and(Problem::is_refusal)
    }
}

impl RetryingClient {
    pub(super) fn new(pool: Pool, read_timeout: Duration, stats: Arc<Stats>) -> Self {
        Self { pool, read_timeout, stats, troubles: Mutex::default() }
    }

    /// Sends a command until there is a reply or the time is up. The reply may be a permanent error.
    pub(super) fn call(&self, command: &Keyed<'_>) -> Result<Reply, Failure> {
        self.call_once(command, &[])
    }

    /// The same, but errors with these codes are replies, too: the caller knows better than to try again.
    pub(super) fn call_once(
        &self,
        Keyed { key, command }: &Keyed<'_>,
        replies: &[&str],
    ) -> Result<Reply, Failure> {
        let reply = self.send(key, std::slice::from_ref(command), replies)?.pop();
        match &reply {
            Some(Reply::Error(error)) if !replies.contains(&error.code()) => {
                log(format_args!("the service refuses: {error}"));
            }
            _ => {}
        }
        Ok(reply.unwrap_or(Reply::Nil))
    }

    /// Sends commands together to the server of this key, until each has a reply or the time is up. The replies may be
    /// permanent errors, or have one of these codes.
    pub(super) fn send(
        &self,
        key: &[u8],
        commands: &[Command],
        codes: &[&str],
    ) -> Result<Vec<Reply>, Failure> {
        let begun = Instant::now();
        let outage = self.trouble_lasts(key) >= BOUND;
        let deadline = Deadline::after(if outage { BOUND_OF_OUTAGE } else { BOUND });
        let mut pause = SHORTEST_PAUSE;
        let (mut cause, mut redirect, mut redirects) = (None, None, 0);
        let mut failed = Vec::new();
        loop {
            let started = Instant::now();
            let used = self.pool.credentials().current();
            let (server, outcome) = self.attempt(&used, key, commands, redirect.as_ref(), deadline);
            let failure = match outcome {
                Ok(replies) => {
                    let Some(error) = replies.iter().find_map(|it| not_ready(it, codes)) else {
                        self.stats.round_trips.observe(started.elapsed());
                        self.recovered(&server, &failed);
                        return Ok(replies);
                    };
                    redirect = used.redirect(error, &server);
                    redirects += 1;
                    if redirect.is_some() && redirects % MOST_REDIRECTS > 0 {
                        continue;
                    }
                    Failure::Refused(error.clone())
                }
                Err(failure) => failure,
            };
            redirect = None;
            self.stats.retries.inc();
            log(format_args!("{failure}"));
            let may_pass = self.may_pass(&failure, &used);
            if failure.is_refusal() && self.pool.has_connections(&server) && !deadline.is_over() {
                // The open ones are no worse for it, and the next try waits for one of them.
                continue;
            }
            self.give_up(&used, &server, begun);
            if outage || deadline.is_over() || !may_pass {
                self.stats.failures.inc();
                return Err(failure.or_cause(cause));
            }
            if !failure.is_out_of_time() {
                cause = Some(failure);
            }
            failed.push(server);
            sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A server that has failed is left alone, and perhaps no longer the right one.
    fn give_up(&self, upstream: &Upstream, server: &Server, since: Instant) {
        self.pool.close_idle(server);
        if let Server::Node(address) = server {
            upstream.cluster.doubt(address.clone());
        }
        self.troubles().entry(server.clone()).or_insert(since);
    }

    /// Whether trying again may help. After a refused login, only other credentials do.
    fn may_pass(&self, failure: &Failure, used: &Arc<Upstream>) -> bool {
        match (failure, failure.problem()) {
            (_, Some(problem)) if problem.reply().is_some_and(is_passing) => true,
            (_, Some(problem)) if problem.is_refusal() => {
                !Arc::ptr_eq(used, &self.pool.credentials().read_again())
            }
            (Failure::Refused(error), _) => is_redirect(error) || is_passing(error),
            _ => true,
        }
    }

    /// A server has replied to a request with which these had failed.
    fn recovered(&self, server: &Server, failed: &[Server]) {
        let mut troubles = self.troubles();
        let since = failed.iter().chain([server]).filter_map(|it| troubles.remove(it)).min();
        if since.is_some_and(|since| since.elapsed() > WORTH_MENTIONING) {
            let name = self.pool.credentials().current();
            log(format_args!("the service is responding again: {name}"));
        }
    }

    fn trouble_lasts(&self, key: &[u8]) -> Duration {
        let troubles = self.troubles();
        if troubles.is_empty() {
            return Duration::ZERO;
        }
        let server = self.pool.credentials().current().server_of(key).unwrap_or(Server::Bound);
        troubles.get(&server).map_or(Duration::ZERO, Instant::elapsed)
    }

    fn troubles(&self) -> MutexGuard<'_, HashMap<Server, Instant>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a server has not run a command, but may later, or another one now.
fn not_ready<'a>(reply: &'a Reply, codes: &[&str]) -> Option<&'a ErrorReply> {
    let Reply::Error(error) = reply else { return None };
    let is_expected = codes.contains(&error.code());
    ((is_redirect(error) || is_passing(error)) && !is_expected).then_some(error)
}

/// Whether another node has the key. While nodes do not agree yet, they may send a request back and forth.
fn is_redirect(error: &ErrorReply) -> bool {
    matches!(error.code(), "MOVED" | "ASK")
}

/// A script's error contains its command's error somewhere in the text.
fn is_passing(error: &ErrorReply) -> bool {
    PASSING.iter().any(|text| error.text().contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use store_client::{Activity, RedisError};

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
