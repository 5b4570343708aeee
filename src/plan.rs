//! The plan: where sessions are and how they are kept. Each option that is unset gets its value here, and nowhere else.

use crate::config::options::Options;
use crate::endpoint::Endpoint;
use crate::store::Store;
use session_proxy::Waits;
use std::time::Duration;
use store_client::{RedisEndpoint, Target};

/// Where sessions are, and how PHP or the session proxy keeps them there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// With the database to select; none leaves it to the server.
    pub endpoint: Endpoint,
    /// Whether to verify the server's certificate.
    pub(crate) verify_peer: bool,
    /// The prefix of session keys.
    pub(crate) prefix: String,
    /// Whether a request locks its session, where PHP's handler can.
    pub(crate) locking: bool,
    pub(crate) persistence: Persistence,
    /// How long connecting may take.
    pub(crate) connect_timeout: Duration,
    /// How long PHP waits for a reply of the server.
    pub(crate) read_timeout: Duration,
    /// How long the session proxy waits for it.
    pub(crate) proxy_read_timeout: Duration,
    /// How long a request waits; for the server only behind the session proxy.
    pub(crate) waits: Waits,
    /// The same once the session proxy finds out that the host is a part of a cluster.
    pub(crate) waits_in_cluster: Waits,
    /// How many replicas have to acknowledge a write, to the session proxy.
    pub(crate) wait_replicas: u32,
    /// When the lock of a request that never released it (a killed worker) expires.
    pub(crate) lock_expire: Duration,
}

/// Whether PHP keeps its connection for the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Persistence {
    /// Whether an option decides it, and not a default.
    pub(crate) is_chosen: bool,
    /// The connection to the server.
    pub(crate) to_server: bool,
    /// The connection to the session proxy, which itself follows a failover.
    pub(crate) to_proxy: bool,
}

/// phpredis's own prefix of session keys.
pub const PREFIX: &str = "PHPREDIS_SESSION:";

/// What differs by the kind of server where nothing is said.
struct Defaults {
    /// The PHP extension's own.
    prefix: &'static str,
    connect_timeout: Duration,
    read_timeout: Duration,
    waits: Waits,
    persistent: bool,
}

const REDIS: Defaults = Defaults {
    prefix: PREFIX,
    // phpredis's own default is a day.
    connect_timeout: Duration::from_secs(2),
    // phpredis's own default is PHP's `default_socket_timeout`, 60 seconds. A hung server costs it twice: on the kept
    // connection, and again on the new one.
    read_timeout: Duration::from_secs(3),
    waits: Waits {
        // Must be bounded: phpredis takes any error reply (out of memory, read only, no permission) for a lock that is
        // held by somebody else.
        lock: Duration::from_secs(15),
        // A name that moves, or a restart.
        failover: Duration::from_secs(5),
    },
    // On a failover, a managed Redis moves its name to the new primary, and the old one stays up as a replica. phpredis
    // never gives up a kept connection to it, and every page fails.
    persistent: false,
};

const SENTINEL: Defaults = Defaults {
    waits: Waits {
        // A request whose neighbour waits for a failover waits as long, and then some.
        lock: Duration::from_secs(20),
        // Sentinel usually takes 5 to 10 seconds to find out that a primary is gone and to put a replica in its place.
        failover: Duration::from_secs(12),
    },
    ..REDIS
};

const CLUSTER: Defaults = Defaults {
    prefix: "PHPREDIS_CLUSTER_SESSION:",
    // As with Sentinel.
    waits: SENTINEL.waits,
    // A cluster is asked node by node.
    read_timeout: Duration::from_secs(2),
    // A cluster's replica redirects to the new primary.
    persistent: true,
    ..REDIS
};

const MEMCACHED: Defaults = Defaults {
    prefix: "memc.sess.key.",
    // The extension's own default is libmemcached's, 4 seconds.
    connect_timeout: Duration::from_secs(1),
    // No setting of the extension limits it, and libmemcached says the same of its own limit as of a lost connection.
    read_timeout: Duration::MAX,
    // About as long as web servers wait for a page; waiting longer would only make a hung server cost more.
    waits: Waits { lock: Duration::from_secs(31), ..REDIS.waits },
    persistent: true,
};

