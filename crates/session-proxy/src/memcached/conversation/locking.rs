//! The locks of a conversation: taking them, and keeping them while PHP works. PHP's handler waits for 5 seconds for an
//! answer, and asks again for a lock that it did not get: it keeps its place in the queue meanwhile.

use super::{Conversation, MemcachedSession};
use crate::contest::{AT_ONCE, take_in_time};
use crate::exchange::Locks;
use crate::lock::RENEWED_EVERY;
use crate::memcached::binary::status;
use crate::memcached::lock::{LOCK_ANSWER, Lock, lock_of};
use crate::memcached::op::{Condition, Op};
use crate::memcached::servers::Result;
use crate::memcached::sessions::{ReadItem, Taken};
use crate::turns::Turn;
use std::mem;
use std::time::{Duration, Instant};

/// How long a renewal may take: PHP's next request waits for it.
const RENEWAL: Duration = Duration::from_secs(2);

/// How long PHP, which does not know that the proxy gave up, may ask again: its tries take some milliseconds. A page that
/// opens its session once more later has a new try.
const TOLD_AGAIN: Duration = Duration::from_millis(100);

/// A session that this PHP process has locked.
pub(super) struct Held<'a> {
    pub(super) lock: Lock,
    /// What was read together with taking the lock, until PHP asks for it.
    pub(super) first: Option<ReadItem>,
    /// The version that PHP has read.
    pub(super) seen: Condition,
    _turn: Turn<'a>,
}

/// A lock that PHP waits for.
pub(super) struct Queued<'a> {
    key: Vec<u8>,
    turn: Turn<'a>,
    since: Instant,
    asked: Instant,
}

impl Locks for Conversation<'_> {
    fn patience(&self) -> Option<Duration> {
        match &self.session {
            MemcachedSession::Held(_) => Some(RENEWED_EVERY),
            _ => self.waiting.as_ref().map(|_| AT_ONCE),
        }
    }

    /// Renews the lock, or leaves the queue where PHP asks no more.
    fn renew(&mut self) {
        if self.waiting.as_ref().is_some_and(|waiting| waiting.asked.elapsed() >= AT_ONCE) {
            self.waiting = None;
        }
        if let MemcachedSession::Held(held) = &mut self.session
            && held.lock.renewed.elapsed() >= RENEWED_EVERY
        {
            self.sessions.begin(RENEWAL);
            self.sessions.renew(&mut held.lock);
        }
    }

    fn release(&mut self) {
        self.sessions.begin(Duration::MAX);
        self.let_go();
    }
}

impl<'a> Conversation<'a> {
    fn let_go(&mut self) {
        if let MemcachedSession::Held(held) =
            mem::replace(&mut self.session, MemcachedSession::None)
        {
            self.sessions.unlock(&held.lock);
        }
    }

    pub(super) fn lock(&mut self, key: &[u8]) -> u16 {
        if let Some(status) = self.gave_up.lately(key, TOLD_AGAIN) {
            return status;
        }
        self.let_go();
        let waiting = match self.waiting.take() {
            Some(waiting) if waiting.key == key => waiting,
            _ => {
                self.shared.stats.requests.inc();
                let (turn, now) = (self.shared.turns.join(key), Instant::now());
                Queued { key: key.to_vec(), turn, since: now, asked: now }
            }
        };
        match self.take_lock(key, &waiting) {
            Ok(Some((lock, first))) => {
                let seen = match &first {
                    Some(Some(item)) => Condition::Unchanged(item.version),
                    Some(None) => Condition::Missing,
                    None => Condition::Always,
                };
                let held = Held { lock, first, seen, _turn: waiting.turn };
                self.session = MemcachedSession::Held(Box::new(held));
                status::SUCCESS
            }
            Ok(None) if waiting.since.elapsed() < self.shared.settings.waits.lock => {
                self.waiting = Some(Queued { asked: Instant::now(), ..waiting });
                status::EXISTS
            }
            Ok(None) => {
                self.shared.stats.lock_timeouts.inc();
                self.gave_up.tell(key, status::EXISTS)
            }
            // After any other refusal PHP's handler would connect again, and forget nothing of it.
            Err(_) => self.gave_up.tell(key, status::NOT_STORED),
        }
    }

    fn take_lock(
        &self,
        key: &[u8],
        waiting: &Queued<'a>,
    ) -> Result<Option<(Lock, Option<ReadItem>)>> {
        let left = self.shared.settings.waits.lock.saturating_sub(waiting.since.elapsed());
        let soon = self.sessions.deadline.or_after(LOCK_ANSWER.min(left));
        if !waiting.turn.wait(soon) {
            return Ok(None);
        }
        let (secrets, prefix) = (&self.shared.secrets, self.shared.settings.prefix.len());
        // Whoever has the turn is the only one of this worker: its other locks are those of requests that were given up, and
        // that a server which was stopped carries out later.
        let is_left = |lock: &[u8]| secrets.are_left(lock, &self.peer);
        let read = Op::read(key, self.reserved(key));
        let (key, name, secret) = (key.to_vec(), lock_of(key, prefix), secrets.next(&self.peer));
        let lock =
            Lock { key, name, secret, version: 0, is_beside: false, renewed: Instant::now() };
        take_in_time(&self.shared.stats.waiting_elsewhere, soon, |again| {
            // Others may be writing it: to read it is of use only with the lock.
            let read = if again { &[][..] } else { &read };
            Ok(match self.sessions.take(&lock, is_left, read)? {
                Taken::Locked(lock, read) => Some((lock, read)),
                Taken::Busy => None,
            })
        })
    }
}
