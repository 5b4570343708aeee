//! Does once what a session does with the server, under an unused name.

use super::Question;
use super::outcome::Outcome;
use super::refusal::of_reply;
use crate::launch::route::Route;
use crate::php::redis_commands::{CLUSTER_PREFIX, CLUSTER_SLOTS, PREFIX, Trial, TrialCommand};
use session_proxy::ProxyTrial;
use std::time::{Duration, Instant};
use store_client::{Client, Command, Connection, Deadline, Problem, RedisEndpoint, Reply};

/// How many other keys to look up: a cluster's node holds some of the sessions itself, so a single key would often
/// miss that others are elsewhere.
const OTHER_KEYS: usize = 8;

/// What a session with these settings does.
pub(super) struct Session<'a> {
    endpoint: &'a RedisEndpoint,
    trial: Trial<'a>,
    through_proxy: bool,
    strict_mode: bool,
    database: Option<u32>,
}

impl<'a> Session<'a> {
    pub(super) fn new(question: &Question<'a>, endpoint: &'a RedisEndpoint) -> Self {
        let options = question.options;
        let through_proxy = question.route == Route::Proxy;
        let cluster = endpoint.is_cluster();
        let prefix = if cluster { CLUSTER_PREFIX } else { PREFIX };
        let trial = Trial {
            prefix: options.prefix.as_deref().unwrap_or(prefix),
            by: "probe",
            // PHP's handler for clusters does not lock.
            locking: options.locking.unwrap_or(true) && !cluster,
            // The session proxy itself replies to what PHP sends on a kept connection.
            persistent: options.persistent.unwrap_or(cluster) && !through_proxy,
            // Selected when connecting.
            database: None,
        };
        let database = options.database.or(endpoint.database);
        Self { endpoint, trial, through_proxy, strict_mode: question.strict_mode, database }
    }

    /// Reads, writes, locks and removes a session, and reports what the server says.
    pub(super) fn keep(
        &self,
        mut connection: Connection,
        deadline: Deadline,
    ) -> Result<Outcome, Problem> {
        let trial = self.trial.commands();
        let (first, others) = trial.split_first().expect("a session has commands");
        // On its own: a server with no room, or in protected mode, says so and closes.
        let (reply, one) = timed(|| connection.send(&[sent(first)], deadline))?;
        let mut verdict = Verdict::default();
        verdict.take(first.name(), &reply[0], self.endpoint);
        if self.endpoint.is_cluster() {
            // PHP's handler for clusters sends this first.
            let slots = connection.command(&[b"CLUSTER", b"SLOTS"], deadline)?;
            verdict.take(CLUSTER_SLOTS, &slots, self.endpoint);
        }
        if verdict.refused.is_some() || verdict.passing.is_some() {
            return Ok(verdict.outcome(self, one, None));
        }
        let mut commands: Vec<Command> = others.iter().map(sent).collect();
        let Trial { prefix, by, .. } = self.trial;
        let elsewhere = (0..OTHER_KEYS).map(|number| format!("{prefix}{by}-{number}"));
        commands.extend(elsewhere.map(|key| Command::new(&[b"GET", key.as_bytes()])));
        let (replies, all) = timed(|| connection.send(&commands, deadline))?;
        for (command, reply) in others.iter().zip(&replies) {
            verdict.take(command.name(), reply, self.endpoint);
        }
        let moved = |reply: &&Reply| matches!(reply, Reply::Error(it) if it.code() == "MOVED");
        if let Some(reply) = replies[others.len()..].iter().find(moved) {
            verdict.take("GET", reply, self.endpoint);
        }
        if self.through_proxy && self.trial.locking && verdict.is_good() {
            self.try_proxy(&mut connection, deadline, &mut verdict)?;
        }
        // The shorter of two measurements: something else delayed the other.
        let round_trip = one.min(all);
        Ok(verdict.outcome(self, round_trip, self.max_clients(&mut connection, deadline)))
    }

    /// From Redis 7 on. A user with a name may have the rights for sessions only, and the server would log a refusal.
    fn max_clients(&self, connection: &mut Connection, deadline: Deadline) -> Option<u32> {
        if self.endpoint.user().is_some() {
            return None;
        }
        // On its own: twemproxy closes the connection on it, but keeps sessions all the same.
        let Ok(Reply::Bulk(info)) = connection.command(&[b"INFO", b"clients"], deadline) else {
            return None;
        };
        let text = String::from_utf8_lossy(&info);
        text.lines().find_map(|line| line.strip_prefix("maxclients:"))?.trim().parse().ok()
    }

    /// Does what the session proxy does for a session.
    fn try_proxy(
        &self,
        connection: &mut Connection,
        deadline: Deadline,
        verdict: &mut Verdict<'a>,
    ) -> Result<(), Problem> {
        let trial = ProxyTrial::new(self.trial.prefix, self.trial.by);
        let told = connection.send(&trial.question(), deadline)?;
        let replies = connection.send(&trial.session(&told), deadline)?;
        for reply in &replies {
            verdict.take("EVAL", reply, self.endpoint);
        }
        Ok(())
    }

