//! The locks of a conversation: taking them, keeping them while PHP works, and telling PHP whether it still has one.

use super::{Conversation, Session};
use crate::answer::{NIL, OK, ONE, ZERO, heard};
use crate::keyed::Keyed;
use crate::lock::Lock;
use crate::request::lock_of;
use crate::seen::Seen;
use crate::sessions::Taken;
use crate::stats::During;
use crate::turns::Turn;
use std::mem;
use std::thread::sleep;
use std::time::{Duration, Instant};
use store_client::{Deadline, Reply, bulk};

/// How often to renew the lock while PHP works.
const RENEWED_EVERY: Duration = Duration::from_secs(2);
/// Between tries for a lock held by another container.
const SHORTEST_WAIT: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_millis(50);
/// PHP asks for a lock at least twice, the second time at once.
const AT_ONCE: Duration = Duration::from_secs(1);

/// A session that this PHP process has locked.
pub(super) struct Held<'a> {
    pub(super) lock: Lock,
    /// What PHP calls itself; `None` as long as PHP has asked whether there is such a session and not for its lock.
    pub(super) owner: Option<Vec<u8>>,
    pub(super) seen: Seen,
    /// Whether PHP has received what was read together with taking the lock.
    pub(super) given: bool,
    /// `None` after the lock has ended.
    turn: Option<Turn<'a>>,
    renewed: Instant,
}

/// A lock that PHP did not get. It asks once more, and phpredis 5.3 then reads the session anyway.
pub(super) struct GaveUp {
    key: Vec<u8>,
    at: Instant,
    answer: Vec<u8>,
}

