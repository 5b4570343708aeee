//! What a session needs of the service, in as few round trips as its key space allows: two for a page if a script can use a
//! session and its lock together, else four with one key in each command.

mod send;

use super::credentials::Read;
use super::lock::Lock;
use super::retry::{Result, RetryingClient};
use super::scripts::{self, Keyed, Script};
use super::seen::Seen;
use super::shared::Shared;
use super::upstream::{Access, Upstream};
use std::sync::Arc;
use std::time::Instant;
use store_client::Reply;

pub(super) struct Sessions {
    pub(super) shared: Arc<Shared>,
    pub(super) service: RetryingClient,
}

/// A session's data as PHP writes it, and its lifetime in seconds.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub(super) seconds: &'a [u8],
    pub(super) bytes: &'a [u8],
}

/// What came of asking for a lock.
pub(super) enum Taken {
    /// Somebody else has it.
    Busy,
    /// There is no such session; only for those that have to exist.
    Missing,
    Locked(Lock, Seen),
}

/// What came of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// The session is written, and still locked.
    Locked,
    /// The session is written and unlocked.
    Unlocked,
    /// It was not written, because the lock was lost and somebody else may have written since.
    Lost,
}

impl Taken {
    /// What the reply to a script says that takes a lock, and perhaps reads its session.
    fn told_by(reply: Reply, lock: Lock) -> Result<Self> {
        let replies = match reply {
            Reply::Integer(1) => return Ok(Self::Locked(lock, Seen::Nothing)),
            Reply::Integer(_) => return Ok(Self::Busy),
            Reply::Array(replies) => replies,
            other => return Err(other.into()),
        };
        Ok(match <[Reply; 2]>::try_from(replies) {
            Ok([Reply::Integer(1), data]) => Self::Locked(lock, Seen::of(data)),
            Err(one) if one == [Reply::Integer(0)] => Self::Missing,
            _ => Self::Busy,
        })
    }
}

impl Written {
    /// This, if the service's reply says that the session is written.
    fn if_told(self, reply: Reply) -> Result<Self> {
        match reply {
            Reply::Integer(1) | Reply::Status(_) => Ok(self),
            Reply::Integer(_) => Ok(Self::Lost),
            other => Err(other.into()),
        }
    }
}

impl Sessions {
    /// Reads the service's address and login.
    pub(super) fn new(shared: Arc<Shared>, read: Read<Access>) -> anyhow::Result<Self> {
        Ok(Self { service: RetryingClient::new(shared.clone(), read)?, shared })
    }

    /// The service, as the binding says now.
    pub(super) fn upstream(&self) -> Arc<Upstream> {
        self.service.credentials.current()
    }

    /// Takes a lock, and reads the session if that takes no further round trip. A lock of `owner` is no obstacle.
    pub(super) fn take(&self, mut lock: Lock, owner: &[u8]) -> Result<Taken> {
        match self.lock_and_read(scripts::LOCK_AND_READ, &mut lock, owner)? {
            Some(taken) => Taken::told_by(taken, lock),
            None => Taken::told_by(self.lock_alone(&lock, owner)?, lock),
        }
    }

    /// Takes the lock of a session that has to exist, and reads it; `None` if that would take more than one round trip.
    pub(super) fn take_existing(&self, mut lock: Lock, owner: &[u8]) -> Result<Option<Taken>> {
        match self.lock_and_read(scripts::LOCK_AND_READ_EXISTING, &mut lock, owner)? {
            Some(taken @ Reply::Array(_)) => Taken::told_by(taken, lock).map(Some),
            _ => Ok(None),
        }
    }

    fn lock_and_read(
        &self,
        script: Script,
        lock: &mut Lock,
        owner: &[u8],
    ) -> Result<Option<Reply>> {
        lock.confirmed = Instant::now();
        self.together(script, lock.keys(), &[&lock.secret, lock.time().as_bytes(), owner])
    }

    fn lock_alone(&self, lock: &Lock, owner: &[u8]) -> Result<Reply> {
        let time = lock.time();
        let arguments = [&lock.secret, time.as_bytes(), owner];
        self.service.call(scripts::LOCK.with(&[&lock.name], &arguments))
    }

    /// Keeps a lock for longer. A lost lock shows up when PHP writes.
    pub(super) fn renew(&self, lock: &mut Lock) -> Result<bool> {
        let (time, sent) = (lock.time(), Instant::now());
        let renew = scripts::RENEW.with(&[&lock.name], &[&lock.secret, time.as_bytes()]);
        let renewed = matches!(self.service.call(renew)?, Reply::Integer(1));
        if renewed {
            lock.confirmed = sent;
        }
        Ok(renewed)
    }

