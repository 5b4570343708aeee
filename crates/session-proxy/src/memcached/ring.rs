//! Which server has a key: as libmemcached spreads them for PHP's handler by default (`memcached.sess_consistent_hash_type`
//! is `ketama`), so that instances with and without the proxy find the same sessions.

use store_client::{Address, Host};

/// libmemcached's `MEMCACHED_POINTS_PER_SERVER`.
const POINTS: u32 = 100;
/// libmemcached leaves it out of a server's name.
const DEFAULT_PORT: u16 = 11211;

/// Points on a circle, each with the number of its server.
#[derive(Debug)]
pub(super) struct Ring(Vec<(u32, usize)>);

impl Ring {
    pub(super) fn new(servers: &[Address]) -> Self {
        let mut points: Vec<_> = (0..)
            .zip(servers)
            .flat_map(|(number, server)| {
                let name = name(server);
                (0..POINTS).map(move |point| (hash(format!("{name}-{point}").as_bytes()), number))
            })
            .collect();
        points.sort_unstable();
        Self(points)
    }

    /// The server of a key, without the prefix of all of them.
    pub(super) fn server_of(&self, key: &[u8]) -> usize {
        let hash = hash(key);
        let next = self.0.partition_point(|(point, _)| *point < hash);
        self.0.get(next).or(self.0.first()).map_or(0, |(_, server)| *server)
    }
}

fn name(Address { host, port }: &Address) -> String {
    let host = match host {
        Host::Name(name) => name.clone(),
        Host::Ip(ip) => ip.to_string(),
    };
    if *port == DEFAULT_PORT { host } else { format!("{host}:{port}") }
}

/// Jenkins's one-at-a-time.
fn hash(text: &[u8]) -> u32 {
    let mut hash = text.iter().fold(0_u32, |hash, byte| {
        let hash = hash.wrapping_add(u32::from(*byte));
        let hash = hash.wrapping_add(hash << 10);
        hash ^ (hash >> 6)
    });
    hash = hash.wrapping_add(hash << 3);
    hash ^= hash >> 11;
    hash.wrapping_add(hash << 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What libmemcached 1.1.4 says, as PHP's handler uses it (`MEMCACHED_BEHAVIOR_KETAMA`).
    #[test]
    fn keys_are_where_libmemcached_has_them() {
        let servers = ["mc1.example:11211", "mc2.example:11212", "10.0.0.3:11211"];
        let ring = Ring::new(&servers.map(|server| Address::parse(server, 0).unwrap()));
        let found = (0..40).map(|number| ring.server_of(format!("session{number}").as_bytes()));
        let found: String = found.map(|server| server.to_string()).collect();
        assert_eq!(found, "1211120201221222011122000022220001202102");
    }
}
