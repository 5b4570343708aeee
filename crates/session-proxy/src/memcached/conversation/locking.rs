//! The locks of a conversation: taking them, and keeping them while PHP works. PHP's handler waits for 5 seconds for an
//! answer, and asks again for a lock that it did not get: it keeps its place in the queue meanwhile.

use super::{Conversation, Session};
use crate::memcached::binary::status;
use crate::memcached::lock::{LOCK_ANSWER, Lock, RENEWED_EVERY};
use crate::memcached::op::When;
use crate::memcached::sessions::{Read, Taken};
use crate::stats::During;
use crate::turns::Turn;
use std::mem;
use std::thread::sleep;
use std::time::{Duration, Instant};
use store_client::Deadline;

/// How long PHP waits for an answer about a lock: the service may take some more time.
const ANSWERED_WITHIN: Duration = LOCK_ANSWER;
/// Between tries for a lock held by another container.
const SHORTEST_WAIT: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_millis(50);
/// PHP asks again at once, or no more.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How long PHP, which does not know that the proxy gave up, may ask again and is told so at once: for some milliseconds. A
/// page that opens its session once more later has a new try.
const TOLD_AGAIN: Duration = Duration::from_millis(100);
/// How long a renewal may take: PHP's next request waits for it.
const RENEWAL: Duration = Duration::from_secs(2);

/// A session that this PHP process has locked.
pub(super) struct Held<'a> {
    pub(super) lock: Lock,
    /// What was read together with taking the lock, until PHP asks for it.
    pub(super) first: Option<Read>,
    /// The version that PHP has read.
    pub(super) seen: When,
    _turn: Turn<'a>,
}

/// A lock that PHP waits for.
pub(super) struct Waiting<'a> {
    key: Vec<u8>,
    turn: Turn<'a>,
    since: Instant,
    asked: Instant,
}

/// A lock that PHP did not get.
pub(super) struct GaveUp {
    key: Vec<u8>,
    at: Instant,
    status: u16,
}

impl<'a> Conversation<'a> {
    /// How long PHP may be silent until there is something to look after.
    pub(super) fn patience(&self) -> Option<Duration> {
        match &self.session {
            Session::Held(_) => Some(RENEWED_EVERY),
            _ => self.waiting.as_ref().map(|_| AT_ONCE),
        }
    }

    /// Renews the lock while PHP works, or leaves the queue where PHP asks no more.
    pub(super) fn renew(&mut self) {
        if self.waiting.as_ref().is_some_and(|waiting| waiting.asked.elapsed() >= AT_ONCE) {
            self.waiting = None;
        }
        if let Session::Held(held) = &mut self.session
            && held.lock.renewed.elapsed() >= RENEWED_EVERY
        {
            self.shared.sessions.renew(&mut held.lock, Deadline::after(RENEWAL));
        }
    }

    /// Releases the lock: PHP is gone, or wants another session.
    pub(super) fn release(&mut self, deadline: Deadline) {
        if let Session::Held(held) = mem::replace(&mut self.session, Session::None) {
            self.shared.sessions.unlock(&held.lock, deadline);
        }
    }

    pub(super) fn lock(&mut self, key: &[u8], deadline: Deadline) -> u16 {
        if let Some(gave_up) = &self.gave_up
            && gave_up.key == key
            && gave_up.at.elapsed() < TOLD_AGAIN
        {
            return gave_up.status;
        }
        self.release(deadline);
        let waiting = match self.waiting.take() {
            Some(waiting) if waiting.key == key => waiting,
            _ => {
                self.shared.stats.requests.inc();
                let (turn, now) = (self.shared.turns.join(key), Instant::now());
                Waiting { key: key.to_vec(), turn, since: now, asked: now }
            }
        };
        match self.take_lock(key, &waiting, deadline) {
            Ok(Some((lock, first))) => {
                let seen = match &first {
                    Some(Some(item)) => When::Unchanged(item.version),
                    Some(None) => When::Missing,
                    None => When::Always,
                };
                let held = Held { lock, first, seen, _turn: waiting.turn };
                self.session = Session::Held(Box::new(held));
                status::SUCCESS
            }
            Ok(None) if waiting.since.elapsed() < self.shared.lock_timeout => {
                self.waiting = Some(Waiting { asked: Instant::now(), ..waiting });
                status::EXISTS
            }
            Ok(None) => {
                self.shared.stats.lock_timeouts.inc();
                self.give_up(key, status::EXISTS)
            }
            // After any other refusal PHP's handler would connect again, and forget nothing of it.
            Err(_) => self.give_up(key, status::NOT_STORED),
        }
    }

    fn give_up(&mut self, key: &[u8], status: u16) -> u16 {
        self.gave_up = Some(GaveUp { key: key.to_vec(), at: Instant::now(), status });
        status
    }

    fn take_lock(
        &self,
        key: &[u8],
        waiting: &Waiting<'a>,
        deadline: Deadline,
    ) -> Result<Option<(Lock, Option<Read>)>, super::Failure> {
        let left = self.shared.lock_timeout.saturating_sub(waiting.since.elapsed());
        let soon = deadline.or_after(ANSWERED_WITHIN.min(left));
        if !waiting.turn.wait(soon) {
            return Ok(None);
        }
        let (secrets, prefix) = (&self.shared.secrets, self.shared.prefix.len());
        let owner = secrets.owner(&self.peer);
        let lock = Lock::new(key, prefix, secrets.next(&self.peer));
        let (mut wait, mut elsewhere) = (SHORTEST_WAIT, None);
        loop {
            let again = elsewhere.is_some();
            if let Taken::Locked(lock, read) =
                self.shared.sessions.take(&lock, &owner, again, deadline)?
            {
                return Ok(Some((lock, read)));
            }
            let Ok(left) = soon.remaining() else { return Ok(None) };
            elsewhere.get_or_insert_with(|| During::of(&self.shared.stats.waiting_elsewhere));
            sleep(wait.min(left));
            // A factor of 1.6, so that the waits of two containers don't coincide.
            wait = (wait * 8 / 5).min(LONGEST_WAIT);
        }
    }
}
