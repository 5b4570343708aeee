//! Requests of one session take turns within the container, first come, first served, so that only one of them
//! asks the server for the lock.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread, park_timeout};
use store_client::Deadline;

/// The requests that wait, for each session.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<Queues>);

#[derive(Debug, Default)]
struct Queues {
    tickets: u64,
    waiting: HashMap<Vec<u8>, VecDeque<Ticket>>,
}

#[derive(Debug)]
struct Ticket {
    number: u64,
    /// Who has it, and is woken when it is the first.
    thread: Thread,
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
        Some(self.join(key)).filter(|turn| turn.wait(deadline))
    }

    /// A place in the queue, for this thread to wait at.
    pub(super) fn join(&self, key: &[u8]) -> Turn<'_> {
        let mut queues = self.queues();
        queues.tickets += 1;
        let number = queues.tickets;
        let ticket = Ticket { number, thread: thread::current() };
        queues.waiting.entry(key.to_vec()).or_default().push_back(ticket);
        Turn { turns: self, key: key.to_vec(), ticket: number }
    }

    /// A turn that comes at once; `None` if another request has it.
    pub(super) fn at_once(&self, key: &[u8]) -> Option<Turn<'_>> {
        Some(self.join(key)).filter(Turn::has_come)
    }

    /// How many requests wait for another one in this container.
    pub(super) fn waiting(&self) -> usize {
        self.queues().waiting.values().map(|queue| queue.len() - 1).sum()
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Waits until it comes; false if it does not in time. It keeps its place meanwhile.
    pub(super) fn wait(&self, deadline: Deadline) -> bool {
        while !self.has_come() {
            let Ok(left) = deadline.remaining() else { return false };
            park_timeout(left);
        }
        true
    }

    fn has_come(&self) -> bool {
        let queues = self.turns.queues();
        let first = queues.waiting.get(&self.key).and_then(VecDeque::front);
        first.is_some_and(|first| first.number == self.ticket)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queues = self.turns.queues();
        let Some(queue) = queues.waiting.get_mut(&self.key) else { return };
        queue.retain(|ticket| ticket.number != self.ticket);
        match queue.front() {
            Some(next) => next.thread.unpark(),
            None => drop(queues.waiting.remove(&self.key)),
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
