//! What a server's replies to the commands of a session add up to.

use super::Question;
use super::outcome::Outcome;
use crate::config::variables::OPTIONS;
use crate::diagnosis::{Cause, CauseKind};
use crate::launch::route::Route;
use std::time::Duration;
use store_client::{RedisEndpoint, Reply, shown_user};

/// What to do if the server does not know these commands, and no others.
const ADVICE: [(&[&str], &str); 4] = [
    (
        &["EVAL", "EVALSHA"],
        "PHP's handler needs it to release a session's lock. Allow it, or set BPL_PHP_SESSION_OPTIONS=locking=off: concurrent requests of one session then overwrite each other's changes.",
    ),
    (
        &["SELECT"],
        "There is only database 0: remove database from the credentials and from BPL_PHP_SESSION_OPTIONS.",
    ),
    (
        &["EXISTS"],
        "PHP needs it for every returning visitor, because session.use_strict_mode is on (as of PHP 8.6 by default). Allow it, or turn strict mode off.",
    ),
    (
        &["ECHO"],
        "PHP's handler sends it on persistent connections: set BPL_PHP_SESSION_OPTIONS=persistent=off.",
    ),
];

/// What the replies have shown so far.
pub(super) struct Findings<'a> {
    question: &'a Question<'a>,
    endpoint: &'a RedisEndpoint,
    /// Whether the session proxy calls locks what they are called in a cluster.
    pub(super) locks_of_cluster: bool,
    /// Commands that the user may not run.
    forbidden: Vec<String>,
    /// The rights that the user lacks, as Redis writes them.
    rights: Vec<String>,
    /// Commands that the server does not know.
    pub(super) unknown: Vec<String>,
    /// Errors that are not about a single command.
    pub(super) causes: Vec<Cause>,
    /// What may fail later.
    limits: Vec<String>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(question: &'a Question<'a>, endpoint: &'a RedisEndpoint) -> Self {
        let (forbidden, rights, unknown) = (Vec::new(), Vec::new(), Vec::new());
        let (locks_of_cluster, causes, limits) = (false, Vec::new(), Vec::new());
        Self { question, endpoint, locks_of_cluster, forbidden, rights, unknown, causes, limits }
    }

    /// Whether nothing is known that would keep a session from being kept.
    pub(super) fn are_good(&self) -> bool {
        let mut missing = self.forbidden.iter().chain(&self.unknown);
        // Only strict mode needs that one.
        missing.all(|command| command == "EXISTS") && self.causes.is_empty()
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
        let through_proxy = self.question.route == Route::Proxy;
        let prefix = &self.question.plan.prefix;
        match error.code() {
            // The script is not cached, or the key belongs to another node: the command itself was allowed.
            "NOSCRIPT" => {}
            "MOVED" | "ASK" if self.endpoint.is_cluster() || through_proxy => {}
            // While a slot moves, the session proxy uses one key after the other.
            "TRYAGAIN" if through_proxy => {}
            "NOPERM" => {
                let is_about_keys = error.text().contains("permissions to access");
                add(&mut self.forbidden, command.to_owned());
                if !is_about_keys {
                    return add(&mut self.rights, format!("+{}", command.to_lowercase()));
                }
                add(&mut self.rights, format!("~{prefix}*"));
                if self.locks_of_cluster {
                    add(&mut self.rights, format!("~{{{prefix}*"));
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

    /// Takes how long a primary has to be silent until Sentinels replace it.
    pub(super) fn take_down_after(&mut self, down_after: Duration) {
        let bound = self.question.plan.waits.failover;
        if down_after >= bound {
            self.limits.push(format!(
                "Sentinel replaces a primary only after {} s (down-after-milliseconds), and requests wait for {} s: sessions would fail meanwhile. Lower it to 5000, or set {OPTIONS}=failover_timeout={}",
                down_after.as_secs(),
                bound.as_secs(),
                down_after.as_secs() + 5
            ));
        }
    }

    /// What never will be outweighs what may pass.
    pub(super) fn outcome(mut self, round_trip: Duration, max_clients: Option<u32>) -> Outcome {
        let mut limits = std::mem::take(&mut self.limits);
        let of_strict_mode = |it: &String| it == "EXISTS" || it == "+exists";
        if !self.question.strict_mode
            && self.forbidden.iter().chain(&self.unknown).any(of_strict_mode)
        {
            for list in [&mut self.forbidden, &mut self.rights, &mut self.unknown] {
                list.retain(|it| !of_strict_mode(it));
            }
            limits.push("the server refuses EXISTS, so with session.use_strict_mode every returning visitor would get HTTP 500: allow it, or leave strict mode off".to_owned());
        }
        self.rights.sort_by_key(|right| !right.starts_with('~'));
        let causes = std::mem::take(&mut self.causes).into_iter();
        let causes = causes.chain(self.unknown_command()).chain(self.no_permission());
        let mut outcomes: Vec<Outcome> = causes.map(Outcome::of).collect();
        outcomes.sort_by_key(|outcome| matches!(outcome, Outcome::Passing(_)));
        let kept = Outcome::Kept { round_trip, max_clients, limits };
        outcomes.into_iter().next().unwrap_or(kept)
    }

    fn unknown_command(&self) -> Option<Cause> {
        if self.unknown.is_empty() {
            return None;
        }
        if self.unknown.iter().any(|it| it == "GET") {
            return Some(Cause::seen(CauseKind::IsSentinel, "it does not know even GET"));
        }
        let of_these = |(commands, _): &&(&[&str], &str)| {
            self.unknown.iter().all(|it| commands.contains(&it.as_str()))
        };
        let advice = ADVICE.iter().find(of_these);
        let advice = advice.map_or(CauseKind::UnknownCommand.advice(), |(_, advice)| advice);
        let what = format!("The server does not know {}.", self.unknown.join(", "));
        Some(Cause::new(CauseKind::UnknownCommand, what).with_advice(advice))
    }

    /// The missing rights, and the command that grants them.
    fn no_permission(&self) -> Option<Cause> {
        if self.forbidden.is_empty() {
            return None;
        }
        let user = shown_user(self.endpoint.user().unwrap_or("default"));
        let prefix = &self.question.plan.prefix;
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
