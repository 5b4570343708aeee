//! The kind of server that holds the sessions.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The kind of server that holds an app's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// Redis, Valkey, and anything else that speaks their protocol.
    Redis,
    /// Memcached, and anything else that speaks its protocol.
    Memcached,
}

impl Store {
    /// Every store, in the order in which messages name them.
    pub const ALL: [Self; 2] = [Self::Redis, Self::Memcached];

    /// What is this store's of the two.
    pub(crate) fn choose<T>(self, redis: T, memcached: T) -> T {
        match self {
            Self::Redis => redis,
            Self::Memcached => memcached,
        }
    }

    /// The store's name, which is also the name of its PHP extension.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.choose("redis", "memcached")
    }

    pub(crate) fn title(self) -> &'static str {
        self.choose("Redis", "Memcached")
    }

    /// The name people know the PHP extension by: `redis` could be mistaken for the server.
    pub(crate) fn extension_title(self) -> &'static str {
        self.choose("phpredis", "php-memcached")
    }

    /// What a service's name must contain by default, as in Cloud Foundry's PHP buildpack.
    #[must_use]
    pub fn default_search_key(self) -> &'static str {
        self.choose("redis-sessions", "memcached-sessions")
    }

    /// The variable (in the environment or in `.bp-config/options.json`) that changes the search key.
    pub(crate) fn search_key_variable(self) -> &'static str {
        self.choose("REDIS_SESSION_STORE_SERVICE_NAME", "MEMCACHED_SESSION_STORE_SERVICE_NAME")
    }

    /// Whether a type, a label or a tag names this kind of service, whatever its purpose: `redis`, `p.redis`,
    /// `csb-aws-redis`, `valkey` … Bitnami's charts, Tanzu, Crossplane and the brokers write these.
    pub(crate) fn is_named_by(self, kind: &str) -> bool {
        let kinds: &[&str] = self.choose(
            &["redis", "valkey", "keydb", "dragonfly", "rediscloud", "elasticacheredis"],
            &["memcached", "memcachier", "memcachedcloud"],
        );
        let mut words = kind.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| kinds.iter().any(|kind| word.eq_ignore_ascii_case(kind)))
    }

    /// The type of a service binding for sessions, as in Paketo's buildpacks.
    #[must_use]
    pub fn binding_type(self) -> &'static str {
        self.choose("php-redis-session", "php-memcached-session")
    }
}

impl fmt::Display for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
