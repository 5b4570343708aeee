//! The conversation with one PHP process. Its lock belongs to its connection and ends with it.

mod locking;

use super::binary::status;
use super::in_time::InTime;
use super::op::{Condition, Item, NewItem, Op, Reply};
use super::request::{Incoming, Request};
use super::servers::Result;
use super::service::Sessions;
use super::sessions::Written;
use crate::answer::{OK, unreachable};
use crate::contest::GaveUp;
use crate::exchange::{Dialogue, ParsedRequest};
use crate::log::log;
use crate::request::Request as Question;
use crate::seen::Seen;
use crate::shared::Shared;
use crate::status::Status;
use locking::{Held, Queued};
use std::mem;
use std::sync::atomic::Ordering;
use std::time::Duration;
use store_client::bulk;

/// PHP's handler takes any version.
const VERSION: &[u8] = b"1.6.0";

pub(super) struct Conversation<'a> {
    shared: &'a Shared,
    /// They answer by the time at which PHP has to be answered.
    sessions: InTime<'a>,
    /// What PHP calls itself.
    peer: Vec<u8>,
    session: MemcachedSession<'a>,
    waiting: Option<Queued<'a>>,
    gave_up: GaveUp<u16>,
    /// The session whose id PHP has drawn last, which is reserved for so many seconds when it is read.
    created: Option<(Vec<u8>, u32)>,
    /// Whether nothing was said yet.
    is_new: bool,
}

/// The session that PHP works with.
enum MemcachedSession<'a> {
    /// None that is locked.
    None,
    Held(Box<Held<'a>>),
    /// PHP has written it, and is about to unlock it, which the service has done already.
    Done {
        key: Vec<u8>,
        seen: Seen,
    },
}

impl Dialogue for Conversation<'_> {
    type Request = Incoming;

    fn parse(&self, bytes: &[u8]) -> Result<Option<ParsedRequest<Incoming>>, Vec<u8>> {
        Incoming::parse(bytes, self.shared.prefix())
    }

    fn announced(&self, bytes: &[u8]) -> usize {
        Incoming::announced(bytes)
    }

    fn no_memory(&self, bytes: &[u8]) -> Vec<u8> {
        Incoming::refusal(bytes, status::OUT_OF_MEMORY)
    }

    fn answer(&mut self, incoming: Incoming) -> Vec<u8> {
        self.sessions.begin(Duration::MAX);
        let answer = self.reply(&incoming);
        self.is_new = false;
        answer
    }
}

impl<'a> Conversation<'a> {
    /// `peer` is what PHP calls itself.
    pub(super) fn new(all: &'a Sessions, peer: Vec<u8>) -> Self {
        let (session, waiting, gave_up) = (MemcachedSession::None, None, GaveUp::default());
        let (shared, sessions) = (&all.shared, InTime::new(all));
        Self { shared, sessions, peer, session, waiting, gave_up, created: None, is_new: true }
    }

    fn reply(&mut self, incoming: &Incoming) -> Vec<u8> {
        if !matches!(incoming.request, Request::Lock(_)) {
            self.waiting = None;
            self.gave_up = GaveUp::default();
        }
        let status = match &incoming.request {
            Request::Lock(key) => self.lock(key),
            Request::Unlock(key) => self.unlock(key),
            // No other session has this id: PHP has just drawn it.
            Request::Create { key, seconds } => {
                self.created = Some((key.clone(), *seconds));
                status::SUCCESS
            }
            Request::Noop => status::SUCCESS,
            Request::Exists(key) => self.exists(key),
            Request::Get(key) => return self.get(incoming, key),
            Request::Write { key, flags, seconds, data } => {
                let data = NewItem { bytes: data, flags: *flags, seconds: *seconds };
                self.write(key, data)
            }
            Request::Touch(key, seconds) => return self.touch(incoming, key, *seconds),
            Request::Delete(key) => self.delete(key),
            Request::Version => return incoming.value(VERSION, 0, 0),
            Request::Ours(question) => return self.tell(question),
        };
        incoming.response(status)
    }

    /// The answer to a question of ours, in the form of Redis.
    fn tell(&self, question: &Question) -> Vec<u8> {
        match question {
            Question::Echo(text) => bulk(text),
            Question::Status => bulk(Status::of(self.sessions.all).json().as_bytes()),
            Question::Reach(key) => match self.sessions.reach(key) {
                Ok(()) => OK.to_vec(),
                Err(failure) => unreachable(&failure),
            },
            _ => b"-ERR the session proxy stands before Memcached\r\n".to_vec(),
        }
    }

    /// `SUCCESS` says that there is none, as PHP's handler asks by storing something. If nobody can tell, it keeps its id.
    fn exists(&self, key: &[u8]) -> u16 {
        match self.sessions.read(key) {
            Ok(None) => status::SUCCESS,
            _ => status::EXISTS,
        }
    }

    /// How long the id is reserved, in seconds, where PHP has just drawn it.
    fn reserved(&self, key: &[u8]) -> Option<u32> {
        self.created.as_ref().filter(|(created, _)| created == key).map(|(_, seconds)| *seconds)
    }

