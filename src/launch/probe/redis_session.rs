//! Does once what a session does with the server, under an unused name.

use super::findings::Findings;
use super::outcome::Outcome;
use super::{Question, TIMEOUT, shortest};
use crate::diagnosis::{Cause, CauseKind};
use crate::launch::route::Route;
use crate::php::redis_commands::{ASKING, CLUSTER_SLOTS, Trial, TrialCommand, unused_name};
use session_proxy::{KeySpace, node_of, session_in};
use std::time::{Duration, Instant};
use store_client::{
    Client, Command, Connection, Deadline, Problem, RedisEndpoint, RedisError, Reply,
};

/// How many other keys to look up: a cluster's node holds some of the sessions itself, so a single key would often
/// miss that others are elsewhere.
const OTHER_KEYS: usize = 8;

/// In milliseconds: how long replicas may take to acknowledge what the session wrote.
const REPLICAS_PATIENCE: &[u8] = b"500";

/// What a session with these settings does.
pub(super) struct SessionTrial<'a> {
    endpoint: &'a RedisEndpoint,
    client: &'a Client,
    deadline: Deadline,
    trial: Trial<'a>,
    through_proxy: bool,
    wait_replicas: u32,
    findings: Findings<'a>,
}

impl<'a> SessionTrial<'a> {
    pub(super) fn new(
        question: &'a Question<'a>,
        endpoint: &'a RedisEndpoint,
        client: &'a Client,
    ) -> Self {
        let plan = question.plan;
        let through_proxy = question.route == Route::Proxy;
        let trial = Trial {
            prefix: &plan.prefix,
            by: "probe",
            locking: plan.locks(through_proxy),
            // The session proxy itself replies to what PHP sends on a kept connection.
            persistent: plan.persistence.to_server && !through_proxy,
            // Selected when connecting.
            database: None,
        };
        let (deadline, findings) = (Deadline::after(TIMEOUT), Findings::new(question, endpoint));
        let wait_replicas = plan.wait_replicas;
        Self { endpoint, client, deadline, trial, through_proxy, wait_replicas, findings }
    }

    /// Reads, writes, locks and removes a session, and reports what the server says.
    pub(super) fn keep(mut self) -> Result<Outcome, Problem> {
        let deadline = self.deadline;
        let mut connection = self.client.connect(deadline).map_err(|error| error.problem)?;
        let trial = self.trial.commands();
        let (first, others) = trial.split_first().expect("a session has commands");
        // On its own: a server with no room, or in protected mode, says so and closes.
        let (reply, one) = timed(|| connection.send(&[sent(first)], deadline))?;
        self.findings.take(&first.words[0], &reply[0]);
        if self.endpoint.is_cluster() && !self.through_proxy {
            // PHP's handler for clusters sends this first.
            let slots = connection.command(&[b"CLUSTER", b"SLOTS"], deadline)?;
            self.findings.take(CLUSTER_SLOTS, &slots);
        }
        if !self.findings.causes.is_empty() {
            return Ok(self.findings.outcome(one, None));
        }
        let mut commands: Vec<Command> = others.iter().map(sent).collect();
        let Trial { prefix, by, locking, .. } = self.trial;
        let elsewhere = (0..OTHER_KEYS).map(|number| format!("{prefix}{by}-{number}"));
        commands.extend(elsewhere.map(|key| Command::new(&[b"GET", key.as_bytes()])));
        let (replies, all) = timed(|| connection.send(&commands, deadline))?;
        for (command, reply) in others.iter().zip(&replies) {
            self.findings.take(&command.words[0], reply);
        }
        let moved = |reply: &&Reply| matches!(reply, Reply::Error(it) if it.code() == "MOVED");
        if let Some(reply) = replies[others.len()..].iter().find(moved) {
            self.findings.take("GET", reply);
        }
        if self.through_proxy && locking && self.findings.are_good() {
            self.try_proxy(&mut connection)?;
        }
        if self.through_proxy && self.wait_replicas > 0 && self.findings.are_good() {
            let count = self.wait_replicas.to_string();
            let wait: [&[u8]; 3] = [b"WAIT", count.as_bytes(), REPLICAS_PATIENCE];
            let reply = connection.command(&wait, deadline)?;
            self.findings.take_replicas(&reply, self.wait_replicas);
        }
        let mut round_trip = one.min(all);
        // To the session proxy the distance no longer matters.
        if !self.through_proxy {
            round_trip = shortest(round_trip, || {
                timed(|| connection.send(&[sent(first)], deadline)).map(|(_, again)| again)
            })?;
        }
        if let Some(down_after) = self.client.down_after() {
            self.findings.take_down_after(down_after);
        }
        let max_clients = self.max_clients(&mut connection);
        Ok(self.findings.outcome(round_trip, max_clients))
    }

