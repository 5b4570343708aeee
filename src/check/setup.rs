//! Where a PHP program keeps its sessions, compared with where it should.

use super::question::hosts;
use crate::endpoint::Endpoint;
use crate::php::installation::Facts;
use percent_encoding::percent_decode_str;

pub(super) struct Expected<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) save_path: &'a str,
    /// The session proxy's, if PHP uses it.
    pub(super) socket: Option<&'a str>,
}

/// Where a program keeps its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setup {
    /// As this buildpack configured it.
    Ours,
    /// On the same servers, but by other settings, such as another buildpack's.
    SameServers,
    /// On other servers of the same kind than the bound ones.
    OtherServers,
    OtherHandler,
}

impl Expected<'_> {
    /// The session proxy is a single Redis to PHP, or a single Memcached.
    fn save_handler(&self) -> &'static str {
        match self.endpoint {
            Endpoint::Redis(_) if self.socket.is_some() => "redis",
            endpoint => endpoint.save_handler(),
        }
    }

    pub(super) fn setup(&self, facts: &Facts) -> Setup {
        let is_of_path = |host: &String| leads_to(&facts.save_path, host);
        if facts.save_handler != self.save_handler() {
            Setup::OtherHandler
        } else if facts.save_path == self.save_path {
            Setup::Ours
        } else if hosts(self.endpoint).iter().all(is_of_path) {
            Setup::SameServers
        } else {
            Setup::OtherServers
        }
    }
}

/// Whether a save path contains this host, and not just one with a longer name.
fn leads_to(save_path: &str, host: &str) -> bool {
    let path = percent_decode_str(save_path).decode_utf8_lossy();
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    path.match_indices(host).any(|(start, _)| {
        let (before, after) = (&path[..start], &path[start + host.len()..]);
        !before.ends_with(is_of_name) && !after.starts_with(is_of_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_found_as_a_whole() {
        for path in ["tcp://redis:6379?auth=x", "seed[]=redis%3A6379", "a:1,redis:2", "redis"] {
            assert!(leads_to(path, "redis"), "{path}");
        }
        for path in ["tcp://redis.shop:6379", "tcp://my-redis:1", "", "/var/lib/php"] {
            assert!(!leads_to(path, "redis"), "{path}");
        }
    }
}
