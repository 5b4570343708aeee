//! A lock that somebody else has: how to wait for it, and what to say again after a wait in vain.

use super::stats::Gauge;
use std::mem;
use std::thread::sleep;
use std::time::{Duration, Instant};
use store_client::Deadline;

/// Between tries for a lock held by another container.
const SHORTEST_WAIT: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_millis(50);
/// PHP asks at once for a lock that it did not get, or no more.
pub(super) const AT_ONCE: Duration = Duration::from_secs(1);

/// Tries to `take` a lock that another container may have, until that works or the time is up; `take` is told whether it
/// was tried before. `waiting` counts those who wait.
pub(super) fn take_in_time<T, E>(
    waiting: &Gauge,
    deadline: Deadline,
    mut take: impl FnMut(bool) -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let (mut wait, mut is_waiting) = (SHORTEST_WAIT, false);
    let taken = loop {
        match take(is_waiting) {
            Ok(None) => {}
            taken => break taken,
        }
        let Ok(left) = deadline.remaining() else { break Ok(None) };
        if !mem::replace(&mut is_waiting, true) {
            waiting.inc();
        }
        sleep(wait.min(left));
        // A factor of 1.6, so that the waits of two containers don't coincide.
        wait = (wait * 8 / 5).min(LONGEST_WAIT);
    };
    if is_waiting {
        waiting.dec();
    }
    taken
}

/// The lock that PHP did not get just now, and what it was told.
#[derive(Default)]
pub(super) struct GaveUp<T>(Option<(Vec<u8>, Instant, T)>);

impl<T: Clone> GaveUp<T> {
    /// What to tell PHP again if it asks within this time: another wait would double the time.
    pub(super) fn lately(&self, key: &[u8], within: Duration) -> Option<T> {
        let (of, at, told) = self.0.as_ref()?;
        (of == key && at.elapsed() < within).then(|| told.clone())
    }

    pub(super) fn tell(&mut self, key: &[u8], told: T) -> T {
        self.0 = Some((key.to_vec(), Instant::now(), told.clone()));
        told
    }
}
