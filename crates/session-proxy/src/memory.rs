//! The memory for large commands, which all of PHP's connections have together: each alone may send the largest session.

use super::request::MAX_VALUE;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use store_client::Deadline;

/// Commands up to this length are received in any case.
pub(super) const SMALL: usize = 64 << 10;
/// Enough for the largest session.
const ALL: usize = MAX_VALUE + SMALL;

/// The memory for large commands.
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

/// How long a command will be, as far as the received part of it tells: at least up to the end of its present part.
pub(super) fn announced(bytes: &[u8]) -> usize {
    let line = |at: usize| -> Option<(usize, usize)> {
        let rest = bytes.get(at..)?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let number = std::str::from_utf8(rest.get(1..end)?).ok()?;
        Some((number.trim_end().parse().ok()?, at + end + 1))
    };
    let Some((_, mut at)) = line(0) else { return bytes.len() };
    while let Some((length, start)) = line(at).filter(|_| at < bytes.len()) {
        at = start + length + 2;
    }
    at.max(bytes.len())
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

    #[test]
    fn the_length_of_a_command_is_known_before_it_is_there() {
        let whole = b"*4\r\n$5\r\nSETEX\r\n$1\r\nk\r\n$4\r\n1440\r\n$9\r\n123456789\r\n";
        for cut in whole.len() - 10..=whole.len() {
            assert_eq!(announced(&whole[..cut]), whole.len());
        }
        for cut in 0..whole.len() {
            assert!((cut..=whole.len()).contains(&announced(&whole[..cut])), "{cut}");
        }
        assert_eq!(announced(b"GET / HTTP/1.1\r\n"), 16);
    }
}
