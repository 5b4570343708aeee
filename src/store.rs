//! The store: what kind of service holds the sessions.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What the app was built for: the kind of server that keeps its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// Redis, Valkey and whatever else speaks their protocol.
    Redis,
    /// Memcached and whatever else speaks its protocol.
    Memcached,
}

impl Store {
    /// Every store, in the order in which messages name them.
    pub const ALL: [Self; 2] = [Self::Redis, Self::Memcached];

    /// The store's name, which is also the name of its PHP extension.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Memcached => "memcached",
        }
    }

    /// The store's name in a sentence.
    #[must_use]
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Memcached => "Memcached",
        }
    }

    /// The name by which people know the PHP extension: `redis` could be mistaken for the server.
    #[must_use]
    pub(crate) fn extension_title(self) -> &'static str {
        match self {
            Self::Redis => "phpredis",
            Self::Memcached => "php-memcached",
        }
    }

    /// What a service's name contains by default, as Cloud Foundry's PHP buildpack has it.
    #[must_use]
    pub fn default_search_key(self) -> &'static str {
        match self {
            Self::Redis => "redis-sessions",
            Self::Memcached => "memcached-sessions",
        }
    }

    /// The variable (in the environment or in `.bp-config/options.json`) that changes the search key.
    #[must_use]
    pub(crate) fn search_key_variable(self) -> &'static str {
        match self {
            Self::Redis => "REDIS_SESSION_STORE_SERVICE_NAME",
            Self::Memcached => "MEMCACHED_SESSION_STORE_SERVICE_NAME",
        }
    }

    /// Whether a type, a label or a tag says that a service is of this kind, for whatever it is meant: `redis`,
    /// `p.redis`, `csb-aws-redis`, `valkey` … Bitnami's charts, Tanzu, Crossplane and the brokers write such.
    #[must_use]
    pub(crate) fn is_named_by(self, kind: &str) -> bool {
        let kinds: &[&str] = match self {
            Self::Redis => {
                &["redis", "valkey", "keydb", "dragonfly", "rediscloud", "elasticacheredis"]
            }
            Self::Memcached => &["memcached", "memcachier", "memcachedcloud"],
        };
        let mut words = kind.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| kinds.iter().any(|kind| word.eq_ignore_ascii_case(kind)))
    }

    /// The type of a service binding that is meant for sessions, as Paketo's buildpacks have it.
    #[must_use]
    pub fn binding_type(self) -> &'static str {
        match self {
            Self::Redis => "php-redis-session",
            Self::Memcached => "php-memcached-session",
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
