//! What a session's lock is called, and whether both can be used together. Some servers are one address and many machines:
//! those that enforce slots refuse a script with keys of two slots (Azure Managed Redis, Redis Enterprise, `ElastiCache`
//! Serverless), and those that shard by key run it where its first key belongs (Envoy, twemproxy), so that a session would
//! be written where nobody looks for it.

use super::request;
use super::scripts::BOTH_KEYS;
use super::slots::slot_of;
use store_client::{Command, ErrorReply, Reply};

/// What a script can do with keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySpace {
    /// A script can use a session and its lock.
    Whole,
    /// A command can use only one key.
    Divided,
    /// A cluster, in which a script can use the keys of one slot.
    Slots,
}

/// Two shards keep this many pairs of keys together once in 65,536 times.
const PAIRS: usize = 16;

impl KeySpace {
    /// The key of a session's lock. In a cluster it shares the session's slot if its name can say so, and is called what
    /// phpredis calls it (<https://github.com/phpredis/phpredis/pull/2836>); elsewhere PHP's handler has its own there.
    pub(crate) fn lock_of(self, key: &[u8]) -> Vec<u8> {
        let lock = request::lock_of(key);
        let has_tag = key.iter().any(|byte| matches!(byte, b'{' | b'}'));
        if self != Self::Slots || has_tag {
            return lock;
        }
        [b"{", key, b"}", &lock[key.len()..]].concat()
    }

    /// Whether a script can use these keys.
    pub(crate) fn unites(self, lock: &[u8], key: &[u8]) -> bool {
        match self {
            Self::Whole => true,
            Self::Divided => false,
            Self::Slots => slot_of(lock) == slot_of(key),
        }
    }

    /// Commands whose replies tell; they leave nothing behind for longer than ten seconds. `unique` keeps two that ask at
    /// once apart.
    #[must_use]
    pub fn question(prefix: &str, unique: &str) -> Vec<Command> {
        let keys = (0..PAIRS).map(|number| format!("{prefix}proxy-{unique}-{number}"));
        keys.flat_map(|key| {
            let key = key.as_bytes();
            let lock = request::lock_of(key);
            let both = BOTH_KEYS.with(&[&lock, key], &[]);
            [both.command, Command::new(&[b"GET", key]), Command::new(&[b"DEL", key])]
        })
        .collect()
    }

    /// What the replies to the question tell; `None` if nothing, because the server has other problems.
    #[must_use]
    pub fn told_by(replies: &[Reply]) -> Option<Self> {
        let is_elsewhere = |reply: &Reply| matches!(reply, Reply::Error(it) if matches!(it.code(), "MOVED" | "ASK"));
        if replies.iter().any(is_elsewhere) {
            return Some(Self::Slots);
        }
        let mut found = Self::Whole;
        for pair in replies.chunks(3) {
            match pair {
                [Reply::Integer(1), Reply::Bulk(value), _] if value == b"1" => {}
                [Reply::Integer(1), Reply::Nil, _] => found = Self::Divided,
                [Reply::Error(error), ..] if is_about_keys(error) => found = Self::Divided,
                _ => return None,
            }
        }
        (!replies.is_empty()).then_some(found)
    }
}

/// `CROSSSLOT`, or what clouds' own proxies say. A user with separate rights for locks and sessions gets `NOPERM` only for a
/// script with both.
fn is_about_keys(error: &ErrorReply) -> bool {
    matches!(error.code(), "CROSSSLOT" | "NOPERM")
        || error.text().to_ascii_lowercase().contains("same slot")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(script: Reply, value: Reply) -> Vec<Reply> {
        vec![script, value, Reply::Integer(1)]
    }

    #[test]
    fn a_key_space_is_told_by_where_a_script_writes() {
        let there = || pair(Reply::Integer(1), Reply::Bulk(b"1".to_vec()));
        let elsewhere = || pair(Reply::Integer(1), Reply::Nil);
        let refused = |text: &str| pair(Reply::Error(ErrorReply::new(text)), Reply::Nil);
        for (replies, expected) in [
            ([there(), there()].concat(), Some(KeySpace::Whole)),
            ([there(), elsewhere()].concat(), Some(KeySpace::Divided)),
            (
                [there(), refused("CROSSSLOT Keys in request don't hash to the same slot")]
                    .concat(),
                Some(KeySpace::Divided),
            ),
            (refused("ERR 'EVAL' command keys must in same slot"), Some(KeySpace::Divided)),
            (
                [
                    refused("CROSSSLOT x"),
                    pair(Reply::Error(ErrorReply::new("MOVED 1 h:1")), Reply::Nil),
                ]
                .concat(),
                Some(KeySpace::Slots),
            ),
            (refused("OOM command not allowed when used memory > 'maxmemory'."), None),
            (refused("ERR unknown command 'EVAL'"), None),
            (Vec::new(), None),
        ] {
            assert_eq!(KeySpace::told_by(&replies), expected, "{replies:?}");
        }
    }

    #[test]
    fn a_lock_in_a_cluster_has_the_slot_of_its_session_if_its_name_can_say_so() {
        for (key, lock, is_united) in [
            ("P:a", "{P:a}_LOCK", true),
            ("{shop}:a", "{shop}:a_LOCK", true),
            ("P:{a}b", "P:{a}b_LOCK", true),
            // phpredis refuses these.
            ("P:{}a", "P:{}a_LOCK", false),
            ("P:a}b", "P:a}b_LOCK", false),
            ("P:{a", "P:{a_LOCK", false),
        ] {
            let named = KeySpace::Slots.lock_of(key.as_bytes());
            assert_eq!(String::from_utf8(named.clone()).unwrap(), lock);
            assert_eq!(KeySpace::Slots.unites(&named, key.as_bytes()), is_united, "{key}");
        }
        assert_eq!(KeySpace::Divided.lock_of(b"P:a"), b"P:a_LOCK");
    }

    #[test]
    fn the_question_is_asked_with_keys_of_many_slots() {
        assert_eq!(KeySpace::question("shop:", "x").len(), PAIRS * 3);
    }
}
