//! A session's lock, as the service has it: a key that expires, and is renewed while PHP works.

use std::time::{Duration, Instant};

/// How long after its confirmation a lock is certain to outlive another call to the service.
const CERTAIN: Duration = Duration::from_secs(3);

/// How often to renew the lock while PHP works.
pub(super) const RENEWED_EVERY: Duration = Duration::from_secs(2);

/// How long a lock outlives the proxy: longer than a call to the service may take (`bound`), because such a call renews it.
pub(super) fn lock_time(bound: Duration) -> Duration {
    bound + CERTAIN
}

/// A session's lock, as the service has it.
#[derive(Debug, Clone)]
pub(super) struct Lock {
    /// The session's key.
    pub(super) key: Vec<u8>,
    /// The lock's own key.
    pub(super) name: Vec<u8>,
    pub(super) secret: Vec<u8>,
    /// How long it outlives the proxy.
    pub(super) lasts: Duration,
    /// When PHP wants it to end, even if PHP still works.
    pub(super) ends: Option<Instant>,
    /// When the command was sent that last set its time.
    pub(super) confirmed: Instant,
}

impl Lock {
    /// Whether PHP wants it to have ended.
    pub(super) fn has_ended(&self) -> bool {
        self.ends.is_some_and(|ends| ends <= Instant::now())
    }

    /// Whether it is certain to outlive another call to the service.
    pub(super) fn is_certain(&self) -> bool {
        self.confirmed.elapsed() < CERTAIN && !self.has_ended()
    }

    /// For the service, in milliseconds.
    pub(super) fn time(&self) -> String {
        let left = self.ends.map(|ends| ends.saturating_duration_since(Instant::now()));
        let time = left.map_or(self.lasts, |left| left.min(self.lasts));
        time.as_millis().max(1).to_string()
    }

    /// The lock and its session, in the order of the scripts.
    pub(super) fn keys(&self) -> [&[u8]; 2] {
        [&self.name, &self.key]
    }
}