impl<'a> Conversation<'a> {
    /// How long PHP may be silent until there is a lock to look after.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let Session::Held(held) = &self.session else { return None };
        held.turn.as_ref()?;
        let ends = held.lock.ends.map(|ends| ends.saturating_duration_since(Instant::now()));
        Some(ends.map_or(RENEWED_EVERY, |ends| ends.min(RENEWED_EVERY)))
    }

    /// Looks after the lock while PHP works and waits for no reply: renews it, or leaves it to others when its time is up.
    pub(crate) fn renew(&mut self) {
        let Session::Held(held) = &mut self.session else { return };
        if held.owner.is_none() {
            // PHP has asked, and does not want the session.
            self.release();
        } else if held.lock.has_ended() {
            // It expires by itself. PHP may still write, unless somebody else has locked the session by then.
            held.turn = None;
        } else if held.renewed.elapsed() >= RENEWED_EVERY {
            held.renewed = Instant::now();
            // A lost lock shows up when PHP writes.
            let _ = self.shared.sessions.renew(&mut held.lock);
        }
    }

    /// Releases the lock: PHP is gone, or wants another session.
    pub(crate) fn release(&mut self) {
        if let Session::Held(held) = mem::replace(&mut self.session, Session::None) {
            self.shared.sessions.unlock(&held.lock);
        }
    }

    pub(super) fn lock(
        &mut self,
        key: Vec<u8>,
        owner: Vec<u8>,
        expire: Option<Duration>,
    ) -> Vec<u8> {
        if let Some(answer) = self.gave_up_lately(&key) {
            return answer;
        }
        let ends = expire.map(|expire| Instant::now() + expire);
        self.shared.stats.requests.inc();
        if let Session::Held(held) = &mut self.session
            && held.owner.is_none()
            && held.lock.key == key
        {
            held.owner = Some(owner);
            self.shared.sessions.end_at(&mut held.lock, ends);
            return OK.to_vec();
        }
        self.release();
        match self.take_lock(&key, &owner, ends) {
            Ok(Some(held)) => {
                self.session = Session::Held(Box::new(held));
                OK.to_vec()
            }
            Ok(None) => {
                self.shared.stats.lock_timeouts.inc();
                self.give_up(key, NIL.to_vec())
            }
            Err(answer) => self.give_up(key, answer),
        }
    }

    fn give_up(&mut self, key: Vec<u8>, answer: Vec<u8>) -> Vec<u8> {
        self.gave_up = Some(GaveUp { key, at: Instant::now(), answer: answer.clone() });
        answer
    }

    pub(super) fn gave_up_lately(&self, key: &[u8]) -> Option<Vec<u8>> {
        let gave_up = self.gave_up.as_ref()?;
        let lately = gave_up.key == key && gave_up.at.elapsed() < AT_ONCE;
        lately.then(|| gave_up.answer.clone())
    }

    fn take_lock(
        &self,
        key: &[u8],
        owner: &[u8],
        ends: Option<Instant>,
    ) -> Result<Option<Held<'a>>, Vec<u8>> {
        let deadline = Deadline::after(self.shared.lock_timeout);
        let Some(turn) = self.shared.turns.wait(key, deadline) else { return Ok(None) };
        let secrets = &self.shared.secrets;
        let lock_time = self.shared.lock_time;
        let lock = self.shared.sessions.lock(key, secrets.next(owner), lock_time, ends);
        let mut wait = SHORTEST_WAIT;
        let mut elsewhere = None;
        loop {
            let taken = self.shared.sessions.take(lock.clone(), &secrets.owner(owner))?;
            if let Taken::Locked(lock, seen) = taken {
                return Ok(Some(Held::new(lock, Some(owner.to_vec()), seen, turn)));
            }
            let Ok(left) = deadline.remaining() else { return Ok(None) };
            elsewhere.get_or_insert_with(|| During::of(&self.shared.stats.waiting_elsewhere));
            sleep(wait.min(left));
            // A factor of 1.6, so that the waits of two containers don't coincide.
            wait = (wait * 8 / 5).min(LONGEST_WAIT);
        }
    }

    /// In strict mode PHP asks for a session before it locks it: takes the lock as well, where nobody has it.
    pub(super) fn exists(&mut self, key: &[u8]) -> Vec<u8> {
        let pass = |key: &[u8]| self.pass(&[b"EXISTS", key]);
        if !self.shared.locking || matches!(self.session, Session::Held(_)) {
            return pass(key);
        }
        let Some(turn) = self.shared.turns.at_once(key) else { return pass(key) };
        let secrets = &self.shared.secrets;
        let lock_time = self.shared.lock_time;
        let lock = self.shared.sessions.lock(key, secrets.next(&self.peer), lock_time, None);
        match self.shared.sessions.take_existing(lock, &secrets.owner(&self.peer)) {
            Ok(None) => pass(key),
            Ok(Some(Taken::Missing)) => ZERO.to_vec(),
            Ok(Some(Taken::Busy)) => ONE.to_vec(),
            Ok(Some(Taken::Locked(lock, seen))) => {
                self.session = Session::Held(Box::new(Held::new(lock, None, seen, turn)));
                ONE.to_vec()
            }
            Err(answer) => answer,
        }
    }

    /// Who has the lock of a session that PHP takes for its own: before it writes, it makes sure. `None` if this connection
    /// cannot tell.
    pub(super) fn owner_of(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        match &self.session {
            Session::Held(held) if held.lock.key == key && !held.lock.has_ended() => {
                held.owner.as_ref().map(|owner| bulk(owner))
            }
            Session::Held(held) if held.lock.key == key => {
                let now = self.shared.sessions.call(&Keyed::new(&[b"GET", &held.lock.name]));
                // Past its end, PHP may still write if nobody has taken the lock since.
                match (now, &held.owner) {
                    (Ok(Reply::Nil), Some(owner)) => Some(bulk(owner)),
                    (Ok(Reply::Bulk(now)), Some(owner)) if now == held.lock.secret => {
                        Some(bulk(owner))
                    }
                    (Err(answer), _) => Some(answer),
                    _ => Some(NIL.to_vec()),
                }
            }
            Session::Done { key: done, owner, .. } if done == key => Some(bulk(owner)),
            Session::None => self.inherit(key),
            _ => None,
        }
    }

    /// A connection that begins with a look at the lock follows one whose worker has died. `None` if there is no lock, and PHP's
    /// name for it may be a session's.
    fn inherit(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        let lock = self.shared.sessions.lock_of(key);
        let now = self.shared.sessions.call(&Keyed::new(&[b"GET", &lock]));
        Some(match now {
            Ok(Reply::Bulk(now)) if now.starts_with(&self.shared.secrets.owner(&self.peer)) => {
                self.session = Session::Inherited { key: key.to_vec() };
                bulk(&self.peer)
            }
            Ok(Reply::Nil) if lock != lock_of(key) => return None,
            Ok(reply) => heard(Ok(reply)),
            Err(answer) => answer,
        })
    }

    /// Usually the write has already unlocked it.
    pub(super) fn unlock(&mut self, key: &[u8], owner: &[u8]) -> Vec<u8> {
        match mem::replace(&mut self.session, Session::None) {
            Session::Held(held) if held.lock.key == key => self.shared.sessions.unlock(&held.lock),
            Session::Done { key: done, .. } if done == key => {}
            other => {
                self.session = other;
                self.shared.sessions.unlock_of_owner(key, &self.shared.secrets.owner(owner));
            }
        }
        ONE.to_vec()
    }
}

impl<'a> Held<'a> {
    fn new(lock: Lock, owner: Option<Vec<u8>>, seen: Seen, turn: Turn<'a>) -> Self {
        let renewed = Instant::now();
        Self { lock, owner, seen, given: false, turn: Some(turn), renewed }
    }
}
