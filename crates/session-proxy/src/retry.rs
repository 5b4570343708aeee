//! Sends commands to the service, to the server that has their key, and returns their replies. Broken connections and servers
//! that are not ready cause a bounded wait rather than an error. Every command sent this way may be sent twice.

mod attempt;
mod failure;

use super::credentials::{LiveCredentials, Read};
use super::log::log;
use super::pool::{NoConnection, Server};
use super::scripts::Keyed;
use super::settings::Waits;
use super::shared::Shared;
use super::troubles::Troubles;
use super::upstream::{Access, Upstream};
use attempt::Attempt;
pub(super) use failure::Failure;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};
use store_client::{Command, Deadline, ErrorReply, Problem, Reply};

/// How long a request waits, once, if the service has failed for longer than the bound, so that an outage does not block
/// all of PHP's workers.
const BOUND_OF_OUTAGE: Duration = Duration::from_secs(2);
/// The pauses between tries.
pub(super) const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// How often in a row a cluster's nodes may send a request on.
const MOST_REDIRECTS: usize = 5;
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

/// The pauses where a limit on logins is exceeded, which each try makes worse.
const PAUSES_OF_LIMIT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(2));

/// How long replicas may take to acknowledge a write until it is sent again: less than any reply may take.
const REPLICAS_PATIENCE: Duration = Duration::from_secs(1);

pub(super) type Result<T, E = Failure> = std::result::Result<T, E>;

pub(super) struct RetryingClient {
    pub(super) credentials: LiveCredentials<Access, Upstream>,
    shared: Arc<Shared>,
    troubles: Troubles,
}

impl RetryingClient {
    /// Reads the service's address and login.
    pub(super) fn new(shared: Arc<Shared>, read: Read<Access>) -> anyhow::Result<Self> {
        let open = {
            let shared = shared.clone();
            move |access: &Access| Upstream::new(access, &shared)
        };
        let credentials = LiveCredentials::new(keeping_login(read), Box::new(open))?;
        Ok(Self { credentials, shared, troubles: Troubles::default() })
    }

    /// Sends a command until there is a reply or the time is up. The reply may be a permanent error. That to a command that
    /// writes counts as soon as so many replicas have the write as there have to be.
    pub(super) fn call(&self, command: Keyed<'_>) -> Result<Reply> {
        self.call_expecting(command, &[])
    }

    /// The same, but errors with these codes are replies, too: the caller knows better than to try again.
    pub(super) fn call_expecting(&self, keyed: Keyed<'_>, codes: &[&str]) -> Result<Reply> {
        let mut commands = vec![keyed.command];
        let replicas = if keyed.writes { self.shared.settings.wait_replicas } else { 0 };
        if replicas > 0 {
            let (count, wait) = (replicas.to_string(), REPLICAS_PATIENCE.as_millis().to_string());
            commands.push(Command::new(&[b"WAIT", count.as_bytes(), wait.as_bytes()]));
        }
        Ok(first_of(&self.send(keyed.key, &commands, codes)?, codes))
    }

    /// Sends commands together to the server of this key, until each has a reply or the time is up. The replies may be
    /// permanent errors, or have one of these codes.
    pub(super) fn send(
        &self,
        key: &[u8],
        commands: &[Command],
        codes: &[&str],
    ) -> Result<Vec<Reply>> {
        let begun = Instant::now();
        let (deadline, outage) = self.patience(key);
        let mut pause = SHORTEST_PAUSE;
        let (mut cause, mut redirect, mut redirects) = (None, None, 0);
        let mut failed = Vec::new();
        loop {
            let started = Instant::now();
            let used = self.credentials.current();
            let attempt = Attempt { shared: &self.shared, upstream: &used, key, deadline };
            let (server, failure) = match attempt.send(commands, redirect.as_ref()) {
                Ok((server, replies)) => {
                    let error = replies.iter().find_map(|it| not_ready(it, codes));
                    redirect = error.and_then(|error| used.redirect(error, &server));
                    redirects += usize::from(redirect.is_some());
                    // After so many, nodes do not agree yet: that counts as a failure, and takes a pause.
                    if redirect.is_some() && redirects % MOST_REDIRECTS > 0 {
                        continue;
                    }
                    let failure = error.map(|error| Failure::Refused(error.clone()));
                    let replicas = self.shared.settings.wait_replicas;
                    let Some(failure) = failure.or_else(|| lacks(&replies, replicas)) else {
                        self.shared.stats.round_trips.observe(started.elapsed());
                        self.recovered(&server, &failed);
                        return Ok(replies);
                    };
                    (server, failure)
                }
                Err(failed) => failed,
            };
            redirect = None;
            self.shared.stats.retries.inc();
            log(format_args!("{failure}"));
            let may_pass = self.may_pass(&failure, &used);
            if failure.is_refusal() && used.pool.has_connections(&server) && !deadline.is_over() {
                // The open ones are no worse for it, and the next try waits for one of them.
                continue;
            }
            self.give_up(&used, &server, &failure, begun);
            if outage || deadline.is_over() || !may_pass {
                self.shared.stats.failures.inc();
                return Err(failure.or_cause(cause));
            }
            let (shortest, longest) = pauses_after(&failure);
            if !failure.is_out_of_time() {
                cause = Some(failure);
            }
            failed.push(server);
            pause = pause.clamp(shortest, longest);
            sleep(pause.min(deadline.remaining().unwrap_or_default()));
            pause *= 2;
        }
    }

