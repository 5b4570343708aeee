//! Where a server listens.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    pub host: Host,
    /// The TCP port, 1 to 65535.
    pub port: u16,
}

/// A host name or IP address, without any character that has a meaning in a save path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name of letters, digits, `-`, `_` and `.`.
    Name(String),
    /// An address.
    Ip(IpAddr),
}

impl Address {
    /// Parses `host`, `host:port` or `[ipv6]:port`.
    ///
    /// # Errors
    /// Fails if the host or the port is invalid.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, &'static str> {
        if let Ok(host) = text.parse() {
            if has_port_without_brackets(text, default_port) {
                return Err(NO_BRACKETS);
            }
            return Ok(Self { host, port: default_port });
        }
        if text.contains("://") {
            return Err("has a server with a scheme. Write host:port");
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(text.parse::<Host>().err().unwrap_or(NO_HOST));
        };
        let host = match host.parse() {
            Ok(host) => host,
            Err(_)
                if host.rsplit_once(':').is_some_and(|(host, _)| host.parse::<Host>().is_ok()) =>
            {
                return Err("has a server with a weight, which is not supported. Write host:port");
            }
            Err(problem) => return Err(problem),
        };
        match port.parse() {
            Ok(0) | Err(_) => Err("has a server with a port that is not from 1 to 65535"),
            Ok(port) => Ok(Self { host, port }),
        }
    }

    /// Parses a host that may be followed by a port, as some brokers write it.
    ///
    /// # Errors
    /// Fails if the host is invalid.
    pub fn parse_host(text: &str) -> Result<(Host, Option<u16>), &'static str> {
        let with_port = || {
            let (host, port) = text.rsplit_once(':')?;
            let port = port.parse().ok().filter(|port| *port > 0)?;
            Some((host.parse().ok()?, Some(port)))
        };
        text.parse().map(|host| (host, None)).or_else(|problem| with_port().ok_or(problem))
    }
}

/// Several addresses, with this between them.
#[must_use]
pub fn joined(addresses: &[Address], separator: &str) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}

impl Host {
    /// Whether it is this machine; in a container, that is the container itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost",
            Self::Ip(ip) => ip.is_loopback(),
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
        // DNS names have at most 253 characters (RFC 1035).
        if text.is_empty() || text.len() > 253 || !text.chars().all(allowed) {
            return Err(mistake(text));
        }
        Ok(Self::Name(text.to_owned()))
    }
}

/// What is wrong with such an address.
pub const NO_BRACKETS: &str =
    "has an IPv6 address without brackets: write [ADDRESS]:PORT, such as [fd00::5]:6379";

/// Whether an IPv6 address ends in what must have been meant as the port.
fn has_port_without_brackets(text: &str, port: u16) -> bool {
    let address = text.strip_suffix(&format!(":{port}"));
    address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

const NO_HOST: &str = "is not a host name or IP address";

/// What people write by mistake instead of a host.
fn mistake(text: &str) -> &'static str {
    if text.starts_with('/') {
        "is the path of a socket: give it as the credential uri, as unix:///PATH"
    } else if text.contains("://") {
        "has a scheme: give a uri as the credential uri"
    } else if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
        "is in quotes"
    } else if text.starts_with('\u{feff}') {
        "begins with a byte order mark, which an editor must have added"
    } else if text.contains('/') {
        "contains a slash"
    } else {
        NO_HOST
    }
}

/// As in a URI: an IPv6 address in brackets.
impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(formatter),
            Self::Ip(IpAddr::V6(ip)) => write!(formatter, "[{ip}]"),
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
    fn usual_mistakes_get_their_own_words() {
        for (text, expected) in [
            ("redis://h", "has a scheme"),
            ("/run/redis.sock", "unix:///PATH"),
            ("h/0", "contains a slash"),
            ("\"h\"", "in quotes"),
            ("\u{feff}h", "byte order mark"),
            ("'h", "in quotes"),
            ("ü", NO_HOST),
            ("ü:6379", NO_HOST),
            ("h:x", NO_HOST),
        ] {
            assert!(text.parse::<Host>().unwrap_err().contains(expected), "{text}");
        }
        for (text, expected) in [
            ("memcached://h:1", "has a server with a scheme"),
            ("h:11211:2", "with a weight"),
            ("h:0", "with a port that"),
            ("h:", "with a port that"),
            ("ü", NO_HOST),
            ("ü:1", NO_HOST),
            ("h x:11211:2", NO_HOST),
        ] {
            assert!(Address::parse(text, 1).unwrap_err().contains(expected), "{text}");
        }
    }

    #[test]
    fn a_name_has_253_characters_at_most() {
        assert!("h".repeat(253).parse::<Host>().is_ok());
        assert!("h".repeat(254).parse::<Host>().is_err());
    }

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
