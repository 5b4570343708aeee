//! What phpredis sends for a session. The launch's probe, the advice and the documents take it from here, and a test
//! compares it with what `MONITOR` shows of 5.3.7 and 6.2.0.

use std::fmt::Write;

/// When a command is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// For every session, to read, write, keep and remove it.
    Always,
    /// With `session.use_strict_mode`.
    StrictMode,
    /// With locking. `EVAL` runs `GET` and `DEL`.
    Locking,
    /// With a database.
    Database,
    /// On a connection that was kept.
    Persistent,
}

/// Each command of Redis that a session needs.
pub const COMMANDS: [(&str, When); 10] = [
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
];

/// By which phpredis gives a lock up: only its owner may.
pub const UNLOCK: &str = "if redis.call(\"get\",KEYS[1]) == ARGV[1] then return redis.call(\"del\",KEYS[1]) else return 0 end";

/// The names of the keys begin so, unless an option says otherwise.
pub const PREFIX: &str = "PHPREDIS_SESSION:";
/// The same in a cluster.
pub const CLUSTER_PREFIX: &str = "PHPREDIS_CLUSTER_SESSION:";

/// The rights that an ACL user needs, as Redis writes them: `~PREFIX* +get …`.
#[must_use]
pub fn rights(prefix: &str) -> String {
    COMMANDS.iter().fold(format!("~{prefix}*"), |mut rights, (command, _)| {
        // Writing to a String cannot fail.
        let _ = write!(rights, " +{}", command.to_lowercase());
        rights
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::kind::Kind;

    #[test]
    fn documents_and_advice_have_the_rights_of_the_table() {
        let rights = rights(PREFIX);
        for (text, what) in [
            (include_str!("../../docs/operations.md"), "docs/operations.md"),
            (Kind::NoPermission.advice(), "session-check's advice"),
        ] {
            assert!(text.contains(&rights), "{what} has not: {rights}");
        }
    }
}
