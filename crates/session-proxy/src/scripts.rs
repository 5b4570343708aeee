//! Scripts that run in the server, each in one round trip. Each may be sent twice: if a connection breaks, nobody
//! knows whether the server has run the script.

use store_client::Command;

/// A script with its keys and arguments.
pub(super) fn script(text: &str, keys: &[&[u8]], arguments: &[&[u8]]) -> Command {
    let count = keys.len().to_string();
    let mut parts: Vec<&[u8]> = vec![b"EVAL", text.as_bytes(), count.as_bytes()];
    parts.extend(keys);
    parts.extend(arguments);
    Command::new(&parts)
}

/// KEYS: lock. ARGV: secret, milliseconds, owner. Returns 1, or 0 if somebody else has the lock. A lock that the same
/// PHP process took through a worker that has died is no obstacle.
pub(super) const LOCK: &str = "local h=redis.call('get',KEYS[1]) \
    if h and string.sub(h,1,#ARGV[3])~=ARGV[3] then return 0 end \
    redis.call('set',KEYS[1],ARGV[1],'px',ARGV[2]) \
    return 1";

/// KEYS: lock, session. ARGV: secret, milliseconds, owner. As [`LOCK`], but returns 1 and the session, or 0.
pub(super) const LOCK_AND_READ: &str = "local h=redis.call('get',KEYS[1]) \
    if h and string.sub(h,1,#ARGV[3])~=ARGV[3] then return {0} end \
    redis.call('set',KEYS[1],ARGV[1],'px',ARGV[2]) \
    return {1,redis.call('get',KEYS[2])}";

/// KEYS: lock, session. ARGV: secret, milliseconds, owner. If there is a session, as [`LOCK_AND_READ`], but returns 2 if
/// somebody else has the lock; 0 if there is no session.
pub(super) const LOCK_AND_READ_EXISTING: &str = "local v=redis.call('get',KEYS[2]) \
    if not v then return {0} end \
    local h=redis.call('get',KEYS[1]) \
    if h and string.sub(h,1,#ARGV[3])~=ARGV[3] then return {2} end \
    redis.call('set',KEYS[1],ARGV[1],'px',ARGV[2]) \
    return {1,v}";

/// KEYS: lock, session. ARGV: secret, seconds, data. Writes and unlocks. Returns 1, or 0 if somebody else has the
/// lock, or 2 if nobody has.
pub(super) const WRITE: &str = "local h=redis.call('get',KEYS[1]) \
    if not h then return 2 end \
    if h~=ARGV[1] then return 0 end \
    redis.call('setex',KEYS[2],ARGV[2],ARGV[3]) \
    redis.call('del',KEYS[1]) \
    return 1";

/// KEYS: lock, session. ARGV: seconds, data, and if there was one, the session as it was last seen. For a lock that is
/// gone, because it was released or has expired, the server lost its memory, or the first try got through: writes if
/// nobody else has written since.
pub(super) const WRITE_IF_SAME: &str = "if redis.call('exists',KEYS[1])==1 then return 0 end \
    local v=redis.call('get',KEYS[2]) \
    if v and v~=ARGV[2] and v~=ARGV[3] then return 0 end \
    redis.call('setex',KEYS[2],ARGV[1],ARGV[2]) \
    return 1";

/// KEYS: lock, session. ARGV: secret, seconds. Extends the session's lifetime and unlocks. If there is no session,
/// returns 0 without unlocking: PHP then writes it.
pub(super) const EXPIRE: &str = "local r=redis.call('expire',KEYS[2],ARGV[2]) \
    if r==1 and redis.call('get',KEYS[1])==ARGV[1] then redis.call('del',KEYS[1]) end \
    return r";

/// KEYS: lock. ARGV: secret.
pub(super) const UNLOCK: &str =
    "if redis.call('get',KEYS[1])==ARGV[1] then redis.call('del',KEYS[1]) end return 1";

/// KEYS: lock. ARGV: secret, milliseconds. Returns 0 if the lock is no longer ours.
pub(super) const RENEW: &str = "if redis.call('get',KEYS[1])~=ARGV[1] then return 0 end \
    redis.call('set',KEYS[1],ARGV[1],'px',ARGV[2]) \
    return 1";

/// KEYS: lock. ARGV: owner. For a lock taken through a worker that has died.
pub(super) const UNLOCK_OF_OWNER: &str = "local h=redis.call('get',KEYS[1]) \
    if h and string.sub(h,1,#ARGV[1])==ARGV[1] then redis.call('del',KEYS[1]) end \
    return 1";

/// KEYS: lock, session. ARGV: owner, seconds, data. For a lock taken through a worker that has died; the lock stays.
pub(super) const WRITE_OF_OWNER: &str = "local h=redis.call('get',KEYS[1]) \
    if not h or string.sub(h,1,#ARGV[1])~=ARGV[1] then return 0 end \
    redis.call('setex',KEYS[2],ARGV[2],ARGV[3]) \
    return 1";

/// KEYS: a lock, a session. Tells whether a script can use both: whether the session can then be found.
pub(super) const BOTH_KEYS: &str =
    "redis.call('get',KEYS[1]) redis.call('setex',KEYS[2],'10','1') return 1";
