//! A clock for tests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// A clock that runs faster than others, and jumps.
pub(crate) struct FastClock {
    begun: (SystemTime, Instant),
    factor: u32,
    /// In seconds.
    ahead: AtomicU64,
}

impl FastClock {
    pub(crate) fn new(factor: u32) -> Self {
        Self { begun: (SystemTime::now(), Instant::now()), factor, ahead: AtomicU64::new(0) }
    }

    pub(crate) fn jump(&self, ahead: Duration) {
        self.ahead.fetch_add(ahead.as_secs(), Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> SystemTime {
        let ahead = Duration::from_secs(self.ahead.load(Ordering::SeqCst));
        self.begun.0 + self.begun.1.elapsed() * self.factor + ahead
    }
}
