//! Commands, and scripts that run in the server, each in one round trip. Each may be sent twice: if a connection breaks, nobody
//! knows whether the server has run it.

use store_client::Command;

/// A command, and the key that says which server it goes to.
pub(super) struct Keyed<'a> {
    pub(super) key: &'a [u8],
    pub(super) command: Command,
    /// Whether it writes a session, so that replicas have to acknowledge it.
    pub(super) writes: bool,
}

/// A script that runs in the server.
#[derive(Clone, Copy)]
pub(super) struct Script {
    text: &'static str,
    writes: bool,
}

impl<'a> Keyed<'a> {
    /// A command whose first argument is the key.
    pub(super) fn new(parts: &[&'a [u8]]) -> Self {
        let (name, key) = (parts.first(), parts.get(1).copied().unwrap_or_default());
        let writes = name.is_some_and(|name| matches!(*name, b"SETEX" | b"DEL"));
        Self { key, command: Command::new(parts), writes }
    }
}

impl Script {
    const fn new(text: &'static str) -> Self {
        Self { text, writes: false }
    }

    const fn that_writes(text: &'static str) -> Self {
        Self { text, writes: true }
    }

    /// With its keys, of which there is at least one, and its arguments. As text: a server may have become the primary only
    /// now, and know no script.
    pub(super) fn with<'a>(self, keys: &[&'a [u8]], arguments: &[&[u8]]) -> Keyed<'a> {
        let count = keys.len().to_string();
        let mut parts: Vec<&[u8]> = vec![b"EVAL", self.text.as_bytes(), count.as_bytes()];
        parts.extend(keys);
        parts.extend(arguments);
        Keyed { key: keys[0], command: Command::new(&parts), writes: self.writes }
    }
}

/// KEYS: lock. ARGV: secret, milliseconds, owner. Returns 1, or 0 if somebody else has the lock. A lock that the same
/// PHP process took through a worker that has died is no obstacle.
pub(super) const LOCK: Script = Script::new(include_str!("scripts/lock.lua"));

/// KEYS: lock, session. ARGV: secret, milliseconds, owner. As [`LOCK`], but returns 1 and the session, or 2.
pub(super) const LOCK_AND_READ: Script = Script::new(include_str!("scripts/lock_and_read.lua"));

/// KEYS: lock, session. ARGV: secret, milliseconds, owner. As [`LOCK_AND_READ`], if there is a session; else returns 0.
pub(super) const LOCK_AND_READ_EXISTING: Script =
    Script::new(include_str!("scripts/lock_and_read_existing.lua"));

/// KEYS: lock, session. ARGV: secret, seconds, data. Writes and unlocks. Returns 1, or 0 if somebody else has the
/// lock, or 2 if nobody has.
pub(super) const WRITE: Script = Script::that_writes(include_str!("scripts/write.lua"));

/// KEYS: lock, session. ARGV: seconds, data, and if there was one, the session as it was last seen. For a lock that is
/// gone, because it was released or has expired, the server lost its memory, or the first try got through: writes if
/// nobody else has written since.
pub(super) const WRITE_IF_SAME: Script =
    Script::that_writes(include_str!("scripts/write_if_same.lua"));

/// KEYS: lock, session. ARGV: secret, seconds. Extends the session's lifetime and unlocks. If there is no session,
/// returns 0 without unlocking: PHP then writes it.
pub(super) const EXPIRE: Script = Script::new(include_str!("scripts/expire.lua"));

/// KEYS: lock. ARGV: secret.
pub(super) const UNLOCK: Script = Script::new(include_str!("scripts/unlock.lua"));

/// KEYS: lock. ARGV: secret, milliseconds. Returns 0 if the lock is no longer ours.
pub(super) const RENEW: Script = Script::new(include_str!("scripts/renew.lua"));

/// KEYS: lock. ARGV: owner. For a lock taken through a worker that has died.
pub(super) const UNLOCK_OF_OWNER: Script = Script::new(include_str!("scripts/unlock_of_owner.lua"));

/// KEYS: lock, session. ARGV: owner, seconds, data. For a lock taken through a worker that has died; the lock stays.
pub(super) const WRITE_OF_OWNER: Script =
    Script::that_writes(include_str!("scripts/write_of_owner.lua"));

/// KEYS: a lock, a session. Tells whether a script can use both: whether the session can then be found.
pub(super) const BOTH_KEYS: Script = Script::new(include_str!("scripts/both_keys.lua"));
