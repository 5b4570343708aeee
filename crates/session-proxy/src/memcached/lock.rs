//! A session's lock, as the service has it: the key of PHP's own handler, with a value that says whose it is.

use std::time::{Duration, Instant};

/// How long a lock outlives the proxy, in seconds: longer than a request to the service may take, because such a request
/// renews it. Memcached's clock counts whole seconds.
pub(super) const LOCK_SECONDS: u32 = 10;
/// How long PHP waits for an answer about a lock that somebody else has; then it has to ask again.
pub const LOCK_ANSWER: Duration = Duration::from_secs(2);
/// The handler puts it between the prefix and a session's id.
const LOCK: &[u8] = b"lock.";

/// A session's lock, as the service has it.
#[derive(Debug, Clone)]
pub(super) struct Lock {
    /// The session's key.
    pub(super) key: Vec<u8>,
    /// Its own key.
    pub(super) name: Vec<u8>,
    pub(super) secret: Vec<u8>,
    /// What identifies it to the service.
    pub(super) version: u64,
    /// Whether it is on the session's own server, because that of its key is away.
    pub(super) is_beside: bool,
    pub(super) renewed: Instant,
}

impl Lock {
    /// The key whose server has the lock.
    pub(super) fn place(&self) -> &[u8] {
        if self.is_beside { &self.key } else { &self.name }
    }
}

/// The key of a session's lock. `prefix` is the length of that of all keys.
pub(super) fn lock_of(key: &[u8], prefix: usize) -> Vec<u8> {
    let (prefix, id) = key.split_at(prefix.min(key.len()));
    [prefix, LOCK, id].concat()
}

/// The session of a lock's key.
pub(super) fn session_of(key: &[u8], prefix: usize) -> Option<Vec<u8>> {
    let (prefix, id) = key.split_at_checked(prefix)?;
    Some([prefix, id.strip_prefix(LOCK)?].concat())
}
