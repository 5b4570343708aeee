//! Where a cluster keeps its keys: in slots, each of which one primary serves.

use std::collections::BTreeSet;
use store_client::{Address, ErrorReply, Reply};

const LAST_SLOT: u16 = 16383;

/// The slot of a key: the last 14 bits of its CRC-16/XMODEM.
pub(super) fn slot_of(key: &[u8]) -> u16 {
    let of_bit = |sum: u16| if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ 0x1021 };
    let of_byte =
        |sum: u16, byte: &u8| (0..8).fold(sum ^ u16::from(*byte) << 8, |sum, _| of_bit(sum));
    hashed(key).iter().fold(0, of_byte) & LAST_SLOT
}

/// The first `{tag}` of a key, if that is not empty, else all of it.
fn hashed(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|byte| *byte == b'{') else { return key };
    let rest = &key[open + 1..];
    match rest.iter().position(|byte| *byte == b'}') {
        None | Some(0) => key,
        Some(close) => &rest[..close],
    }
}

/// Which node serves which slots.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SlotMap {
    /// The first and the last slot of a range, and its primary; in order.
    ranges: Vec<(u16, u16, Address)>,
    /// Primaries and replicas.
    pub(super) nodes: Vec<Address>,
}

impl SlotMap {
    /// Reads the reply to `CLUSTER SLOTS` of the node that was `asked`; `None` if it names no primary.
    pub(super) fn told_by(reply: &Reply, asked: &Address) -> Option<Self> {
        let Reply::Array(entries) = reply else { return None };
        let (mut ranges, mut nodes) = (Vec::new(), Vec::new());
        for entry in entries {
            let Reply::Array(parts) = entry else { return None };
            let [Reply::Integer(first), Reply::Integer(last), of_range @ ..] = &parts[..] else {
                return None;
            };
            let named: Vec<_> = of_range.iter().map(|node| node_of(node, asked)).collect();
            // A primary whose host is unknown has no address, whatever its replicas have.
            if let Some(Some(primary)) = named.first() {
                let slots = (u16::try_from(*first).ok()?, u16::try_from(*last).ok()?);
                ranges.push((slots.0, slots.1, primary.clone()));
            }
            for node in named.into_iter().flatten() {
                if !nodes.contains(&node) {
                    nodes.push(node);
                }
            }
        }
        ranges.sort_by_key(|(first, ..)| *first);
        (!ranges.is_empty()).then_some(Self { ranges, nodes })
    }

    /// The primary that serves a slot.
    pub(super) fn owner(&self, slot: u16) -> Option<&Address> {
        let after = self.ranges.partition_point(|(first, ..)| *first <= slot);
        let (_, last, owner) = self.ranges.get(after.checked_sub(1)?)?;
        (slot <= *last).then_some(owner)
    }

    /// Who can tell whether a node was replaced, except those that were `asked`: its replicas, or anybody else that can tell
    /// who they are, unless that `is_told`.
    pub(super) fn who_knows_of(
        &self,
        node: &Address,
        asked: &[Address],
        is_told: bool,
    ) -> Option<&Address> {
        let is_primary = |node: &Address| self.ranges.iter().any(|(.., owner)| owner == node);
        // In the server's reply they follow it.
        let of_node = self.nodes.iter().skip_while(|it| *it != node).skip(1);
        let replicas = of_node.take_while(|it| !is_primary(it));
        let others = self.nodes.iter().filter(|it| !is_told && *it != node);
        replicas.chain(others).find(|it| !asked.contains(it))
    }

    /// How many primaries serve slots.
    pub(super) fn primaries(&self) -> usize {
        self.ranges.iter().map(|(.., owner)| owner.to_string()).collect::<BTreeSet<_>>().len()
    }
}

/// A node: its host, its port, and more that we do not need.
fn node_of(node: &Reply, asked: &Address) -> Option<Address> {
    let Reply::Array(parts) = node else { return None };
    let [host, Reply::Integer(port), ..] = &parts[..] else { return None };
    let host = if let Reply::Bulk(host) = host { str::from_utf8(host).ok()? } else { "" };
    address(host, u16::try_from(*port).ok()?, asked)
}

/// The address that a node announces. Without a host, it is that of the node that was asked; `?` is one that nobody knows.
fn address(host: &str, port: u16, asked: &Address) -> Option<Address> {
    let host = if host.is_empty() { Some(asked.host.clone()) } else { host.parse().ok() };
    host.filter(|_| port > 0).map(|host| Address { host, port })
}

/// Where a key is, in the words of a node that does not have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirect {
    /// Whether it is only this time, because the slot is being moved.
    pub(super) is_ask: bool,
    pub(super) to: Option<Address>,
}

