//! The server of a store, and a look at what it keeps.

use crate::support::memcached_client::MemcachedClient;
use crate::support::services::{Memcached, Redis, vcap};
use php_session_store::store::Store;
use serde_json::json;

/// The server that the ways share.
pub(crate) enum Server {
    Redis(Redis),
    Memcached(Memcached),
}

impl Server {
    pub(crate) fn start(store: Store) -> Self {
        match store {
            Store::Redis => Self::Redis(Redis::start_with(&[])),
            // It walks along its table of keys, which is long by default, each time it is asked for them.
            Store::Memcached => {
                Self::Memcached(Memcached::start_with("exec memcached -u memcache -o hashpower=13"))
            }
        }
    }

    /// `VCAP_SERVICES` of an instance that it is bound to.
    pub(super) fn bound(&self) -> String {
        let service = match self {
            Self::Redis(redis) => ("redis-sessions", json!({"host": redis.host()})),
            Self::Memcached(memcached) => {
                ("memcached-sessions", json!({"servers": memcached.server()}))
            }
        };
        vcap(&[service])
    }

    pub(super) fn look(&self) -> Box<dyn Look> {
        match self {
            Self::Redis(redis) => Box::new(redis.connection()),
            Self::Memcached(memcached) => Box::new(memcached.client()),
        }
    }
}

/// What is kept under a key.
pub(super) struct Item {
    pub(super) key: Vec<u8>,
    pub(super) data: Vec<u8>,
    /// In seconds; less than 0 without an end.
    pub(super) lifetime: i64,
}

/// A look at what a server keeps.
pub(super) trait Look: Send {
    /// What is kept under keys with this prefix.
    fn items(&mut self, prefix: &str) -> Vec<Item>;
    fn remove(&mut self, key: &[u8]);
    /// What the key of a lock has before the session's id, and after it.
    fn around_lock(&self) -> [&'static str; 2];
}

impl Look for redis::Connection {
    fn items(&mut self, prefix: &str) -> Vec<Item> {
        let pattern = format!("{prefix}*");
        let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg(pattern).query(self).expect("keys");
        let item = |key: Vec<u8>| {
            let mut both = redis::pipe();
            both.cmd("GET").arg(&key).cmd("TTL").arg(&key);
            let (data, lifetime): (Option<Vec<u8>>, i64) = both.query(self).expect("a value");
            // It may have ended meanwhile.
            data.map(|data| Item { key, data, lifetime })
        };
        keys.into_iter().filter_map(item).collect()
    }

    fn remove(&mut self, key: &[u8]) {
        redis::cmd("DEL").arg(key).exec(self).expect("a server");
    }

    fn around_lock(&self) -> [&'static str; 2] {
        ["", "_LOCK"]
    }
}

impl Look for MemcachedClient {
    fn items(&mut self, prefix: &str) -> Vec<Item> {
        let mut keys = self.expirations();
        keys.retain(|key, _| key.starts_with(prefix.as_bytes()));
        let item = |(key, lifetime): (Vec<u8>, i64)| {
            // It may have ended meanwhile.
            self.data(&key).map(|data| Item { key, data, lifetime })
        };
        keys.into_iter().filter_map(item).collect()
    }

    fn remove(&mut self, key: &[u8]) {
        self.delete(key);
    }

    fn around_lock(&self) -> [&'static str; 2] {
        ["lock.", ""]
    }
}
