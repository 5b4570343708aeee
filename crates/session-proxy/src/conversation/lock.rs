//! The locks of a conversation: taking them, keeping them while PHP works, and telling PHP whether it still has one.

use super::{Conversation, RedisSession};
use crate::answer::{NIL, OK, ONE, ZERO, heard, unavailable};
use crate::contest::{AT_ONCE, take_in_time};
use crate::exchange::Locks;
use crate::lock::{Lock, RENEWED_EVERY};
use crate::request::lock_of;
use crate::retry::Result;
use crate::scripts::Keyed;
use crate::seen::Seen;
use crate::sessions::Taken;
use crate::turns::Turn;
use std::mem;
use std::time::{Duration, Instant};
use store_client::{Deadline, Reply, bulk};

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

impl Locks for Conversation<'_> {
    fn patience(&self) -> Option<Duration> {
        let RedisSession::Held(held) = &self.session else { return None };
        held.turn.as_ref()?;
        let ends = held.lock.ends.map(|ends| ends.saturating_duration_since(Instant::now()));
        Some(ends.map_or(RENEWED_EVERY, |ends| ends.min(RENEWED_EVERY)))
    }

    /// Renews the lock, or leaves it to others when its time is up.
    fn renew(&mut self) {
        let RedisSession::Held(held) = &mut self.session else { return };
        if held.owner.is_none() {
            // PHP has asked, and does not want the session.
            self.release();
        } else if held.lock.has_ended() {
            // It expires by itself. PHP may still write, unless somebody else has locked the session by then.
            held.turn = None;
        } else if held.renewed.elapsed() >= RENEWED_EVERY {
            held.renewed = Instant::now();
            // A lost lock shows up when PHP writes.
            let _ = self.sessions.renew(&mut held.lock);
        }
    }

    fn release(&mut self) {
        if let RedisSession::Held(held) = mem::replace(&mut self.session, RedisSession::None) {
            self.sessions.unlock(&held.lock);
        }
    }
}

impl<'a> Conversation<'a> {
    pub(super) fn lock(&mut self, key: &[u8], owner: Vec<u8>, expire: Option<Duration>) -> Vec<u8> {
        if let Some(answer) = self.gave_up.lately(key, AT_ONCE) {
            return answer;
        }
        let ends = expire.map(|expire| Instant::now() + expire);
        self.shared.stats.requests.inc();
        if let RedisSession::Held(held) = &mut self.session
            && held.owner.is_none()
            && held.lock.key == key
        {
            held.owner = Some(owner);
            self.sessions.end_at(&mut held.lock, ends);
            return OK.to_vec();
        }
        self.release();
        match self.take_lock(key, &owner, ends) {
            Ok(Some(held)) => {
                self.session = RedisSession::Held(Box::new(held));
                OK.to_vec()
            }
            Ok(None) => {
                self.shared.stats.lock_timeouts.inc();
                self.gave_up.tell(key, NIL.to_vec())
            }
            Err(failure) => self.gave_up.tell(key, unavailable(&failure)),
        }
    }

    fn take_lock(
        &self,
        key: &[u8],
        owner: &[u8],
        ends: Option<Instant>,
    ) -> Result<Option<Held<'a>>> {
        let deadline = Deadline::after(self.sessions.service.waits().lock);
        let Some(turn) = self.shared.turns.wait(key, deadline) else { return Ok(None) };
        let secrets = &self.shared.secrets;
        let lock = self.sessions.lock(key, secrets.next(owner), ends);
        take_in_time(&self.shared.stats.waiting_elsewhere, deadline, |_| {
            Ok(match self.sessions.take(lock.clone(), &secrets.owner(owner))? {
                Taken::Locked(lock, seen) => Some((lock, seen)),
                _ => None,
            })
        })
        .map(|taken| taken.map(|(lock, seen)| Held::new(lock, Some(owner.to_vec()), seen, turn)))
    }

    /// In strict mode PHP asks for a session before it locks it: takes the lock as well, where nobody has it.
    pub(super) fn exists(&mut self, key: &[u8]) -> Vec<u8> {
        let pass = |key: &[u8]| self.pass(&[b"EXISTS", key]);
        if !self.shared.settings.locking || matches!(self.session, RedisSession::Held(_)) {
            return pass(key);
        }
        let Some(turn) = self.shared.turns.at_once(key) else { return pass(key) };
        let secrets = &self.shared.secrets;
        let lock = self.sessions.lock(key, secrets.next(&self.peer), None);
        match self.sessions.take_existing(lock, &secrets.owner(&self.peer)) {
            Ok(None) => pass(key),
            Ok(Some(Taken::Missing)) => ZERO.to_vec(),
            Ok(Some(Taken::Busy)) => ONE.to_vec(),
            Ok(Some(Taken::Locked(lock, seen))) => {
                self.session = RedisSession::Held(Box::new(Held::new(lock, None, seen, turn)));
                ONE.to_vec()
            }
            Err(failure) => unavailable(&failure),
        }
    }

    /// Who has the lock of a session that PHP takes for its own: before it writes, it makes sure. `None` if this connection
    /// cannot tell.
    pub(super) fn owner_of(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        match &self.session {
            RedisSession::Held(held) if held.lock.key == key => {
                let owner = bulk(held.owner.as_ref()?);
                if !held.lock.has_ended() {
                    return Some(owner);
                }
                // Past its end, PHP may still write if nobody has taken the lock since.
                Some(match self.sessions.service.call(Keyed::new(&[b"GET", &held.lock.name])) {
                    Ok(Reply::Nil) => owner,
                    Ok(Reply::Bulk(now)) if now == held.lock.secret => owner,
                    Err(failure) => unavailable(&failure),
                    Ok(_) => NIL.to_vec(),
                })
            }
            RedisSession::Done { key: done, owner, .. } if done == key => Some(bulk(owner)),
            RedisSession::None => self.inherit(key),
            _ => None,
        }
    }

    /// A connection that begins with a look at the lock follows one whose worker has died. `None` if there is no lock, and PHP's
    /// name for it may be a session's.
    fn inherit(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        let lock = self.sessions.lock_of(key);
        let now = self.sessions.service.call(Keyed::new(&[b"GET", &lock]));
        Some(match now {
            Ok(Reply::Bulk(now)) if now.starts_with(&self.shared.secrets.owner(&self.peer)) => {
                self.session = RedisSession::Inherited(key.to_vec());
                bulk(&self.peer)
            }
            Ok(Reply::Nil) if lock != lock_of(key) => return None,
            reply => heard(reply),
        })
    }

    /// Usually the write has already unlocked it.
    pub(super) fn unlock(&mut self, key: &[u8], owner: &[u8]) -> Vec<u8> {
        match mem::replace(&mut self.session, RedisSession::None) {
            RedisSession::Held(held) if held.lock.key == key => self.sessions.unlock(&held.lock),
            RedisSession::Done { key: done, .. } if done == key => {}
            other => {
                self.session = other;
                self.sessions.unlock_of_owner(key, &self.shared.secrets.owner(owner));
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
