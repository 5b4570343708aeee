//! What a server's replies to the commands of a session add up to.

use super::outcome::Outcome;
use crate::diagnosis::{Cause, CauseKind};
use std::time::Duration;
use store_client::{RedisEndpoint, Reply, shown_user};

/// What the replies have shown so far.
pub(super) struct Findings<'a> {
    endpoint: &'a RedisEndpoint,
    /// Of the session's keys.
    prefix: &'a str,
    strict_mode: bool,
    through_proxy: bool,
    /// Whether the session proxy calls locks what they are called in a cluster.
    locks_of_cluster: bool,
    /// Commands that the user may not run.
    forbidden: Vec<String>,
    /// The rights that the user lacks, as Redis writes them.
    rights: Vec<String>,
    /// Commands that the server does not know.
    unknown: Vec<String>,
    /// Other errors.
    causes: Vec<Cause>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(
        endpoint: &'a RedisEndpoint,
        prefix: &'a str,
        strict_mode: bool,
        through_proxy: bool,
    ) -> Self {
        let (forbidden, rights, unknown) = (Vec::new(), Vec::new(), Vec::new());
        let (causes, locks_of_cluster) = (Vec::new(), false);
        Self {
            endpoint,
            prefix,
            strict_mode,
            through_proxy,
            locks_of_cluster,
            forbidden,
            rights,
            unknown,
            causes,
        }
    }

    /// From now on, the session proxy calls locks what they are called in a cluster.
    pub(super) fn use_locks_of_cluster(&mut self) {
        self.locks_of_cluster = true;
    }

    /// Adds an error that is not about a single command.
    pub(super) fn add(&mut self, cause: Cause) {
        self.causes.push(cause);
    }

    /// Whether there is an error that is not about a single command.
    pub(super) fn are_bad(&self) -> bool {
        !self.causes.is_empty()
    }

    /// Whether nothing is known that would keep a session from being kept.
    pub(super) fn are_good(&self) -> bool {
        let mut missing = self.forbidden.iter().chain(&self.unknown);
        // Only strict mode needs that one.
        missing.all(|command| command == "EXISTS") && self.causes.is_empty()
    }

    /// How many commands the server does not know.
    pub(super) fn unknown(&self) -> usize {
        self.unknown.len()
    }

    pub(super) fn does_not_know(&mut self, command: &str) {
        add(&mut self.unknown, command.to_owned());
    }

    /// Takes the reply to a command.
    pub(super) fn take(&mut self, command: &str, reply: &Reply) {
        let Reply::Error(error) = reply else { return };
        if error.is_unknown_command() {
            return self.does_not_know(command);
        }
        match error.code() {
            // The script is not cached, or the key belongs to another node: the command itself was allowed.
            "NOSCRIPT" => {}
            "MOVED" | "ASK" if self.endpoint.is_cluster() || self.through_proxy => {}
            // While a slot moves, the session proxy uses one key after the other.
            "TRYAGAIN" if self.through_proxy => {}
            "NOPERM" => {
                let is_about_keys = error.text().contains("permissions to access");
                add(&mut self.forbidden, command.to_owned());
                if !is_about_keys {
                    return add(&mut self.rights, format!("+{}", command.to_lowercase()));
                }
                add(&mut self.rights, format!("~{}*", self.prefix));
                if self.locks_of_cluster {
                    add(&mut self.rights, format!("~{{{}*", self.prefix));
                }
            }
            _ => self.causes.push(Cause::of_reply_to(error, self.endpoint)),
        }
    }

    /// Takes the reply to `WAIT` for so many replicas.
    pub(super) fn take_replicas(&mut self, reply: &Reply, needed: u32) {
        match reply {
            Reply::Integer(count) if *count < i64::from(needed) => {
                let what = format!(
                    "{count} of {needed} replicas acknowledge what is written (option wait_replicas)."
                );
                let advice = "Restore the replicas, or lower wait_replicas.";
                let cause = Cause::new(CauseKind::ReplicasMissing, what).with_advice(advice);
                self.causes.push(cause);
            }
            reply => self.take("WAIT", reply),
        }
    }

    /// What never will be outweighs what may pass.
    pub(super) fn outcome(mut self, round_trip: Duration, max_clients: Option<u32>) -> Outcome {
        let mut limits = Vec::new();
        let of_strict_mode = |it: &String| it == "EXISTS" || it == "+exists";
        if !self.strict_mode && self.forbidden.iter().chain(&self.unknown).any(of_strict_mode) {
            for list in [&mut self.forbidden, &mut self.rights, &mut self.unknown] {
                list.retain(|it| !of_strict_mode(it));
            }
            limits.push("the server refuses EXISTS, so with session.use_strict_mode every returning visitor would get HTTP 500: allow it, or leave strict mode off".to_owned());
        }
        self.rights.sort_by_key(|right| !right.starts_with('~'));
        let outcomes: Vec<Outcome> = self.causes.drain(..).map(Outcome::of).collect();
        let (mut passing, mut refused): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|outcome| matches!(outcome, Outcome::Passing(_)));
        refused.extend(self.unknown_command().map(Outcome::of));
        refused.extend(self.no_permission().map(Outcome::of));
        refused.append(&mut passing);
        let kept = Outcome::Kept { round_trip, max_clients, limits };
        refused.into_iter().next().unwrap_or(kept)
    }

    fn unknown_command(&self) -> Option<Cause> {
        let only = |commands: &[&str]| self.unknown.iter().all(|it| commands.contains(&&**it));
        let advice = if self.unknown.is_empty() {
            return None;
        } else if self.unknown.iter().any(|it| it == "GET") {
            return Some(Cause::seen(CauseKind::IsSentinel, "it does not know even GET"));
        } else if only(&["EVAL", "EVALSHA"]) {
            "PHP's handler needs it to release a session's lock. Allow it, or set BPL_PHP_SESSION_OPTIONS=locking=off: concurrent requests of one session then overwrite each other's changes."
        } else if only(&["SELECT"]) {
            "There is only database 0: remove database from the credentials and from BPL_PHP_SESSION_OPTIONS."
        } else if only(&["EXISTS"]) {
            "PHP needs it for every returning visitor, because session.use_strict_mode is on (as of PHP 8.6 by default). Allow it, or turn strict mode off."
        } else if only(&["ECHO"]) {
            "PHP's handler sends it on persistent connections: set BPL_PHP_SESSION_OPTIONS=persistent=off."
        } else {
            CauseKind::UnknownCommand.advice()
        };
        let what = format!("The server does not know {}.", self.unknown.join(", "));
        Some(Cause::new(CauseKind::UnknownCommand, what).with_advice(advice))
    }

    /// The missing rights, and the command that grants them.
    fn no_permission(&self) -> Option<Cause> {
        if self.forbidden.is_empty() {
            return None;
        }
        let user = shown_user(self.endpoint.user().unwrap_or("default"));
        let prefix = self.prefix;
        let commands = self.forbidden.join(", ");
        let what =
            format!("The user {user:?} may not run {commands} on keys that begin with {prefix}.");
        let advice = format!("Grant the rights: ACL SETUSER {user} {}", self.rights.join(" "));
        Some(Cause::new(CauseKind::NoPermission, what).with_advice(advice))
    }
}

fn add(list: &mut Vec<String>, word: String) {
    if !list.contains(&word) {
        list.push(word);
    }
}