    /// Sets when a lock ends, which may be sooner than the service knows.
    pub(super) fn end_at(&self, lock: &mut Lock, ends: Option<Instant>) {
        lock.ends = ends;
        if ends.is_some_and(|ends| ends < lock.confirmed + lock.lasts) {
            // A lost lock shows up when PHP writes.
            let _ = self.renew(lock);
        }
    }

    /// Releases a lock. If that fails, it ends by itself.
    pub(super) fn unlock(&self, lock: &Lock) {
        let _ = self.service.call(scripts::UNLOCK.with(&[&lock.name], &[&lock.secret]));
    }

    /// Releases a lock that a worker has taken for `owner` and then died.
    pub(super) fn unlock_of_owner(&self, key: &[u8], owner: &[u8]) {
        let lock = self.lock_of(key);
        // It ends by itself otherwise.
        let _ = self.service.call(scripts::UNLOCK_OF_OWNER.with(&[&lock], &[owner]));
    }

    /// Writes a session whose lock this connection has.
    pub(super) fn write(&self, lock: &mut Lock, seen: &Seen, data: Data<'_>) -> Result<Written> {
        let arguments = [&lock.secret, data.seconds, data.bytes];
        match self.together(scripts::WRITE, lock.keys(), &arguments)? {
            // With one key in each command, nothing but time tells that the lock is still there when the session is written.
            None if lock.is_certain() => self.write_locked(&lock.key, data),
            None if self.renew(lock)? => self.write_locked(&lock.key, data),
            None => self.lock_again(lock, seen, data),
            Some(Reply::Integer(2)) if matches!(seen, Seen::Large(_)) => {
                self.lock_again(lock, seen, data)
            }
            Some(Reply::Integer(2)) => self.write_if_same(&lock.key, seen, data),
            Some(reply) => Written::Unlocked.if_told(reply),
        }
    }

    /// Writes a session that nobody has locked, if it is still as this connection has seen it.
    pub(super) fn write_if_same(&self, key: &[u8], seen: &Seen, data: Data<'_>) -> Result<Written> {
        let mut arguments = vec![data.seconds, data.bytes];
        if let Seen::Data(Some(before)) = seen {
            arguments.push(before);
        }
        let lock = self.lock_of(key);
        let write = scripts::WRITE_IF_SAME.with(&[&lock, key], &arguments);
        Written::Unlocked.if_told(self.service.call(write)?)
    }

    /// Takes a lock that is gone once more, and writes if nobody else has written since.
    fn lock_again(&self, lock: &Lock, seen: &Seen, data: Data<'_>) -> Result<Written> {
        if self.lock_alone(lock, &lock.secret)? != Reply::Integer(1) {
            return Ok(Written::Lost);
        }
        match self.service.call(Keyed::new(&[b"GET", &lock.key]))? {
            // It is as this connection has seen it, or has the data already.
            Reply::Nil => self.write_locked(&lock.key, data),
            Reply::Bulk(now) if now == data.bytes || seen.is(&now) => {
                self.write_locked(&lock.key, data)
            }
            Reply::Bulk(_) => Ok(Written::Lost),
            other => Err(other.into()),
        }
    }

    /// The lock stays.
    fn write_locked(&self, key: &[u8], data: Data<'_>) -> Result<Written> {
        let write = Keyed::new(&[b"SETEX", key, data.seconds, data.bytes]);
        Written::Locked.if_told(self.service.call(write)?)
    }

    /// Writes a session whose lock a worker has taken for `owner` and then died; PHP unlocks it.
    pub(super) fn write_of_owner(
        &self,
        key: &[u8],
        owner: &[u8],
        data: Data<'_>,
    ) -> Result<Written> {
        let lock = self.lock_of(key);
        let arguments = [owner, data.seconds, data.bytes];
        match self.together(scripts::WRITE_OF_OWNER, [&lock, key], &arguments)? {
            Some(written) => Written::Locked.if_told(written),
            // PHP has just looked at its lock.
            None => self.write_locked(key, data),
        }
    }

    /// Extends a session's lifetime, and unlocks it if that takes no further round trip; tells whether the session exists and
    /// whether it is unlocked.
    pub(super) fn touch(&self, lock: &Lock, seconds: &[u8]) -> Result<(bool, bool)> {
        let united = self.together(scripts::EXPIRE, lock.keys(), &[&lock.secret, seconds])?;
        let is_united = united.is_some();
        let touched = match united {
            Some(touched) => touched,
            None => self.service.call(Keyed::new(&[b"EXPIRE", &lock.key, seconds]))?,
        };
        match touched {
            Reply::Integer(1) => Ok((true, is_united)),
            Reply::Integer(_) => Ok((false, false)),
            other => Err(other.into()),
        }
    }
}
