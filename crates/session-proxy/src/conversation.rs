//! The conversation with one PHP process. Its lock belongs to its connection and ends with it. What happens to a session
//! depends on what this connection has done, not on settings: a page can change these.

mod lock;

use super::answer::{NIL, NO_MEMORY, OK, ONE, ZERO, heard, lost, unavailable};
use super::contest::{AT_ONCE, GaveUp};
use super::exchange::{Dialogue, Locks, ParsedRequest, converse};
use super::request::{Request, announced, parse, session_of};
use super::scripts::Keyed;
use super::seen::Seen;
use super::sessions::{Data, Sessions, Written};
use super::shared::Shared;
use super::status::{ServiceStatus, Site, Status};
use lock::Held;
use std::io;
use std::mem;
use std::os::unix::net::UnixStream;
use store_client::{Reply, bulk};

impl Site for Sessions {
    fn shared(&self) -> &Shared {
        &self.shared
    }

    fn service(&self) -> ServiceStatus {
        let upstream = self.upstream();
        ServiceStatus {
            name: upstream.to_string(),
            topology: upstream.topology(),
            primary: upstream.client.primary().map(|address| address.to_string()),
            connections: upstream.pool.counts(),
        }
    }

    fn converse(&self, client: &UnixStream) -> io::Result<()> {
        converse(client, &self.shared, |peer| Conversation {
            shared: &self.shared,
            sessions: self,
            peer,
            session: RedisSession::None,
            gave_up: GaveUp::default(),
        })
    }
}

struct Conversation<'a> {
    shared: &'a Shared,
    sessions: &'a Sessions,
    /// What PHP calls itself, if known.
    peer: Vec<u8>,
    session: RedisSession<'a>,
    gave_up: GaveUp<Vec<u8>>,
}

/// The session that PHP works with.
enum RedisSession<'a> {
    /// None that is locked.
    None,
    Held(Box<Held<'a>>),
    /// PHP has written it, and is about to unlock it, which the service has done already.
    Done {
        key: Vec<u8>,
        owner: Vec<u8>,
        seen: Seen,
    },
    /// A worker that has died has locked it for this PHP process.
    Inherited(Vec<u8>),
}

impl Dialogue for Conversation<'_> {
    type Request = Request;

    fn parse(&self, bytes: &[u8]) -> Result<Option<ParsedRequest<Request>>, Vec<u8>> {
        let refused = |refusal| format!("-{refusal}\r\n").into_bytes();
        let parsed = parse(bytes).map_err(refused)?;
        Ok(parsed.map(|(parts, length)| {
            (Request::read(&parts, self.shared.prefix()).map_err(refused), length)
        }))
    }

    fn announced(&self, bytes: &[u8]) -> usize {
        announced(bytes)
    }

    fn no_memory(&self, _: &[u8]) -> Vec<u8> {
        NO_MEMORY.to_vec()
    }

    fn answer(&mut self, request: Request) -> Vec<u8> {
        let writes = matches!(request, Request::Write { .. });
        let answer = self.reply(request);
        self.shared.stats.answered(writes, &answer);
        answer
    }
}

