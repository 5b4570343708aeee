//! The time of day, which tests replace.

use std::time::SystemTime;

/// Tells the time of day.
pub trait Clock: Send + Sync {
    fn now(&self) -> SystemTime;
}

/// The system's.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}
