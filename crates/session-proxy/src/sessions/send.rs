//! How commands for a session are sent: what its lock is called, and whether both can be used together.

use super::Sessions;
use crate::key_space::KeySpace;
use crate::lock::Lock;
use crate::retry::Failure;
use crate::scripts::script;
use std::time::Instant;
use store_client::Reply;

/// While a cluster moves a slot, it may refuse two keys, and still serve one.
const TRY_AGAIN: &str = "TRYAGAIN";

impl Sessions {
    /// Whether sessions and locks can be used together. The service is asked once, again after its address has changed.
    fn key_space(&self) -> KeySpace {
        let upstream = self.upstream();
        if let Some(known) = upstream.key_space() {
            return known;
        }
        let question = KeySpace::question(&self.prefix, &self.worker);
        let told = self.service.send(b"", &question, &["MOVED", "ASK"]).ok();
        let told = told.and_then(|replies| KeySpace::told_by(&replies));
        if let Some(told) = told {
            upstream.set_key_space(told);
        }
        told.unwrap_or(KeySpace::Whole)
    }

    /// The key of a session's lock.
    pub(crate) fn lock_of(&self, key: &[u8]) -> Vec<u8> {
        self.key_space().lock_of(key)
    }

    /// A lock for this session, which is to be taken.
    pub(crate) fn lock(&self, key: &[u8], secret: Vec<u8>, ends: Option<Instant>) -> Lock {
        Lock::new(key, self.lock_of(key), secret, self.lock_time, ends)
    }

    /// Runs a script with a lock and its session; `None` if only one key a command will do here, or now.
    pub(super) fn together(
        &self,
        text: &str,
        keys: [&[u8]; 2],
        arguments: &[&[u8]],
    ) -> Result<Option<Reply>, Failure> {
        let send = || self.service.call_once(&script(text, &keys, arguments), &[TRY_AGAIN]);
        self.unless_divided(keys, send)
    }

    /// The same for a script that writes a session, until so many replicas have it as have to.
    pub(super) fn write_together(
        &self,
        text: &str,
        keys: [&[u8]; 2],
        arguments: &[&[u8]],
    ) -> Result<Option<Reply>, Failure> {
        let send = || self.service.call_for_good(script(text, &keys, arguments), &[TRY_AGAIN]);
        self.unless_divided(keys, send)
    }

    fn unless_divided(
        &self,
        [lock, key]: [&[u8]; 2],
        send: impl FnOnce() -> Result<Reply, Failure>,
    ) -> Result<Option<Reply>, Failure> {
        if !self.key_space().unites(lock, key) {
            return Ok(None);
        }
        match send() {
            Ok(Reply::Error(error)) if error.code() == TRY_AGAIN => Ok(None),
            reply => reply.map(Some),
        }
    }
}
