//! Scripts that run in the server, each in one round trip. Each may be sent twice: if a connection breaks, nobody
//! knows whether the server has run the script.

use super::keyed::Keyed;
use store_client::Command;

/// A script with its keys, of which there is at least one, and its arguments. As text: a server may have become the primary
/// only now, and know no script.
pub(super) fn script<'a>(text: &str, keys: &[&'a [u8]], arguments: &[&[u8]]) -> Keyed<'a> {
    let count = keys.len().to_string();
    let mut parts: Vec<&[u8]> = vec![b"EVAL", text.as_bytes(), count.as_bytes()];
    parts.extend(keys);
    parts.extend(arguments);
    Keyed { key: keys[0], command: Command::new(&parts) }
}

/// KEYS: lock. ARGV: secret, milliseconds, owner. Returns 1, or 0 if somebody else has the lock. A lock that the same
/// PHP process took through a worker that has died is no obstacle.
pub(super) const LOCK: &str = include_str!("scripts/lock.lua");

/// KEYS: lock, session. ARGV: secret, milliseconds, owner. As [`LOCK`], but returns 1 and the session, or 0.
pub(super) const LOCK_AND_READ: &str = include_str!("scripts/lock_and_read.lua");

/// KEYS: lock, session. ARGV: secret, milliseconds, owner. If there is a session, as [`LOCK_AND_READ`], but returns 2 if
/// somebody else has the lock; 0 if there is no session.
pub(super) const LOCK_AND_READ_EXISTING: &str = include_str!("scripts/lock_and_read_existing.lua");

/// KEYS: lock, session. ARGV: secret, seconds, data. Writes and unlocks. Returns 1, or 0 if somebody else has the
/// lock, or 2 if nobody has.
pub(super) const WRITE: &str = include_str!("scripts/write.lua");

/// KEYS: lock, session. ARGV: seconds, data, and if there was one, the session as it was last seen. For a lock that is
/// gone, because it was released or has expired, the server lost its memory, or the first try got through: writes if
/// nobody else has written since.
pub(super) const WRITE_IF_SAME: &str = include_str!("scripts/write_if_same.lua");

/// KEYS: lock, session. ARGV: secret, seconds. Extends the session's lifetime and unlocks. If there is no session,
/// returns 0 without unlocking: PHP then writes it.
pub(super) const EXPIRE: &str = include_str!("scripts/expire.lua");

/// KEYS: lock. ARGV: secret.
pub(super) const UNLOCK: &str = include_str!("scripts/unlock.lua");

/// KEYS: lock. ARGV: secret, milliseconds. Returns 0 if the lock is no longer ours.
pub(super) const RENEW: &str = include_str!("scripts/renew.lua");

/// KEYS: lock. ARGV: owner. For a lock taken through a worker that has died.
pub(super) const UNLOCK_OF_OWNER: &str = include_str!("scripts/unlock_of_owner.lua");

/// KEYS: lock, session. ARGV: owner, seconds, data. For a lock taken through a worker that has died; the lock stays.
pub(super) const WRITE_OF_OWNER: &str = include_str!("scripts/write_of_owner.lua");

/// KEYS: a lock, a session. Tells whether a script can use both: whether the session can then be found.
pub(super) const BOTH_KEYS: &str = include_str!("scripts/both_keys.lua");
