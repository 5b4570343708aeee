//! What a session needs of the service, in as few round trips as its key space allows: two for a page if a script can use a
//! session and its lock together, else four with one key in each command.

mod send;

use super::credentials::{Credentials, Read};
use super::keyed::Keyed;
use super::lock::{Lock, lock_time};
use super::pool::Pool;
use super::retry::{Failure, RetryingClient, Waits};
use super::scripts::{self, script};
use super::seen::Seen;
use super::settings::Settings;
use super::shared::Shared;
use super::upstream::{Access, Upstream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store_client::Reply;

/// The sessions of the service.
pub(super) struct Sessions {
    pub(super) service: RetryingClient,
    /// The prefix of session keys.
    prefix: String,
    /// Unique to this worker.
    worker: String,
    /// How long a lock outlives the proxy.
    lock_time: Duration,
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

impl Written {
    /// This, if the service's reply says that the session is written.
    fn if_told(self, reply: Reply) -> Result<Self, Failure> {
        match reply {
            Reply::Integer(1) | Reply::Status(_) => Ok(self),
            Reply::Integer(_) => Ok(Self::Lost),
            other => Err(other.into()),
        }
    }
}

impl Sessions {
    /// Reads the service's address and login.
    pub(super) fn new(
        settings: &Settings,
        read: Read<Access>,
        shared: &Shared,
    ) -> anyhow::Result<Self> {
        let (most, wait) = (settings.most_connections, settings.connect_timeout);
        let pool = Pool::new(Credentials::new(read)?, most, wait, shared.stats.opened.clone());
        let waits = Waits {
            read_timeout: settings.read_timeout,
            bound: settings.failover_timeout,
            replicas: settings.wait_replicas,
        };
        Ok(Self {
            service: RetryingClient::new(pool, waits, shared.stats.clone()),
            prefix: settings.prefix.clone(),
            worker: shared.secrets.worker.clone(),
            lock_time: lock_time(settings.failover_timeout),
        })
    }

    /// The service, as the binding says now.
    pub(super) fn upstream(&self) -> Arc<Upstream> {
        self.service.pool.credentials().current()
    }

    /// Takes a lock, and reads the session if that takes no further round trip. A lock of `owner` is no obstacle.
    pub(super) fn take(&self, mut lock: Lock, owner: &[u8]) -> Result<Taken, Failure> {
        let time = lock.time();
        let arguments = [&lock.secret, time.as_bytes(), owner];
        lock.confirmed = Instant::now();
        let taken = self.together(scripts::LOCK_AND_READ, lock.keys(), &arguments)?;
        let taken = match taken {
            Some(taken) => taken,
            None => self.service.call(&script(scripts::LOCK, &[&lock.name], &arguments))?,
        };
        match taken {
            Reply::Integer(1) => Ok(Taken::Locked(lock, Seen::Nothing)),
            Reply::Integer(_) => Ok(Taken::Busy),
            Reply::Array(replies) => Ok(match <[Reply; 2]>::try_from(replies) {
                Ok([Reply::Integer(1), data]) => Taken::Locked(lock, Seen::of(data)),
                _ => Taken::Busy,
            }),
            other => Err(other.into()),
        }
    }

    /// Takes the lock of a session that has to exist, and reads it; `None` if that would take more than one round trip.
    pub(super) fn take_existing(
        &self,
        mut lock: Lock,
        owner: &[u8],
    ) -> Result<Option<Taken>, Failure> {
        let time = lock.time();
        let arguments = [&lock.secret, time.as_bytes(), owner];
        lock.confirmed = Instant::now();
        let taken = self.together(scripts::LOCK_AND_READ_EXISTING, lock.keys(), &arguments)?;
        let Some(Reply::Array(mut replies)) = taken else { return Ok(None) };
        let data = if replies.len() > 1 { replies.pop() } else { None };
        Ok(Some(match (replies.pop(), data) {
            (Some(Reply::Integer(1)), Some(data)) => Taken::Locked(lock, Seen::of(data)),
            (Some(Reply::Integer(0)), None) => Taken::Missing,
            _ => Taken::Busy,
        }))
    }

    /// Keeps a lock for longer. A lost lock shows up when PHP writes.
    pub(super) fn renew(&self, lock: &mut Lock) -> Result<bool, Failure> {
        let (time, sent) = (lock.time(), Instant::now());
        let renew = script(scripts::RENEW, &[&lock.name], &[&lock.secret, time.as_bytes()]);
        let renewed = matches!(self.service.call(&renew)?, Reply::Integer(1));
        if renewed {
            lock.confirmed = sent;
        }
        Ok(renewed)
    }

    /// Sets when a lock ends, which may be sooner than the service knows.
    pub(super) fn end_at(&self, lock: &mut Lock, ends: Option<Instant>) {
        lock.ends = ends;
        if lock.outlives(ends) {
            // A lost lock shows up when PHP writes.
            let _ = self.renew(lock);
        }
    }

    /// Releases a lock. If that fails, it ends by itself.
    pub(super) fn unlock(&self, lock: &Lock) {
        let _ = self.service.call(&script(scripts::UNLOCK, &[&lock.name], &[&lock.secret]));
    }

    /// Releases a lock that a worker has taken for `owner` and then died.
    pub(super) fn unlock_of_owner(&self, key: &[u8], owner: &[u8]) {
        let lock = self.lock_of(key);
        // It ends by itself otherwise.
        let _ = self.service.call(&script(scripts::UNLOCK_OF_OWNER, &[&lock], &[owner]));
    }

    /// Writes a session whose lock this connection has.
    pub(super) fn write(
        &self,
        lock: &mut Lock,
        seen: &Seen,
        seconds: &[u8],
        data: &[u8],
    ) -> Result<Written, Failure> {
        let arguments = [&lock.secret, seconds, data];
        match self.write_together(scripts::WRITE, lock.keys(), &arguments)? {
            None => self.write_alone(lock, seen, seconds, data),
            Some(Reply::Integer(2)) if matches!(seen, Seen::Large(_)) => {
                self.lock_again(lock, seen, seconds, data)
            }
            Some(Reply::Integer(2)) => self.write_if_same(&lock.key, seen, seconds, data),
            Some(reply) => Written::Unlocked.if_told(reply),
        }
    }

    /// Writes a session that nobody has locked, if it is still as this connection has seen it.
    pub(super) fn write_if_same(
        &self,
        key: &[u8],
        seen: &Seen,
        seconds: &[u8],
        data: &[u8],
    ) -> Result<Written, Failure> {
        let mut arguments = vec![seconds, data];
        if let Seen::Data(Some(data)) = seen {
            arguments.push(data);
        }
        let lock = self.lock_of(key);
        let write = script(scripts::WRITE_IF_SAME, &[&lock, key], &arguments);
        Written::Unlocked.if_told(self.service.call_for_good(write, &[])?)
    }

    /// With one key in each command, nothing but time tells that the lock is still there when the session is written.
    fn write_alone(
        &self,
        lock: &mut Lock,
        seen: &Seen,
        seconds: &[u8],
        data: &[u8],
    ) -> Result<Written, Failure> {
        if lock.is_certain() || self.renew(lock)? {
            return self.write_locked(lock, seconds, data);
        }
        self.lock_again(lock, seen, seconds, data)
    }

    /// Takes a lock that is gone once more, and writes if nobody else has written since.
    fn lock_again(
        &self,
        lock: &Lock,
        seen: &Seen,
        seconds: &[u8],
        data: &[u8],
    ) -> Result<Written, Failure> {
        let time = lock.time();
        let arguments = [&lock.secret, time.as_bytes(), &lock.secret];
        let again = self.service.call(&script(scripts::LOCK, &[&lock.name], &arguments))?;
        if again != Reply::Integer(1) || !self.is_same(&lock.key, seen, data)? {
            return Ok(Written::Lost);
        }
        self.write_locked(lock, seconds, data)
    }

    fn write_locked(&self, lock: &Lock, seconds: &[u8], data: &[u8]) -> Result<Written, Failure> {
        let write = Keyed::new(&[b"SETEX", &lock.key, seconds, data]);
        Written::Locked.if_told(self.service.call_for_good(write, &[])?)
    }

    /// Whether a session is as this connection has seen it, or has the data already.
    fn is_same(&self, key: &[u8], seen: &Seen, data: &[u8]) -> Result<bool, Failure> {
        match self.service.call(&Keyed::new(&[b"GET", key]))? {
            Reply::Nil => Ok(true),
            Reply::Bulk(now) => Ok(now == data || seen.is(&now)),
            other => Err(other.into()),
        }
    }

    /// Writes a session whose lock a worker has taken for `owner` and then died; PHP unlocks it.
    pub(super) fn write_of_owner(
        &self,
        key: &[u8],
        owner: &[u8],
        seconds: &[u8],
        data: &[u8],
    ) -> Result<Written, Failure> {
        let lock = self.lock_of(key);
        let (keys, arguments) = ([lock.as_slice(), key], [owner, seconds, data]);
        let written = match self.write_together(scripts::WRITE_OF_OWNER, keys, &arguments)? {
            Some(written) => written,
            // PHP has just looked at its lock.
            None => self.service.call_for_good(Keyed::new(&[b"SETEX", key, seconds, data]), &[])?,
        };
        Written::Locked.if_told(written)
    }

    /// Extends a session's lifetime, and unlocks it if that takes no further round trip; tells whether the session exists and
    /// whether it is unlocked.
    pub(super) fn touch(&self, lock: &Lock, seconds: &[u8]) -> Result<(bool, bool), Failure> {
        let united = self.together(scripts::EXPIRE, lock.keys(), &[&lock.secret, seconds])?;
        let is_united = united.is_some();
        let touched = match united {
            Some(touched) => touched,
            None => self.service.call(&Keyed::new(&[b"EXPIRE", &lock.key, seconds]))?,
        };
        match touched {
            Reply::Integer(1) => Ok((true, is_united)),
            Reply::Integer(_) => Ok((false, false)),
            other => Err(other.into()),
        }
    }
}
