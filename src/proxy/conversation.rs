//! The conversation with one PHP process. Its lock belongs to its connection and ends with it.

use super::answer::{LOST, NIL, OK, ONE, bulk, heard, plain, unavailable, written};
use super::request::{Request, lock_of};
use super::scripts::{self, script};
use super::shared::Shared;
use super::status::Status;
use super::turns::Turn;
use crate::redis_client::{Command, Deadline, Reply};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a lock outlives the proxy: longer than a call to the service may take, because such a call renews it.
const LOCK_SECONDS: &[u8] = b"8";
/// How often to renew the lock while PHP works.
pub(super) const RENEWED_EVERY: Duration = Duration::from_secs(2);
/// Between tries for a lock held by another container.
const SHORTEST_WAIT: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_millis(50);
/// PHP asks for a lock at least twice, the second time at once.
const AT_ONCE: Duration = Duration::from_secs(1);

/// A conversation with one PHP process.
pub(super) struct Conversation<'a> {
    shared: &'a Shared,
    /// What PHP calls itself, if known.
    peer: Vec<u8>,
    held: Option<Held<'a>>,
    /// The session that was last unlocked.
    unlocked: Vec<u8>,
    gave_up: Option<GaveUp>,
}

/// A lock that PHP did not get. It asks once more, and phpredis 5.3 then reads the session anyway.
struct GaveUp {
    key: Vec<u8>,
    at: Instant,
    answer: Vec<u8>,
}

/// A session that this PHP process has locked.
struct Held<'a> {
    key: Vec<u8>,
    owner: Vec<u8>,
    secret: Vec<u8>,
    /// The session's data, read together with taking the lock.
    read: Option<Vec<u8>>,
    /// Whether PHP has received it.
    given: bool,
    renewed: Instant,
    _turn: Turn<'a>,
}

impl<'a> Conversation<'a> {
    /// `peer` is what PHP calls itself in a lock, if known.
    pub(super) fn new(shared: &'a Shared, peer: Vec<u8>) -> Self {
        Self { shared, peer, held: None, unlocked: Vec::new(), gave_up: None }
    }

    /// Whether there is a lock to renew.
    pub(super) fn holds_lock(&self) -> bool {
        self.held.is_some()
    }

    /// The reply to a request, in the form PHP expects.
    pub(super) fn answer(&mut self, request: Request) -> Vec<u8> {
        match request {
            Request::Echo(text) => bulk(&text),
            Request::Accepted => OK.to_vec(),
            Request::Lock { key, owner } => self.lock(key, &owner),
            Request::Get(key) => self.get(&key),
            Request::GetAndExpire(key, seconds) => self.pass(&[b"GETEX", &key, b"EX", &seconds]),
            Request::Write { key, seconds, data } => self.write(&key, &seconds, &data),
            Request::Expire(key, seconds) => self.expire(&key, &seconds),
            Request::Unlock { key, owner } => self.unlock(&key, &owner),
            Request::Delete(key) => self.pass(&[b"DEL", &key]),
            Request::Exists(key) => self.pass(&[b"EXISTS", &key]),
            Request::Reach => self.reach(),
            Request::Status => bulk(Status::of(self.shared).json().as_bytes()),
        }
    }

    /// Renews the lock while PHP works and waits for no reply.
    pub(super) fn renew(&mut self) {
        let Some(held) = &mut self.held else { return };
        if held.renewed.elapsed() < RENEWED_EVERY {
            return;
        }
        held.renewed = Instant::now();
        let lock = lock_of(&held.key);
        let renew = script(scripts::RENEW, &[&lock], &[&held.secret, LOCK_SECONDS]);
        // A lost lock shows up when PHP writes.
        let _ = self.shared.service.call(&renew);
    }

    /// Releases the lock: PHP is gone, or wants another session.
    pub(super) fn release(&mut self) {
        if let Some(held) = self.held.take() {
            let lock = lock_of(&held.key);
            let unlock = script(scripts::UNLOCK, &[&lock], &[&held.secret]);
            // It ends by itself otherwise.
            let _ = self.shared.service.call(&unlock);
            self.unlocked = held.key;
        }
    }

    fn lock(&mut self, key: Vec<u8>, owner: &[u8]) -> Vec<u8> {
        if let Some(answer) = self.gave_up_lately(&key) {
            return answer;
        }
        self.release();
        self.shared.stats.requests.add();
        match self.take_lock(&key, owner) {
            Ok(Some(held)) => {
                self.held = Some(held);
                OK.to_vec()
            }
            Ok(None) => {
                self.shared.stats.lock_timeouts.add();
                self.give_up(key, NIL.to_vec())
            }
            Err(answer) => self.give_up(key, answer),
        }
    }

    fn give_up(&mut self, key: Vec<u8>, answer: Vec<u8>) -> Vec<u8> {
        self.gave_up = Some(GaveUp { key, at: Instant::now(), answer: answer.clone() });
        answer
    }

    fn gave_up_lately(&self, key: &[u8]) -> Option<Vec<u8>> {
        let gave_up = self.gave_up.as_ref()?;
        let lately = gave_up.key == key && gave_up.at.elapsed() < AT_ONCE;
        lately.then(|| gave_up.answer.clone())
    }