    /// Until when a request for this key waits, and whether its server has been away for so long that one try is enough.
    fn patience(&self, key: &[u8]) -> (Deadline, bool) {
        let bound = self.waits().failover;
        let usual = || self.credentials.current().server_of(key).unwrap_or(Server::Bound);
        let outage = self.troubles.last(usual).is_some_and(|long| long >= bound);
        (Deadline::after(if outage { BOUND_OF_OUTAGE.min(bound) } else { bound }), outage)
    }

    /// How long a request waits at this service.
    pub(super) fn waits(&self) -> Waits {
        let settings = &self.shared.settings;
        let is_cluster = self.credentials.current().is_cluster();
        if is_cluster { settings.waits_in_cluster } else { settings.waits }
    }

    /// A server that has failed is left alone, and perhaps no longer the right one.
    fn give_up(&self, upstream: &Upstream, server: &Server, failure: &Failure, since: Instant) {
        match server {
            Server::Node(address) => upstream.cluster.doubt(address),
            // A node that hears of a replaced primary before it hears of the new one names nobody for a moment.
            Server::Bound => upstream.cluster.doubt_by(None),
        }
        // A node that replies says itself when it is no longer the right one.
        let is_node_that_replies =
            matches!((server, failure), (Server::Node(_), Failure::Refused(_)));
        if !is_node_that_replies {
            upstream.pool.close_idle(server);
        }
        self.troubles.begin(server, since);
    }

    /// Whether trying again may help. After a refused login, only other credentials do.
    fn may_pass(&self, failure: &Failure, used: &Arc<Upstream>) -> bool {
        match (failure, failure.problem()) {
            (_, Some(problem)) if problem.reply().is_some_and(is_passing) => true,
            (_, Some(Problem::NoToken(no_token))) => no_token.passes,
            (_, Some(problem)) if problem.is_refusal() => {
                !Arc::ptr_eq(used, &self.credentials.read_again())
            }
            (Failure::Refused(error), _) => is_redirect(error) || is_passing(error),
            _ => true,
        }
    }

    /// A server has replied to a request with which these had failed.
    fn recovered(&self, server: &Server, failed: &[Server]) {
        if self.troubles.end(failed.iter().chain([server])) {
            let service = self.credentials.current();
            let primary = service.client.primary().map(|it| format!("; primary now {it}"));
            let primary = primary.unwrap_or_default();
            log(format_args!("the service is responding again: {service}{primary}"));
        }
    }
}

/// Something else may change, and the login stay the same, with the token that it has.
fn keeping_login(read: Read<Access>) -> Read<Access> {
    let last = Mutex::new(None);
    Box::new(move || {
        let mut access = read()?;
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last == access.endpoint.auth {
            access.endpoint.auth.clone_from(&last);
        } else {
            last.clone_from(&access.endpoint.auth);
        }
        Ok(access)
    })
}

/// The shortest and the longest pause after this.
fn pauses_after(failure: &Failure) -> (Duration, Duration) {
    let reply = failure.problem().and_then(Problem::reply);
    if reply.is_some_and(ErrorReply::is_limit_of_logins) {
        PAUSES_OF_LIMIT
    } else {
        (SHORTEST_PAUSE, LONGEST_PAUSE)
    }
}

/// The reply to the first command, or what another one was refused for.
fn first_of(replies: &[Reply], codes: &[&str]) -> Reply {
    let errors = replies.iter().filter(|reply| matches!(reply, Reply::Error(_)));
    let first = errors.chain(replies).next().cloned().unwrap_or(Reply::Nil);
    match &first {
        Reply::Error(error) if !codes.contains(&error.code()) => {
            log(format_args!("the service refuses: {error}"));
        }
        _ => {}
    }
    first
}

/// A write that too few replicas have acknowledged (`WAIT`).
fn lacks(replies: &[Reply], needed: u32) -> Option<Failure> {
    match replies {
        [Reply::Integer(1) | Reply::Status(_), Reply::Integer(acknowledged)]
            if *acknowledged < i64::from(needed) =>
        {
            Some(Failure::FewReplicas { acknowledged: *acknowledged, needed })
        }
        _ => None,
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
    error.is_limit_of_logins() || PASSING.iter().any(|text| error.text().contains(text))
}