    /// Once what was read together with taking the lock, then what the service has.
    fn get(&mut self, incoming: &Incoming, key: &[u8]) -> Vec<u8> {
        let reserved = self.reserved(key);
        self.created.take_if(|_| reserved.is_some());
        let mut held = match &mut self.session {
            MemcachedSession::Held(held) if held.lock.key == key => Some(held),
            _ => None,
        };
        let first = held.as_mut().and_then(|held| held.first.take());
        let Ok(read) = first.map_or_else(|| self.sessions.read_new(key, reserved), Ok) else {
            return incoming.response(status::TEMPORARY_FAILURE);
        };
        if let Some(held) = held {
            held.seen =
                read.as_ref().map_or(Condition::Missing, |item| Condition::Unchanged(item.version));
        }
        match read {
            Some(item) => incoming.value(&item.data, item.flags, item.version),
            None => incoming.missing(),
        }
    }

    fn write(&mut self, key: &[u8], data: NewItem<'_>) -> u16 {
        let sessions = &self.sessions;
        let written = match &mut self.session {
            MemcachedSession::Held(held) if held.lock.key == key => {
                let written = sessions.write(&held.lock, held.seen, data);
                if written.is_ok() {
                    let bytes = data.bytes.to_vec();
                    let seen = Seen::Data(Some(bytes)).remembered();
                    self.session = MemcachedSession::Done { key: key.to_vec(), seen };
                }
                written
            }
            // A handler that wraps PHP's may write twice.
            MemcachedSession::Done { key: done, seen } if done == key => {
                sessions.write_over(key, data, |now| seen.is(now))
            }
            _ if self.is_new && self.shared.settings.locking => self.write_of_owner(key, data),
            // Without a lock, as PHP's own handler: the page locks no session, or another one.
            _ => sessions.write_when(Condition::Always, key, data),
        };
        self.told(written, data.bytes.len())
    }

    /// A connection that begins with a write follows one whose worker has died.
    fn write_of_owner(&self, key: &[u8], data: NewItem<'_>) -> Result<Written> {
        match self.sessions.lock_now(key)? {
            Some(lock) if !self.is_inherited(&lock) => Ok(Written::Lost),
            _ => self.sessions.write_when(Condition::Always, key, data),
        }
    }

    /// Whether it is a lock that a worker has taken for this PHP process and then died.
    fn is_inherited(&self, lock: &Item) -> bool {
        self.shared.secrets.are_inherited(&lock.data, &self.peer)
    }

    fn told(&self, written: Result<Written>, size: usize) -> u16 {
        match written {
            Ok(Written::Done) => status::SUCCESS,
            Ok(Written::Lost) => {
                log(format_args!(
                    "a session was not written: its lock was lost, and another request has written it since"
                ));
                status::NOT_STORED
            }
            Ok(Written::TooLarge) => {
                if !self.sessions.all.said_too_large.swap(true, Ordering::Relaxed) {
                    log(format_args!(
                        "a session of {size} bytes was not written: the server keeps no item of this size (item_size_max)"
                    ));
                }
                status::TOO_LARGE
            }
            Ok(Written::Refused(text)) => {
                log(format_args!("a session was not written: the server says {text}"));
                status::OUT_OF_MEMORY
            }
            Err(_) => status::TEMPORARY_FAILURE,
        }
    }

    fn touch(&mut self, incoming: &Incoming, key: &[u8], seconds: u32) -> Vec<u8> {
        let sessions = &self.sessions;
        let touched = match &mut self.session {
            MemcachedSession::Held(held) if held.lock.key == key => {
                let touched = sessions.touch(&held.lock, seconds);
                if touched.is_ok() {
                    self.session =
                        MemcachedSession::Done { key: key.to_vec(), seen: Seen::Nothing };
                }
                touched
            }
            _ => sessions.one(key, Op::Touch(key, seconds)),
        };
        match touched {
            Ok(Reply::Done | Reply::Exists) => incoming.value(b"", 0, 0),
            Ok(Reply::Refused(_)) | Err(_) => incoming.response(status::TEMPORARY_FAILURE),
            Ok(_) => incoming.missing(),
        }
    }

    fn delete(&mut self, key: &[u8]) -> u16 {
        match self.sessions.one(key, Op::Delete(key)) {
            Ok(Reply::Refused(_)) | Err(_) => status::TEMPORARY_FAILURE,
            Ok(_) => {
                if let MemcachedSession::Held(held) = &mut self.session
                    && held.lock.key == key
                {
                    (held.first, held.seen) = (None, Condition::Missing);
                }
                status::SUCCESS
            }
        }
    }

    fn unlock(&mut self, key: &[u8]) -> u16 {
        match mem::replace(&mut self.session, MemcachedSession::None) {
            MemcachedSession::Held(held) if held.lock.key == key => {
                self.sessions.unlock(&held.lock);
            }
            MemcachedSession::Done { key: done, .. } if done == key => {}
            // An unlock by anybody else is none.
            other => {
                self.session = other;
                if let Ok(Some(lock)) = self.sessions.lock_now(key)
                    && self.is_inherited(&lock)
                {
                    self.sessions.unlock_version(key, lock.version);
                }
            }
        }
        status::SUCCESS
    }
}
