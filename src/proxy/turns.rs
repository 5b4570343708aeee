//! Requests of one session take turns within the container, first come, first served, so that only one of them
//! asks the server for the lock.

use crate::redis_client::Deadline;
use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Who waits for which session.
#[derive(Debug, Default)]
pub(super) struct Turns {
    queues: Mutex<Queues>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queues {
    tickets: u64,
    waiting: HashMap<Vec<u8>, VecDeque<u64>>,
}

/// The right to ask for a session's lock; it ends when it is dropped.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    key: Vec<u8>,
    ticket: u64,
}

impl Turns {
    /// Waits for a turn; `None` if it does not come in time.
    pub(super) fn wait(&self, key: &[u8], deadline: Deadline) -> Option<Turn<'_>> {
        let mut queues = self.queues();
        queues.tickets += 1;
        let ticket = queues.tickets;
        queues.waiting.entry(key.to_vec()).or_default().push_back(ticket);
        let turn = Turn { turns: self, key: key.to_vec(), ticket };
        loop {
            if queues.waiting.get(key).and_then(VecDeque::front) == Some(&ticket) {
                return Some(turn);
            }
            let Ok(left) = deadline.remaining() else {
                drop(queues);
                return None;
            };
            let waited = self.changed.wait_timeout(queues, left);
            queues = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How many requests wait for another one of this container.
    pub(super) fn waiting(&self) -> usize {
        self.queues().waiting.values().map(|queue| queue.len() - 1).sum()
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queues = self.turns.queues();
        if let Some(queue) = queues.waiting.get_mut(&self.key) {
            queue.retain(|ticket| *ticket != self.ticket);
            if queue.is_empty() {
                queues.waiting.remove(&self.key);
            } else {
                self.turns.changed.notify_all();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(10))
    }

    #[test]
    fn they_come_in_the_order_of_their_arrival_and_only_within_one_session() {
        let turns = Turns::default();
        let first = turns.wait(b"a", soon()).unwrap();
        assert!(turns.wait(b"b", soon()).is_some());
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            for number in 0..5 {
                let (turns, sender) = (&turns, sender.clone());
                scope.spawn(move || {
                    let _turn = turns.wait(b"a", soon()).unwrap();
                    sender.send(number).unwrap();
                });
                while turns.waiting() <= number {
                    thread::yield_now();
                }
            }
            drop(first);
        });
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert!(turns.queues().waiting.is_empty());
    }

    #[test]
    fn who_has_waited_long_enough_leaves_the_queue() {
        let turns = Turns::default();
        let first = turns.wait(b"a", soon()).unwrap();
        assert!(turns.wait(b"a", Deadline::after(Duration::from_millis(20))).is_none());
        assert_eq!(turns.waiting(), 0);
        drop(first);
        assert!(turns.wait(b"a", soon()).is_some());
    }
}