impl Redirect {
    /// What an error of the node that was `asked` says, if it is one of these: `MOVED slot host:port`, `ASK slot host:port`.
    pub(super) fn told_by(error: &ErrorReply, asked: &Address) -> Option<Self> {
        let is_ask = match error.code() {
            "MOVED" => false,
            "ASK" => true,
            _ => return None,
        };
        let place = error.text().split(' ').nth(2).unwrap_or_default();
        let to = place.trim_end().rsplit_once(':').and_then(|(host, port)| {
            let port = port.parse().ok()?;
            address(host, port, asked)
        });
        Some(Self { is_ask, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Address {
        Address::parse(text, 6379).unwrap()
    }

    fn node(host: Reply, port: i64) -> Reply {
        let id = Reply::Bulk(b"id".to_vec());
        Reply::Array(vec![host, Reply::Integer(port), id, Reply::Array(Vec::new())])
    }

    fn host(text: &str) -> Reply {
        Reply::Bulk(text.as_bytes().to_vec())
    }

    fn range(first: i64, last: i64, nodes: Vec<Reply>) -> Reply {
        let slots = [Reply::Integer(first), Reply::Integer(last)];
        Reply::Array(slots.into_iter().chain(nodes).collect())
    }

    /// The cluster specification's own example of the checksum, and what `CLUSTER KEYSLOT` says.
    #[test]
    fn a_key_has_the_slot_that_the_server_says() {
        for (key, slot) in [
            ("123456789", 0x31C3),
            ("", 0),
            ("PHPREDIS_CLUSTER_SESSION:abc", slot_of(b"{PHPREDIS_CLUSTER_SESSION:abc}_LOCK")),
            ("a{b}c", slot_of(b"b")),
            ("{b}{c}", slot_of(b"b")),
            ("foo", 12182),
            ("foo{}{bar}", 8363),
            ("foo{{bar}}zap", 4015),
        ] {
            assert_eq!(slot_of(key.as_bytes()), slot, "{key}");
        }
    }

    #[test]
    fn a_map_names_the_primaries_of_slots() {
        let reply = Reply::Array(vec![
            range(101, 16383, vec![node(host("10.0.0.2"), 7002)]),
            range(0, 99, vec![node(host("10.0.0.1"), 7001), node(host("node.shop"), 7003)]),
        ]);
        let map = SlotMap::told_by(&reply, &at("seed")).unwrap();
        assert_eq!(map.owner(0), Some(&at("10.0.0.1:7001")));
        assert_eq!(map.owner(99), Some(&at("10.0.0.1:7001")));
        assert_eq!(map.owner(100), None);
        assert_eq!(map.owner(16383), Some(&at("10.0.0.2:7002")));
        assert_eq!((map.primaries(), map.nodes.len()), (2, 3));
        let (primary, replica) = (at("10.0.0.1:7001"), [at("node.shop:7003")]);
        assert_eq!(map.who_knows_of(&primary, &[], false), Some(&replica[0]));
        assert_eq!(map.who_knows_of(&primary, &replica, true), None);
        assert_eq!(map.who_knows_of(&primary, &replica, false), Some(&at("10.0.0.2:7002")));
        assert_eq!(map.who_knows_of(&at("10.0.0.2:7002"), &[], true), None);
    }

    #[test]
    fn without_a_host_it_is_the_one_that_was_asked() {
        for (name, expected) in [
            (Reply::Nil, Some(at("seed:7001"))),
            (host(""), Some(at("seed:7001"))),
            (host("?"), None),
            (host("fd00::5"), Some(at("[fd00::5]:7001"))),
        ] {
            let other = range(1, 9, vec![node(host("other"), 7002)]);
            let reply = Reply::Array(vec![range(0, 0, vec![node(name, 7001)]), other]);
            let map = SlotMap::told_by(&reply, &at("seed:7009")).unwrap();
            assert_eq!(map.owner(0), expected.as_ref());
        }
        for reply in [Reply::Nil, Reply::Array(Vec::new()), Reply::Array(vec![Reply::Nil])] {
            assert_eq!(SlotMap::told_by(&reply, &at("seed")), None);
        }
    }

    #[test]
    fn a_redirect_says_where_to() {
        for (text, is_ask, to) in [
            ("MOVED 3999 10.0.0.1:6381", false, Some("10.0.0.1:6381")),
            ("ASK 3999 10.0.0.1:6381", true, Some("10.0.0.1:6381")),
            ("MOVED 3999 :6381", false, Some("seed:6381")),
            ("MOVED 3999 ?:6381", false, None),
            ("MOVED 3999 fd00::5:6381", false, Some("[fd00::5]:6381")),
            ("MOVED", false, None),
            ("MOVED 3999 x:0", false, None),
        ] {
            let told = Redirect::told_by(&ErrorReply::new(text), &at("seed:7009"));
            assert_eq!(told, Some(Redirect { is_ask, to: to.map(at) }), "{text}");
        }
        let error = ErrorReply::new("ERR MOVED 3999 10.0.0.1:6381");
        assert_eq!(Redirect::told_by(&error, &at("seed")), None);
    }
}