    /// From Redis 7 on. A user with a name may have the rights for sessions only, and the server would log a refusal.
    fn max_clients(&self, connection: &mut Connection) -> Option<u32> {
        if self.endpoint.user().is_some() {
            return None;
        }
        // On its own: twemproxy closes the connection on it, but keeps sessions all the same.
        let Reply::Bulk(info) = connection.command(&[b"INFO", b"clients"], self.deadline).ok()?
        else {
            return None;
        };
        let text = String::from_utf8_lossy(&info);
        text.lines().find_map(|line| line.strip_prefix("maxclients:"))?.trim().parse().ok()
    }

    /// Does what the session proxy does for a session.
    fn try_proxy(&mut self, connection: &mut Connection) -> Result<(), Problem> {
        let (prefix, id) = (self.trial.prefix, unused_name(self.trial.by));
        let key = format!("{prefix}{id}").into_bytes();
        let space = if self.endpoint.is_cluster() {
            KeySpace::Slots
        } else {
            let told = connection.send(&KeySpace::question(prefix, &id), self.deadline)?;
            KeySpace::told_by(&told).unwrap_or(KeySpace::Whole)
        };
        if space == KeySpace::Slots {
            return self.try_cluster(&key, connection);
        }
        for reply in connection.send(&session_in(space, &key), self.deadline)? {
            self.findings.take("EVAL", &reply);
        }
        Ok(())
    }

    /// The same in a cluster: with the node that has the session, at the address that the cluster announces.
    fn try_cluster(&mut self, key: &[u8], connection: &mut Connection) -> Result<(), Problem> {
        let Self { endpoint, client, deadline, findings, .. } = self;
        findings.locks_of_cluster = true;
        let slots = connection.command(&[b"CLUSTER", b"SLOTS"], *deadline)?;
        findings.take(CLUSTER_SLOTS, &slots);
        if matches!(slots, Reply::Error(_)) {
            return Ok(());
        }
        let node = endpoint.first_address().and_then(|asked| node_of(key, &slots, asked));
        let Some(node) = node else {
            findings.causes.push(Cause::of(CauseKind::ClusterDown));
            return Ok(());
        };
        let mut connection = match client.connect_at(&node, *deadline) {
            Ok(connection) => connection,
            Err(RedisError { problem, .. }) => {
                let cause = Cause::of_problem(&problem, endpoint);
                let what = format!("The cluster announces a node at {node}. {}", cause.what);
                findings.causes.push(Cause { what, ..cause });
                return Ok(());
            }
        };
        for reply in connection.send(&session_in(KeySpace::Slots, key), *deadline)? {
            findings.take("EVAL", &reply);
        }
        findings.take(ASKING, &connection.command(&[ASKING.as_bytes()], *deadline)?);
        Ok(())
    }

    /// After the server closed the connection, finds the commands that it closes it on, each tried on its own
    /// connection: proxies such as twemproxy do that instead of replying. `None` if it answers no command, or all
    /// of them.
    pub(super) fn find_closing_commands(mut self) -> Option<Outcome> {
        let commands = Trial { database: self.endpoint.database, ..self.trial }.commands();
        for command in &commands {
            let mut connection = self.client.connect(self.deadline).ok()?;
            match connection.send(&[sent(command)], self.deadline) {
                Ok(replies) => self.findings.take(&command.words[0], &replies[0]),
                Err(Problem::Closed(_) | Problem::Broken { .. }) => {
                    self.findings.does_not_know(&command.words[0]);
                }
                Err(_) => return None,
            }
        }
        let unknown = self.findings.unknown.len();
        (0 < unknown && unknown < commands.len())
            .then(|| self.findings.outcome(Duration::ZERO, None))
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
