//! The memory for large commands, which all of PHP's connections have together: each alone may send the largest session.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use store_client::{Deadline, MAX_VALUE};

/// Commands up to this length are received in any case.
pub(super) const SMALL: usize = 64 << 10;
/// Enough for the largest session.
const ALL: usize = MAX_VALUE + SMALL;

pub(super) struct Budget {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A share of it, until it is dropped.
pub(super) struct Reservation<'a> {
    budget: &'a Budget,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { free: Mutex::new(ALL), freed: Condvar::new() }
    }
}

impl Budget {
    /// Waits until so much is free; `None` if it is not in time.
    pub(super) fn reserve(&self, bytes: usize, deadline: Deadline) -> Option<Reservation<'_>> {
        let bytes = bytes.min(ALL);
        let mut free = self.free();
        while *free < bytes {
            let left = deadline.remaining().ok()?;
            let waited = self.freed.wait_timeout(free, left);
            free = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *free -= bytes;
        Some(Reservation { budget: self, bytes })
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        *self.budget.free() += self.bytes;
        // Who waits for less than the first may be served.
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    fn soon() -> Deadline {
        Deadline::after(Duration::from_millis(50))
    }

    #[test]
    fn all_of_them_together_have_as_much_as_the_largest_takes() {
        let budget = Budget::default();
        let largest = budget.reserve(MAX_VALUE, soon()).unwrap();
        assert!(budget.reserve(MAX_VALUE, soon()).is_none());
        thread::scope(|scope| {
            let next = scope.spawn(|| {
                budget.reserve(MAX_VALUE, Deadline::after(Duration::from_mins(1))).is_some()
            });
            drop(largest);
            assert!(next.join().unwrap());
        });
        assert_eq!(*budget.free(), ALL);
    }
}