impl Conversation<'_> {
    /// The reply to a request, in the form PHP expects.
    fn reply(&mut self, request: Request) -> Vec<u8> {
        if !matches!(request, Request::Lock { .. } | Request::Get(_)) {
            // PHP is through with the session that it did not get: whatever comes next is another try.
            self.gave_up = GaveUp::default();
        }
        match request {
            Request::Echo(text) => bulk(&text),
            Request::Accepted => OK.to_vec(),
            Request::Lock { key, owner, expire } => self.lock(&key, owner, expire),
            Request::Get(key) => self.get(&key),
            Request::GetAndExpire(key, seconds) => self.pass(&[b"GETEX", &key, b"EX", &seconds]),
            Request::Write { key, seconds, data: bytes } => self.write(&key, &seconds, bytes),
            Request::Expire(key, seconds) => self.expire(&key, &seconds),
            Request::Unlock { key, owner } => self.unlock(&key, &owner),
            Request::Delete(key) => self.pass(&[b"DEL", &key]),
            Request::Exists(key) => self.exists(&key),
            Request::Reach(key) => self.reach(&key),
            Request::Status => bulk(Status::of(self.sessions).json().as_bytes()),
        }
    }

    fn get(&mut self, key: &[u8]) -> Vec<u8> {
        if matches!(&self.session, RedisSession::Held(held) if held.lock.key == key) {
            return self.get_held(key);
        }
        if matches!(&self.session, RedisSession::Done { key: done, .. } if done == key) {
            // A new page.
            self.session = RedisSession::None;
        }
        if let Some(session) = session_of(key)
            && let Some(answer) = self.owner_of(session)
        {
            return answer;
        }
        match self.gave_up.lately(key, AT_ONCE) {
            Some(answer) if answer != NIL => answer,
            _ => self.pass(&[b"GET", key]),
        }
    }

    /// Once what was read together with taking the lock, then what the service has.
    fn get_held(&mut self, key: &[u8]) -> Vec<u8> {
        let RedisSession::Held(held) = &mut self.session else { return NIL.to_vec() };
        let first = !mem::replace(&mut held.given, true);
        let (answer, seen) = match mem::replace(&mut held.seen, Seen::Nothing) {
            Seen::Data(Some(data)) if first => (bulk(&data), Seen::Data(Some(data))),
            Seen::Data(None) if first => (NIL.to_vec(), Seen::Data(None)),
            before => match self.sessions.service.call(Keyed::new(&[b"GET", key])) {
                Ok(reply @ (Reply::Bulk(_) | Reply::Nil)) => (reply.encode(), Seen::of(reply)),
                other => (heard(other), before),
            },
        };
        held.seen = seen.remembered();
        if held.owner.is_none() {
            // PHP reads without a lock what it has asked for.
            self.release();
        }
        answer
    }

    fn write(&mut self, key: &[u8], seconds: &[u8], bytes: Vec<u8>) -> Vec<u8> {
        let (sessions, data) = (self.sessions, Data { seconds, bytes: &bytes });
        let written = match &mut self.session {
            RedisSession::Held(held) if held.lock.key == key => {
                sessions.write(&mut held.lock, &held.seen, data)
            }
            // A handler that wraps PHP's may write twice.
            RedisSession::Done { key: done, seen, .. } if done == key => {
                sessions.write_if_same(key, seen, data)
            }
            RedisSession::Inherited(inherited) if inherited == key => {
                sessions.write_of_owner(key, &self.shared.secrets.owner(&self.peer), data)
            }
            // Without a lock, as PHP's own handler: the page locks no session, or another one.
            _ => return self.pass(&[b"SETEX", key, seconds, &bytes]),
        };
        match written {
            Ok(Written::Locked) => {
                if let RedisSession::Held(held) = &mut self.session {
                    held.seen = Seen::Data(Some(bytes));
                }
                OK.to_vec()
            }
            Ok(Written::Unlocked) => {
                self.done(Seen::Data(Some(bytes)));
                OK.to_vec()
            }
            Ok(Written::Lost) => {
                self.session = RedisSession::None;
                lost()
            }
            Err(failure) => unavailable(&failure),
        }
    }

    /// The service has unlocked the session; PHP does not know yet.
    fn done(&mut self, seen: Seen) {
        self.session = match mem::replace(&mut self.session, RedisSession::None) {
            RedisSession::Held(held) => {
                let Held { lock, owner, .. } = *held;
                RedisSession::Done { key: lock.key, owner: owner.unwrap_or_default(), seen }
            }
            RedisSession::Done { key, owner, .. } => RedisSession::Done { key, owner, seen },
            other => other,
        };
    }

    fn expire(&mut self, key: &[u8], seconds: &[u8]) -> Vec<u8> {
        let held = match &mut self.session {
            RedisSession::Held(held) if held.lock.key == key => held,
            _ => return self.pass(&[b"EXPIRE", key, seconds]),
        };
        match self.sessions.touch(&held.lock, seconds) {
            Ok((true, unlocked)) => {
                if unlocked {
                    let seen = mem::replace(&mut held.seen, Seen::Nothing);
                    self.done(seen);
                }
                ONE.to_vec()
            }
            Ok((false, _)) => ZERO.to_vec(),
            Err(failure) => unavailable(&failure),
        }
    }

    /// Any reply will do. Asks for what every user of sessions may.
    fn reach(&self, key: &[u8]) -> Vec<u8> {
        match self.sessions.service.call(Keyed::new(&[b"GET", key])) {
            Ok(_) => OK.to_vec(),
            Err(failure) => unavailable(&failure),
        }
    }

    fn pass(&self, parts: &[&[u8]]) -> Vec<u8> {
        heard(self.sessions.service.call(Keyed::new(parts)))
    }
}
