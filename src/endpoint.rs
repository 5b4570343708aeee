//! Endpoints: what it takes to connect to a session service, read from its credentials.

mod cloud;
mod entries;
mod fields;
mod memcached;
mod names;
mod pem;
mod redis;
mod sentinel;
mod tls;
mod unknown;
mod uri;
mod values;
mod words;

use crate::config::environment::Environment;
use crate::config::options::Options;
use crate::services::Service;
use crate::store::Store;
use fields::Fields;
use std::fmt;
use store_client::{
    Address, Auth, Host, Login, MemcachedEndpoint, MemcachedLogin, RedisEndpoint, Secret, Sentinel,
    Target,
};

/// What it takes to connect to a session service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A Redis server.
    Redis(RedisEndpoint),
    /// Memcached servers.
    Memcached(MemcachedEndpoint),
}

/// What a service's credentials say; every one of them is accounted for.
#[derive(Debug)]
pub struct Reading {
    /// Where the service is and how to log in.
    pub endpoint: Endpoint,
    /// The options among its credentials.
    pub options: Options,
    /// The names of the credentials that are not used.
    pub(crate) unused: Vec<String>,
    /// Lines for the log.
    pub(crate) warnings: Vec<String>,
    /// Nodes that may form a cluster; only the server can say whether they do.
    pub(crate) nodes_if_cluster: Vec<Address>,
    /// The Sentinels that may be behind a host; only the server can say whether it is one of several.
    pub(crate) sentinel_behind: Option<Sentinel>,
}

/// Reads the credentials of a service for `store`.
///
/// # Errors
/// Fails if a credential is missing or invalid; the error names it.
pub fn read(store: Store, service: &Service) -> anyhow::Result<Reading> {
    read_with(store, service, Options::default(), None)
}

/// The same, with the options of the launch, which beat what the credentials say, and in its environment.
pub(crate) fn read_with(
    store: Store,
    service: &Service,
    options: Options,
    environment: Option<&Environment>,
) -> anyhow::Result<Reading> {
    let fields = Fields::of(store, service, &options, environment)?;
    let (of_service, not_ours) = Options::among(store, |name| fields.option(name));
    let (endpoint, sentinel_behind, nodes_if_cluster) = match store {
        Store::Redis => {
            let redis = redis::read(&fields)?;
            let sentinel_behind = sentinel::behind(&fields, &redis);
            let nodes_if_cluster = redis::nodes_if_cluster(&fields, &redis);
            (Endpoint::Redis(redis), sentinel_behind, nodes_if_cluster)
        }
        Store::Memcached => (Endpoint::Memcached(memcached::read(&fields)?), None, Vec::new()),
    };
    unknown::require_known(&fields, &endpoint)?;
    let mut unused = fields.unused();
    unused.extend(not_ours.into_iter().map(str::to_owned));
    let warnings = fields.warnings.take();
    let options = options.or(of_service);
    Ok(Reading { endpoint, options, unused, warnings, nodes_if_cluster, sentinel_behind })
}

impl Endpoint {
    /// The values that must never be shown.
    pub(crate) fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Redis(endpoint) => {
                endpoint.fixed().map(|auth| &auth.password).into_iter().collect()
            }
            Self::Memcached(endpoint) => {
                endpoint.login.iter().map(|login| &login.password).collect()
            }
        }
    }

    /// Whether it is logged in to.
    pub(crate) fn has_login(&self) -> bool {
        match self {
            Self::Redis(endpoint) => endpoint.auth.is_some(),
            Self::Memcached(endpoint) => endpoint.login.is_some(),
        }
    }

    /// PHP's `session.save_handler` for this endpoint.
    pub(crate) fn save_handler(&self) -> &'static str {
        match self {
            Self::Redis(endpoint) if endpoint.is_cluster() => "rediscluster",
            Self::Redis(_) => "redis",
            Self::Memcached(_) => "memcached",
        }
    }

    /// A stand-in for the endpoint that only the launch knows. Its password would break an ini file, if any could.
    pub(crate) fn example(store: Store) -> Self {
        let host = Host::Name("session-service.example".to_owned());
        let password = Secret::new("\";${X}\nextension=x");
        match store {
            Store::Redis => Self::Redis(RedisEndpoint {
                target: Target::Tcp { address: Address { host, port: 6379 }, tls: None },
                auth: Some(Login::Fixed(Auth { user: None, password })),
                database: None,
            }),
            Store::Memcached => Self::Memcached(MemcachedEndpoint {
                servers: vec![Address { host, port: 11211 }],
                login: Some(MemcachedLogin { user: "example".to_owned(), password }),
                tls: None,
            }),
        }
    }
}

/// The endpoint without its password, for messages.
impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redis(endpoint) => endpoint.fmt(formatter),
            Self::Memcached(endpoint) => endpoint.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_endpoint_has_its_handler() {
        let Endpoint::Redis(single) = Endpoint::example(Store::Redis) else { unreachable!() };
        let nodes = single.first_address().cloned().into_iter().collect();
        let target = Target::Cluster { nodes, tls: None };
        let cluster = Endpoint::Redis(RedisEndpoint { target, ..single.clone() });
        assert_eq!(cluster.save_handler(), "rediscluster");
        assert_eq!(Endpoint::Redis(single).save_handler(), "redis");
        assert_eq!(Endpoint::example(Store::Memcached).save_handler(), "memcached");
    }
}
