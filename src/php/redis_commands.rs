//! The Redis commands that phpredis sends for a session. The launch's probe, `session-check`, the advice and the
//! docs take them from here; a test compares them with what `MONITOR` shows for 5.3.7 and 6.2.0.

use serde::Serialize;
use store_client::random;

/// When a command is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// For every session: to read, write, touch and remove it.
    Always,
    /// With `session.use_strict_mode`.
    StrictMode,
    /// With locking. `EVAL` runs `GET` and `DEL`.
    Locking,
    /// With a database.
    Database,
    /// On a persistent connection.
    Persistent,
    /// In a cluster, to find its nodes, and while a slot moves.
    Cluster,
}

/// Every Redis command that a session needs. No part of this buildpack sends a user with a name any other, so that a user
/// with exactly these rights leaves nothing in the server's ACL LOG.
pub const COMMANDS: [(&str, When); 12] = [
    ("GET", When::Always),
    ("SETEX", When::Always),
    ("EXPIRE", When::Always),
    ("DEL", When::Always),
    ("EXISTS", When::StrictMode),
    ("SET", When::Locking),
    ("EVALSHA", When::Locking),
    ("EVAL", When::Locking),
    ("SELECT", When::Database),
    ("ECHO", When::Persistent),
    (CLUSTER_SLOTS, When::Cluster),
    (ASKING, When::Cluster),
];

/// As the rights name it.
pub(crate) const CLUSTER_SLOTS: &str = "CLUSTER|SLOTS";
pub(crate) const ASKING: &str = "ASKING";

/// phpredis's script to release a lock: only its owner may.
pub(crate) const UNLOCK: &str = "if redis.call(\"get\",KEYS[1]) == ARGV[1] then return redis.call(\"del\",KEYS[1]) else return 0 end";

/// In seconds: how long an aborted trial leaves its key behind.
const LIFETIME: u32 = 10;

/// A trial session, from its first command to its last, under an unused name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial<'a> {
    pub(crate) prefix: &'a str,
    /// Which program tries it, as part of the key.
    pub(crate) by: &'a str,
    pub(crate) locking: bool,
    pub(crate) persistent: bool,
    /// The database to select, if connecting has not done so.
    pub(crate) database: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TrialCommand {
    /// When a session sends it. Only PHP knows whether strict mode is on.
    pub(crate) when: When,
    /// Its name and its arguments.
    pub(crate) words: Vec<String>,
}

impl Trial<'_> {
    /// The commands in order; they leave nothing behind.
    pub(crate) fn commands(self) -> Vec<TrialCommand> {
        let by = self.by;
        let key = format!("{}{}", self.prefix, unused_name(by));
        let lock = format!("{key}_LOCK");
        let (seconds, milliseconds) = (LIFETIME.to_string(), (LIFETIME * 1000).to_string());
        let database = self.database.unwrap_or_default().to_string();
        // The hash of no script: this tests the permission, whatever scripts the server has cached.
        let sum = "0".repeat(40);
        let is_sent = |when: When| match when {
            When::Always | When::StrictMode => true,
            When::Database => self.database.is_some(),
            When::Locking => self.locking,
            When::Persistent => self.persistent,
            // Those who connect to a cluster send it first.
            When::Cluster => false,
        };
        let commands: [(When, &[&str]); 10] = [
            (When::Database, &["SELECT", &database]),
            (When::StrictMode, &["EXISTS", &key]),
            (When::Locking, &["SET", &lock, by, "NX", "PX", &milliseconds]),
            (When::Always, &["GET", &key]),
            (When::Always, &["SETEX", &key, &seconds, by]),
            (When::Always, &["EXPIRE", &key, &seconds]),
            (When::Locking, &["EVALSHA", &sum, "1", &lock, by]),
            (When::Locking, &["EVAL", UNLOCK, "1", &lock, by]),
            (When::Always, &["DEL", &key]),
            (When::Persistent, &["ECHO", by]),
        ];
        let sent = commands.into_iter().filter(|(when, _)| is_sent(*when));
        let owned = |words: &[&str]| words.iter().copied().map(str::to_owned).collect();
        sent.map(|(when, words)| TrialCommand { when, words: owned(words) }).collect()
    }
}

/// The id of a session that nobody has; `by` says which program tries it. Without randomness, two containers that try at once
/// may see each other.
pub(crate) fn unused_name(by: &str) -> String {
    format!("{by}-{}", random().unwrap_or_default())
}

/// The rights that an ACL user needs, as Redis writes them: `~PREFIX* +get …`.
#[must_use]
pub fn rights(prefix: &str) -> String {
    let rights = COMMANDS.map(|(command, _)| format!("+{}", command.to_lowercase()));
    format!("~{prefix}* {}", rights.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::CauseKind;
    use crate::plan::PREFIX;
    use std::collections::BTreeSet;

    const TRIAL: Trial<'_> =
        Trial { prefix: "shop:", by: "test", locking: true, persistent: true, database: Some(2) };

    #[test]
    fn a_trial_gives_every_command_of_the_table_but_a_clusters_and_cleans_up() {
        let commands = TRIAL.commands();
        let named = |it: &TrialCommand| (it.words[0].clone(), format!("{:?}", it.when));
        let given: BTreeSet<(String, String)> = commands.iter().map(named).collect();
        let table = COMMANDS.iter().filter(|(_, when)| *when != When::Cluster);
        let table = table.map(|(name, when)| ((*name).to_owned(), format!("{when:?}")));
        assert_eq!(given, table.collect());
        let of = |name: &str| {
            let command = commands.iter().find(|it| it.words[0] == name).unwrap();
            command.words[1..].iter().map(String::as_str).collect::<Vec<_>>()
        };
        let key = of("SETEX")[0];
        assert!(key.starts_with("shop:test-"), "{key}");
        assert_eq!(of("DEL"), [key]);
        // The lock is given up by whoever has it, and only then.
        let lock = format!("{key}_LOCK");
        assert_eq!(of("SET"), [&lock, "test", "NX", "PX", "10000"]);
        assert_eq!(of("EVAL"), [UNLOCK, "1", &lock, "test"]);
        assert_eq!(of("SELECT"), ["2"]);
        let another = TRIAL.commands();
        assert!(another.iter().all(|it| !it.words.iter().any(|word| word == key)));
    }

    #[test]
    fn a_trial_leaves_out_what_such_a_session_does_not_send() {
        let names = |trial: Trial<'_>| {
            let commands = trial.commands().into_iter();
            commands.map(|mut it| it.words.swap_remove(0)).collect::<Vec<_>>()
        };
        assert_eq!(
            names(Trial { locking: false, persistent: false, database: None, ..TRIAL }),
            ["EXISTS", "GET", "SETEX", "EXPIRE", "DEL"]
        );
        let without = |command: &str| {
            let all = COMMANDS.iter().filter(|(_, when)| *when != When::Cluster);
            all.map(|(name, _)| *name).filter(|name| *name != command).collect::<BTreeSet<_>>()
        };
        let kept: BTreeSet<String> =
            names(Trial { persistent: false, ..TRIAL }).into_iter().collect();
        assert!(kept.iter().map(String::as_str).eq(without("ECHO")), "{kept:?}");
    }

    #[test]
    fn documents_and_advice_have_the_rights_of_the_table() {
        let rights = rights(PREFIX);
        for (text, what) in [
            (include_str!("../../docs/operations.md"), "docs/operations.md"),
            (CauseKind::NoPermission.advice(), "the advice"),
        ] {
            assert!(text.contains(&rights), "{what} has not: {rights}");
        }
    }
}
