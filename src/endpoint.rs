//! Endpoints: what is needed to connect to a session service, made from its credentials.

mod fields;
pub mod memcached;
pub mod pem;
pub mod redis;
mod redis_uri;

use crate::options::Options;
use crate::secret::Secret;
use crate::services::{Service, ServicesError};
use crate::store::Store;
use fields::Fields;
use memcached::MemcachedEndpoint;
use redis::RedisEndpoint;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// What is needed to connect to a session service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A Redis server.
    Redis(RedisEndpoint),
    /// Memcached servers.
    Memcached(MemcachedEndpoint),
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The host.
    pub host: Host,
    /// The TCP port, 1 to 65535.
    pub port: u16,
}

/// A host's name or IP address, free of anything that would mean something else in a save path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name of letters, digits, `-`, `_` and `.`.
    Name(String),
    /// An address.
    Ip(IpAddr),
}

/// Why a service's credentials make no endpoint. Shows no value: any of them may be a password.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The credentials cannot be read.
    #[error(transparent)]
    Services(#[from] ServicesError),
    /// A credential is missing.
    #[error("The service {service} has no {missing}.\nIt has: {present}.\nExpected {expected}.")]
    Missing {
        /// The service.
        service: String,
        /// What is missing.
        missing: &'static str,
        /// The names of the credentials that are there.
        present: String,
        /// What would be right.
        expected: &'static str,
    },
    /// The service is of a kind that PHP's extension cannot use.
    #[error("The service {service} {what}.\n{instead}")]
    Unsupported {
        /// The service.
        service: String,
        /// What it is.
        what: &'static str,
        /// What would work.
        instead: &'static str,
    },
    /// A credential is there, and is not what it should be.
    #[error(
        "The service {service} cannot be used: its credential \"{key}\" {problem}.\nExpected {expected}."
    )]
    Unusable {
        /// The service.
        service: String,
        /// The credential's name, as the service has it.
        key: String,
        /// What is wrong with it.
        problem: String,
        /// What would be right.
        expected: &'static str,
    },
}

impl Endpoint {
    /// Makes the endpoint of a service that is meant for `store`.
    ///
    /// # Errors
    ///
    /// Fails if a credential is missing or is not what it should be; the error names it.
    pub fn of(store: Store, service: &Service) -> Result<Self, EndpointError> {
        match store {
            Store::Redis => RedisEndpoint::of(service).map(Self::Redis),
            Store::Memcached => MemcachedEndpoint::of(service).map(Self::Memcached),
        }
    }
}

impl Endpoint {
    /// What must not be seen.
    #[must_use]
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Redis(endpoint) => endpoint.auth.iter().map(|auth| &auth.password).collect(),
            Self::Memcached(endpoint) => {
                endpoint.login.iter().map(|login| &login.password).collect()
            }
        }
    }

    /// PHP's `session.save_handler` for it.
    #[must_use]
    pub fn save_handler(&self) -> &'static str {
        match self {
            Self::Redis(endpoint) if endpoint.is_cluster() => "rediscluster",
            Self::Redis(_) => "redis",
            Self::Memcached(_) => "memcached",
        }
    }

    /// Stands for the endpoint that only the launch knows, with a password that would break an ini
    /// file if it could.
    #[must_use]
    pub fn example(store: Store) -> Self {
        let host = Host::Name("session-service.example".to_owned());
        let password = Secret::new("\";${X}\nextension=x");
        match store {
            Store::Redis => Self::Redis(RedisEndpoint {
                target: redis::Target::Tcp { address: Address { host, port: 6379 }, tls: None },
                auth: Some(redis::Auth { user: None, password }),
                database: None,
            }),
            Store::Memcached => Self::Memcached(MemcachedEndpoint {
                servers: vec![Address { host, port: 11211 }],
                login: Some(memcached::Login { user: "example".to_owned(), password }),
            }),
        }
    }
}

/// The options among the credentials of a service.
///
/// # Errors
///
/// Fails if one has a value that it cannot have.
pub fn options(store: Store, service: &Service) -> Result<Options, EndpointError> {
    let fields = Fields::of(service)?;
    Options::among(
        store,
        |name| Ok(fields.text(&[name])?.map(|field| field.text)),
        |name, expected| fields.unusable(name, "has a value that it cannot have", expected),
    )
}

impl Address {
    /// Parses `host`, `host:port` or `[ipv6]:port`.
    ///
    /// # Errors
    ///
    /// Fails if the host or the port is none.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, &'static str> {
        if let Ok(host) = text.parse() {
            return Ok(Self { host, port: default_port });
        }
        let (host, port) = text.rsplit_once(':').ok_or("names a host that is none")?;
        let host = host.parse().map_err(|_| "names a host that is none")?;
        match port.parse() {
            Ok(0) | Err(_) => Err("names a port that is none"),
            Ok(port) => Ok(Self { host, port }),
        }
    }
}

impl FromStr for Host {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse() {
            return Ok(Self::Ip(ip));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        // 253 is the longest name that DNS has (RFC 1035).
        if text.is_empty() || text.len() > 253 || !text.chars().all(allowed) {
            return Err("is not the name or IP address of a host");
        }
        Ok(Self::Name(text.to_owned()))
    }
}

/// As it stands in a URI: an IPv6 address in brackets.
impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(formatter),
            Self::Ip(IpAddr::V6(ip)) => write!(formatter, "[{ip}]"),
        }
    }
}

/// The endpoint without its password, for people.
impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redis(endpoint) => endpoint.fmt(formatter),
            Self::Memcached(endpoint) => endpoint.fmt(formatter),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_and_addresses_and_nothing_else() {
        for (text, expected) in [
            ("q-s0.r.svc.si-11.bosh", "q-s0.r.svc.si-11.bosh"),
            ("redis_1", "redis_1"),
            ("10.0.0.1", "10.0.0.1"),
            ("::1", "[::1]"),
            ("[2001:db8::5]", "[2001:db8::5]"),
        ] {
            assert_eq!(text.parse::<Host>().unwrap().to_string(), expected);
        }
        for text in [
            "",
            "a b",
            "a\nextension=x",
            "redis://h",
            "h:6379",
            "h/x",
            "h,i",
            "h?x=1",
            "h#",
            "ü",
            "u@h",
            "fe80::1%eth0",
            "\"",
            "${X}",
            &"a".repeat(254),
        ] {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
    }
}
