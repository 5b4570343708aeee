//! What a session needs of its servers. A write names the version that was read, so that even a lost lock loses no change.

use super::in_time::InTime;
use super::lock::{LOCK_SECONDS, Lock, lock_of};
use super::op::{Condition, Item, NewItem, Op, Reply};
use super::servers::Result;
use std::time::Instant;

/// What came of asking for a lock.
pub(super) enum Taken {
    /// Somebody else has it.
    Busy,
    /// It is ours, with what was read together with it.
    Locked(Lock, Option<ReadItem>),
}

/// What was read of a session; `None` if there is none.
pub(super) type ReadItem = Option<Item>;

/// What came of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    Done,
    /// It was not written, because the lock was lost and somebody else has written since.
    Lost,
    /// The server keeps nothing of this size.
    TooLarge,
    Refused(String),
}

impl InTime<'_> {
    /// Sends one operation.
    pub(super) fn one(&self, key: &[u8], op: Op<'_>) -> Result<Reply> {
        Ok(self.send(key, &[op])?.into_iter().next().unwrap_or(Reply::Missing))
    }

    /// Whether each server answers a question for this key.
    pub(super) fn reach(&self, key: &[u8]) -> Result<()> {
        self.all.servers().reach(key, self.deadline)
    }

    fn lock_of(&self, key: &[u8]) -> Vec<u8> {
        lock_of(key, self.all.shared.settings.prefix.len())
    }

    fn are_together(&self, lock: &Lock) -> bool {
        !lock.is_beside && self.all.servers().are_together(&lock.name, &lock.key)
    }

    /// Takes a lock, and reads the session by `ops` if that takes no further round trip. A lock that `is_left` is no obstacle.
    pub(super) fn take(
        &self,
        lock: &Lock,
        is_left: impl Fn(&[u8]) -> bool,
        ops: &[Op<'_>],
    ) -> Result<Taken> {
        let mut lock = Lock { renewed: Instant::now(), ..lock.clone() };
        let ops = if self.are_together(&lock) { ops } else { &[] };
        let mut replies = match self.try_lock(&lock, Condition::Missing, ops) {
            // Nobody can take it on its own server, either, because that is away.
            Err(failure) if !self.all.servers().have_same_server(&lock.name, &lock.key) => {
                lock.is_beside = true;
                self.try_lock(&lock, Condition::Missing, &[]).map_err(|_| failure)?
            }
            replies => replies?,
        };
        if let Some(Reply::Value(item)) = replies.get(1)
            && item.data != lock.secret
            && is_left(&item.data)
        {
            let when = Condition::Unchanged(item.version);
            replies = self.try_lock(&lock, when, ops)?;
        }
        let mut replies = replies.into_iter().skip(1);
        lock.version = match replies.next() {
            Some(Reply::Value(item)) if item.data == lock.secret => item.version,
            Some(Reply::Refused(text)) => {
                return Err(self.all.servers().refused(lock.place(), text));
            }
            _ => return Ok(Taken::Busy),
        };
        Ok(Taken::Locked(lock, replies.last().and_then(read)))
    }

    fn try_lock(&self, lock: &Lock, when: Condition, ops: &[Op<'_>]) -> Result<Vec<Reply>> {
        let lock_ops = [store_lock(lock, when), Op::Get(&lock.name)];
        self.send(lock.place(), &[&lock_ops, ops].concat())
    }

    /// Keeps a lock for longer. One that is gone is not taken again: somebody else may have had it meanwhile, and a write that
    /// does not find its lock replaces only what was read.
    pub(super) fn renew(&self, lock: &mut Lock) {
        lock.renewed = Instant::now();
        let renewed = self.try_lock(lock, Condition::Unchanged(lock.version), &[]);
        if let Ok([_, Reply::Value(item)]) = renewed.as_deref()
            && item.data == lock.secret
        {
            lock.version = item.version;
        }
    }

    /// Releases a lock. If that fails, it ends by itself.
    pub(super) fn unlock(&self, lock: &Lock) {
        let _ = self.send(lock.place(), &[unlock(lock)]);
    }

    /// Releases a lock if it is still this one.
    pub(super) fn unlock_version(&self, key: &[u8], version: u64) {
        let key = self.lock_of(key);
        let _ = self.send(&key, &[Op::DeleteIf(&key, version)]);
    }

    /// A session's lock, whoever has it.
    pub(super) fn lock_now(&self, key: &[u8]) -> Result<ReadItem> {
        self.read(&self.lock_of(key))
    }

    pub(super) fn read(&self, key: &[u8]) -> Result<ReadItem> {
        self.read_new(key, None)
    }

    /// Reads a session whose id PHP may just have drawn: it is then `reserved` for so many seconds.
    pub(super) fn read_new(&self, key: &[u8], reserved: Option<u32>) -> Result<ReadItem> {
        match self.send(key, &Op::read(key, reserved))?.pop() {
            Some(Reply::Refused(text)) => Err(self.all.servers().refused(key, text)),
            reply => Ok(reply.and_then(read).flatten()),
        }
    }

    /// Writes a session whose lock this connection has, and unlocks it. `seen` is the version that was read.
    pub(super) fn write(&self, lock: &Lock, seen: Condition, data: NewItem<'_>) -> Result<Written> {
        let store = Op::Store { key: &lock.key, data, when: seen };
        let together = self.are_together(lock);
        let (reply, was_ours) = if together {
            let replies = self.send(&lock.key, &[store, unlock(lock)])?;
            let was_ours = replies.get(1) == Some(&Reply::Done);
            (replies.into_iter().next().unwrap_or(Reply::Missing), was_ours)
        } else {
            let reply = self.one(&lock.key, store)?;
            let is_ours = matches!(reply, Reply::Done) || self.is_ours(lock)?;
            (reply, is_ours)
        };
        let written = match reply {
            // By somebody who does not lock, if it was ours.
            Reply::Exists | Reply::Missing => self.write_over(&lock.key, data, |_| was_ours),
            reply => Ok(Written::of(reply)),
        };
        if !together {
            self.unlock(lock);
        }
        written
    }

    fn is_ours(&self, lock: &Lock) -> Result<bool> {
        let reply = self.send(lock.place(), &[Op::Get(&lock.name)])?;
        Ok(matches!(&reply[..], [Reply::Value(item)] if item.data == lock.secret))
    }

    /// Writes a session that is no longer what was read, unless somebody who had its lock may have written it: unless
    /// `may_replace` what it has now.
    pub(super) fn write_over(
        &self,
        key: &[u8],
        data: NewItem<'_>,
        may_replace: impl Fn(&[u8]) -> bool,
    ) -> Result<Written> {
        let when = match self.read(key)? {
            // The server has lost it.
            None => Condition::Missing,
            // Or the first try got through, and only its reply was lost.
            Some(now) if may_replace(&now.data) || now.data == data.bytes => {
                Condition::Unchanged(now.version)
            }
            Some(_) => return Ok(Written::Lost),
        };
        self.write_when(when, key, data)
    }

    /// Writes a session without a lock.
    pub(super) fn write_when(
        &self,
        when: Condition,
        key: &[u8],
        data: NewItem<'_>,
    ) -> Result<Written> {
        Ok(Written::of(self.one(key, Op::Store { key, data, when })?))
    }

    /// Extends a session's lifetime, and unlocks it; tells whether it exists.
    pub(super) fn touch(&self, lock: &Lock, seconds: u32) -> Result<Reply> {
        let touch = Op::Touch(&lock.key, seconds);
        if self.are_together(lock) {
            let replies = self.send(&lock.key, &[touch, unlock(lock)])?;
            return Ok(replies.into_iter().next().unwrap_or(Reply::Missing));
        }
        let reply = self.one(&lock.key, touch)?;
        self.unlock(lock);
        Ok(reply)
    }
}

impl Written {
    fn of(reply: Reply) -> Self {
        match reply {
            Reply::Done => Self::Done,
            Reply::TooLarge => Self::TooLarge,
            Reply::Refused(text) => Self::Refused(text),
            Reply::Value(_) | Reply::Missing | Reply::Exists => Self::Lost,
        }
    }
}

fn store_lock(lock: &Lock, when: Condition) -> Op<'_> {
    let data = NewItem { bytes: &lock.secret, flags: 0, seconds: LOCK_SECONDS };
    Op::Store { key: &lock.name, data, when }
}

fn unlock(lock: &Lock) -> Op<'_> {
    Op::DeleteIf(&lock.name, lock.version)
}

/// What a reply to `Get` shows; `None` if it was refused.
fn read(reply: Reply) -> Option<ReadItem> {
    match reply {
        Reply::Value(item) => Some(Some(item)),
        Reply::Missing => Some(None),
        _ => None,
    }
}
