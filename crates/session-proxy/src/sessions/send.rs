//! How commands for a session are sent: what its lock is called, and whether both can be used together.

use super::Sessions;
use crate::key_space::KeySpace;
use crate::lock::{Lock, lock_time};
use crate::retry::Result;
use crate::scripts::Script;
use std::time::Instant;
use store_client::Reply;

/// While a cluster moves a slot, it may refuse two keys, and still serve one.
const TRY_AGAIN: &str = "TRYAGAIN";

impl Sessions {
    /// Whether sessions and locks can be used together. The service is asked once, again after its address has changed.
    fn key_space(&self) -> KeySpace {
        let upstream = self.upstream();
        let known = *upstream.key_space();
        if let Some(known) = known {
            return known;
        }
        let (prefix, worker) = (&self.shared.settings.prefix, &self.shared.secrets.worker);
        let question = KeySpace::question(prefix, worker);
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
        let (name, confirmed) = (self.lock_of(key), Instant::now());
        let lasts = lock_time(self.service.waits().failover);
        Lock { key: key.to_vec(), name, secret, lasts, ends, confirmed }
    }

    /// Runs a script with a lock and its session; `None` if only one key a command will do here, or now.
    pub(super) fn together(
        &self,
        script: Script,
        keys @ [lock, key]: [&[u8]; 2],
        arguments: &[&[u8]],
    ) -> Result<Option<Reply>> {
        if !self.key_space().unites(lock, key) {
            return Ok(None);
        }
        match self.service.call_expecting(script.with(&keys, arguments), &[TRY_AGAIN])? {
            Reply::Error(error) if error.code() == TRY_AGAIN => Ok(None),
            reply => Ok(Some(reply)),
        }
    }
}