/// With a login, the extension reconnects each time, so keeping connections gains nothing.
const MEMCACHED_WITH_LOGIN: Defaults = Defaults { persistent: false, ..MEMCACHED };

/// The proxy has 5 seconds at least for a command: this leaves time for another try.
const PROXY_READ_TIMEOUT: Duration = Duration::from_secs(2);
/// PHP's extensions would use `max_execution_time`, which on Linux counts only a page's CPU time, not its waiting, and
/// is 0 on the command line: a page that waits would lose its lock, and a killed task would keep it for ever. Web
/// servers wait a minute for a page.
const LOCK_EXPIRE: Duration = Duration::from_mins(1);

impl Plan {
    /// Settles what the credentials and the options leave open.
    #[must_use]
    pub fn settle(mut endpoint: Endpoint, options: &Options) -> Self {
        if let Endpoint::Redis(redis) = &mut endpoint {
            redis.database = options.database.or(redis.database);
        }
        let defaults = Defaults::of(&endpoint);
        let waits = |defaults: Waits| Waits {
            lock: options.lock_timeout.unwrap_or(defaults.lock),
            failover: options.failover_timeout.unwrap_or(defaults.failover),
        };
        Self {
            verify_peer: options.verify_peer.unwrap_or(true),
            prefix: options.prefix.clone().unwrap_or_else(|| defaults.prefix.to_owned()),
            locking: options.locking.unwrap_or(true),
            persistence: Persistence {
                is_chosen: options.persistent.is_some(),
                to_server: options.persistent.unwrap_or(defaults.persistent),
                to_proxy: options.persistent.unwrap_or(true),
            },
            connect_timeout: options.timeout.unwrap_or(defaults.connect_timeout),
            read_timeout: options.read_timeout.unwrap_or(defaults.read_timeout),
            proxy_read_timeout: options.read_timeout.unwrap_or(PROXY_READ_TIMEOUT),
            waits: waits(defaults.waits),
            waits_in_cluster: waits(Defaults::if_cluster(&endpoint).waits),
            wait_replicas: options.wait_replicas.unwrap_or(0),
            lock_expire: options.lock_expire.unwrap_or(LOCK_EXPIRE),
            endpoint,
        }
    }

    /// The plan for [`Endpoint::example`].
    pub(crate) fn example(store: Store) -> Self {
        Self::settle(Endpoint::example(store), &Options::default())
    }

    /// The plan for PHP's command line, which keeps no connection unless an option says so: a fork would share it.
    pub(crate) fn for_command_line(mut self) -> Self {
        if !self.persistence.is_chosen {
            self.persistence = Persistence { is_chosen: false, to_server: false, to_proxy: false };
        }
        self
    }

    /// Whether a request really locks its session: PHP's own handler for clusters does not.
    pub(crate) fn locks(&self, through_proxy: bool) -> bool {
        self.locking && (through_proxy || !self.is_cluster())
    }

    /// Whether the credentials or the server say that it is a cluster.
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(&self.endpoint, Endpoint::Redis(redis) if redis.is_cluster())
    }

    /// The prefix, if it is not the one that PHP's handler uses anyway.
    pub(crate) fn other_prefix(&self) -> Option<&str> {
        Some(&*self.prefix).filter(|prefix| *prefix != Defaults::of(&self.endpoint).prefix)
    }

    /// Whether connections are encrypted.
    pub(crate) fn has_tls(&self) -> bool {
        matches!(&self.endpoint, Endpoint::Redis(redis) if redis.tls().is_some())
    }
}

impl Defaults {
    fn of(endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Redis(redis) if redis.is_cluster() => CLUSTER,
            Endpoint::Redis(redis) if redis.is_sentinel() => SENTINEL,
            Endpoint::Redis(_) => REDIS,
            Endpoint::Memcached(memcached) if memcached.login.is_some() => MEMCACHED_WITH_LOGIN,
            Endpoint::Memcached(_) => MEMCACHED,
        }
    }

    /// A host may turn out to be a part of a cluster.
    fn if_cluster(endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Redis(RedisEndpoint { target: Target::Tcp { .. }, .. }) => CLUSTER,
            _ => Self::of(endpoint),
        }
    }
}

#[cfg(test)]
mod tests;