    /// After the server closed the connection, finds the commands that it closes it on, each tried on its own
    /// connection: proxies such as twemproxy do that instead of replying. `None` if it answers no command, or all
    /// of them.
    pub(super) fn find_closing_commands(
        &self,
        client: &Client,
        deadline: Deadline,
    ) -> Option<Outcome> {
        let commands = Trial { database: self.database, ..self.trial }.commands();
        let mut verdict = Verdict::default();
        for command in &commands {
            match client.connect(deadline).ok()?.send(&[sent(command)], deadline) {
                Ok(replies) => verdict.take(command.name(), &replies[0], self.endpoint),
                Err(Problem::Closed(_) | Problem::Broken { .. }) => {
                    verdict.unknown.push(command.name());
                }
                Err(_) => return None,
            }
        }
        let unknown = verdict.unknown.len();
        (0 < unknown && unknown < commands.len())
            .then(|| verdict.outcome(self, Duration::ZERO, None))
    }
}

/// A command of the trial, as it is sent.
fn sent(TrialCommand { words, .. }: &TrialCommand) -> Command {
    Command::new(&words.iter().map(String::as_bytes).collect::<Vec<_>>())
}

fn timed<T>(ask: impl FnOnce() -> Result<T, Problem>) -> Result<(T, Duration), Problem> {
    let started = Instant::now();
    Ok((ask()?, started.elapsed()))
}

/// What the replies add up to.
#[derive(Default)]
struct Verdict<'a> {
    /// Commands that the user may not run.
    forbidden: Vec<&'a str>,
    /// Commands that the server does not know.
    unknown: Vec<&'a str>,
    refused: Option<String>,
    passing: Option<String>,
}

impl<'a> Verdict<'a> {
    /// Whether nothing is known that would keep a session from being kept.
    fn is_good(&self) -> bool {
        let mut missing = self.forbidden.iter().chain(&self.unknown);
        // Only strict mode needs that one.
        missing.all(|command| *command == "EXISTS")
            && self.refused.is_none()
            && self.passing.is_none()
    }

    fn take(&mut self, command: &'a str, reply: &Reply, endpoint: &RedisEndpoint) {
        let Reply::Error(error) = reply else { return };
        if error.is_unknown_command() {
            self.unknown.push(command);
            return;
        }
        match error.code() {
            // The script is not cached, or the key belongs to another node: the command itself was allowed.
            "NOSCRIPT" => {}
            "MOVED" | "ASK" if endpoint.is_cluster() => {}
            "NOPERM" => self.forbidden.push(command),
            _ => match of_reply(error, endpoint) {
                Outcome::Refused(text) => drop(self.refused.get_or_insert(text)),
                Outcome::Passing(text) => drop(self.passing.get_or_insert(text)),
                Outcome::Tls(_) | Outcome::Kept { .. } => {}
            },
        }
    }

    fn outcome(
        mut self,
        session: &Session<'_>,
        round_trip: Duration,
        max_clients: Option<u32>,
    ) -> Outcome {
        if let Some(refused) = self.refused {
            return Outcome::Refused(refused);
        }
        let only_strict_mode = |commands: &[&str]| commands == ["EXISTS"];
        let mut limits = Vec::new();
        if !session.strict_mode
            && (only_strict_mode(&self.forbidden) || only_strict_mode(&self.unknown))
        {
            self.forbidden.clear();
            self.unknown.clear();
            limits.push("the server refuses EXISTS, so with session.use_strict_mode every returning visitor would get HTTP 500: allow it, or leave strict mode off".to_owned());
        }
        if self.unknown.contains(&"GET") {
            return Outcome::Refused("The server does not know even GET. It may be Redis Sentinel (usually on port 26379), which only tells where Redis is.\nUse host and port of Redis itself.".to_owned());
        }
        if !self.unknown.is_empty() {
            let unknown = self.unknown.join(", ");
            let only = |commands: &[&str]| self.unknown.iter().all(|it| commands.contains(it));
            let advice = if only(&["EVAL", "EVALSHA"]) {
                "PHP's handler needs it to release a session's lock. Allow it, or set BPL_PHP_SESSION_OPTIONS=locking=off: concurrent requests of one session then overwrite each other's changes."
            } else if only(&["SELECT"]) {
                "There is only database 0: remove database from the credentials and from BPL_PHP_SESSION_OPTIONS."
            } else if only(&["EXISTS"]) {
                "PHP needs it for every returning visitor, because session.use_strict_mode is on (as of PHP 8.6 by default). Allow it, or turn strict mode off."
            } else if only(&["ECHO"]) {
                "PHP's handler sends it on persistent connections: set BPL_PHP_SESSION_OPTIONS=persistent=off."
            } else {
                "Use a server that supports it."
            };
            return Outcome::Refused(format!("The server does not know {unknown}.\n{advice}"));
        }
        if !self.forbidden.is_empty() {
            return Outcome::Refused(no_permission(session, &self.forbidden));
        }
        match self.passing {
            Some(passing) => Outcome::Passing(passing),
            None => Outcome::Kept { round_trip, max_clients, limits },
        }
    }
}

fn no_permission(session: &Session<'_>, forbidden: &[&str]) -> String {
    let user = session.endpoint.user().unwrap_or("default");
    let rights: Vec<String> =
        forbidden.iter().map(|it| format!("+{}", it.to_lowercase())).collect();
    format!(
        "The user {user:?} may not run {} on keys that begin with {}.\nGrant the rights: ACL SETUSER {user} ~{}* {}",
        forbidden.join(", "),
        session.trial.prefix,
        session.trial.prefix,
        rights.join(" ")
    )
}