    fn take_lock(&self, key: &[u8], owner: &[u8]) -> Result<Option<Held<'a>>, Vec<u8>> {
        let deadline = Deadline::after(self.shared.lock_timeout);
        let Some(turn) = self.shared.turns.wait(key, deadline) else { return Ok(None) };
        let secret = self.shared.secrets.next(owner);
        let of_owner = self.shared.secrets.owner(owner);
        let lock = lock_of(key);
        let take = script(scripts::LOCK, &[&lock, key], &[&secret, LOCK_SECONDS, &of_owner]);
        let mut wait = SHORTEST_WAIT;
        let mut elsewhere = None;
        loop {
            let reply = self.shared.service.call(&take).map_err(|failure| unavailable(&failure))?;
            let read = match reply {
                Reply::Array(replies) => match <[Reply; 2]>::try_from(replies) {
                    Ok([Reply::Integer(1), Reply::Bulk(data)]) => Some(Some(data)),
                    Ok([Reply::Integer(1), _]) => Some(None),
                    _ => None,
                },
                other => return Err(plain(other)),
            };
            if let Some(read) = read {
                return Ok(Some(Held {
                    key: key.to_vec(),
                    owner: owner.to_vec(),
                    secret,
                    read,
                    given: false,
                    renewed: Instant::now(),
                    _turn: turn,
                }));
            }
            let Ok(left) = deadline.remaining() else { return Ok(None) };
            elsewhere.get_or_insert_with(|| self.shared.stats.waiting_elsewhere.during());
            sleep(wait.min(left));
            // A factor of 1.6, so that the waits of two containers don't coincide.
            wait = (wait * 8 / 5).min(LONGEST_WAIT);
        }
    }

    fn get(&mut self, key: &[u8]) -> Vec<u8> {
        if let Some(held) = &mut self.held {
            if !held.given && held.key == key {
                held.given = true;
                return held.read.as_ref().map_or_else(|| NIL.to_vec(), |data| bulk(data));
            }
            if lock_of(&held.key) == key {
                return bulk(&held.owner);
            }
        }
        match self.gave_up_lately(key) {
            // The service has just failed: another wait would double the time.
            Some(answer) if answer != NIL => answer,
            _ => self.pass(&[b"GET", key]),
        }
    }

    fn write(&mut self, key: &[u8], seconds: &[u8], data: &[u8]) -> Vec<u8> {
        let Some(held) = self.held.take_if(|held| held.key == key) else {
            return self.write_without_lock(key, seconds, data);
        };
        let keys = [&lock_of(key), key];
        let write = script(scripts::WRITE, &keys, &[&held.secret, seconds, data]);
        let mut reply = self.shared.service.call(&write);
        if matches!(reply, Ok(Reply::Integer(2))) {
            let mut arguments = vec![seconds, data];
            arguments.extend(held.read.as_deref());
            reply = self.shared.service.call(&script(scripts::WRITE_IF_SAME, &keys, &arguments));
        }
        let answer = written(reply);
        if answer == OK || answer == LOST {
            self.unlocked = held.key;
        } else {
            // PHP will unlock.
            self.held = Some(held);
        }
        answer
    }

    /// Without locking, or if the proxy that took PHP's lock has died.
    fn write_without_lock(&self, key: &[u8], seconds: &[u8], data: &[u8]) -> Vec<u8> {
        if !self.shared.locking {
            return self.pass(&[b"SETEX", key, seconds, data]);
        }
        let arguments = [&self.shared.secrets.owner(&self.peer), seconds, data];
        let write = script(scripts::WRITE_OF_OWNER, &[&lock_of(key), key], &arguments);
        written(self.shared.service.call(&write))
    }

    fn expire(&mut self, key: &[u8], seconds: &[u8]) -> Vec<u8> {
        let Some(held) = self.held.as_ref().filter(|held| held.key == key) else {
            return self.pass(&[b"EXPIRE", key, seconds]);
        };
        let expire = script(scripts::EXPIRE, &[&lock_of(key), key], &[&held.secret, seconds]);
        match self.shared.service.call(&expire) {
            Ok(Reply::Integer(1)) => {
                self.held = None;
                self.unlocked = key.to_vec();
                ONE.to_vec()
            }
            other => heard(other),
        }
    }

    /// Usually the write has already unlocked it.
    fn unlock(&mut self, key: &[u8], owner: &[u8]) -> Vec<u8> {
        if self.held.as_ref().is_some_and(|held| held.key == key && held.owner == owner) {
            self.release();
        } else if self.unlocked != key {
            let unlock = script(
                scripts::UNLOCK_OF_OWNER,
                &[&lock_of(key)],
                &[&self.shared.secrets.owner(owner)],
            );
            // It ends by itself otherwise.
            let _ = self.shared.service.call(&unlock);
        }
        ONE.to_vec()
    }

    /// Any reply will do. Asks for what every user of sessions may.
    fn reach(&self) -> Vec<u8> {
        let key = [&self.shared.prefix, &b"reach"[..]].concat();
        match self.shared.service.call(&Command::new(&[b"GET", &key])) {
            Ok(_) => OK.to_vec(),
            Err(failure) => unavailable(&failure),
        }
    }

    fn pass(&self, parts: &[&[u8]]) -> Vec<u8> {
        heard(self.shared.service.call(&Command::new(parts)))
    }
}
