//! The protocols of servers.

use super::op::{Condition, NewItem, Op, ParsedReply};
use super::{binary, text};

/// The protocol of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Every server and proxy speaks it; there is a version of it with a login.
    Text,
    /// With a login by SASL.
    Binary,
}

impl Wire {
    /// All of them, as they are sent together.
    pub(crate) fn encode(self, ops: &[Op<'_>]) -> Vec<u8> {
        let encode = match self {
            Self::Text => text::encode,
            Self::Binary => binary::encode,
        };
        ops.iter().map(encode).collect::<Vec<_>>().concat()
    }

    /// The reply to `op` at the start of `bytes`.
    pub(crate) fn parse(self, op: &Op<'_>, bytes: &[u8]) -> ParsedReply {
        match self {
            Self::Text => text::parse(op, bytes),
            Self::Binary => binary::parse(op, bytes),
        }
    }
}

/// The lengths of what a fuzzer's server says to each kind of operation on `key`, in both protocols; `None` where it is
/// incomplete or no reply.
#[must_use]
pub fn reply_lengths(key: &[u8], bytes: &[u8]) -> Vec<Option<usize>> {
    let data = NewItem { bytes: b"data", flags: 0, seconds: 60 };
    let store = Op::Store { key, data, when: Condition::Missing };
    let ops = [Op::Get(key), store, Op::Touch(key, 60), Op::Delete(key), Op::DeleteIf(key, 7)];
    let of = |wire: Wire| {
        let parsed = ops.iter().map(move |op| wire.parse(op, bytes));
        parsed.map(|parsed| parsed.ok().flatten().map(|(_, length)| length))
    };
    of(Wire::Text).chain(of(Wire::Binary)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::op::{Item, NotMemcached, Reply};
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const KEY: &[u8] = b"memc.sess.key.a";

    fn ops() -> [Op<'static>; 5] {
        let data = NewItem { bytes: b"", flags: 0, seconds: 1 };
        let store = Op::Store { key: KEY, data, when: Condition::Always };
        [Op::Get(KEY), store, Op::Touch(KEY, 1), Op::Delete(KEY), Op::DeleteIf(KEY, 7)]
    }

    #[test]
    fn text_is_read_only_as_a_whole_and_only_for_what_was_asked() {
        let [get, store, touch, delete, _] = ops();
        let value = Reply::Value(Item { data: b"a\r\nb".to_vec(), flags: 3, version: 9 });
        let refused = |text: &str| Reply::Refused(text.to_owned());
        for (op, text, reply) in [
            (get, "VALUE memc.sess.key.a 3 4 9\r\na\r\nb\r\nEND\r\n", value),
            (get, "END\r\n", Reply::Missing),
            (store, "STORED\r\n", Reply::Done),
            (store, "NOT_STORED\r\n", Reply::Exists),
            (store, "EXISTS\r\n", Reply::Exists),
            (store, "NOT_FOUND\r\n", Reply::Missing),
            (store, "SERVER_ERROR object too large for cache\r\n", Reply::TooLarge),
            (store, "SERVER_ERROR out of memory\r\n", refused("SERVER_ERROR out of memory")),
            (touch, "TOUCHED\r\n", Reply::Done),
            (delete, "DELETED\r\n", Reply::Done),
            (delete, "ERROR\r\n", refused("ERROR")),
        ] {
            let bytes = text.as_bytes();
            for cut in 0..bytes.len() {
                assert_eq!(Wire::Text.parse(&op, &bytes[..cut]), Ok(None), "{text} {cut}");
            }
            let followed = [bytes, b"STORED\r\n"].concat();
            assert_eq!(Wire::Text.parse(&op, &followed), Ok(Some((reply, bytes.len()))), "{text}");
        }
        for (op, text) in [
            (store, "TOUCHED\r\n"),
            (get, "STORED\r\n"),
            (get, "VALUE other 0 1 9\r\na\r\nEND\r\n"),
            (get, "VALUE memc.sess.key.a 0 1 9\r\nabcdEND\r\n"),
            (get, "VALUE memc.sess.key.a 0 -1 9\r\n"),
            (get, "VALUE memc.sess.key.a 0 99999999999 9\r\n"),
            (get, "VALUE memc.sess.key.a\r\n"),
        ] {
            assert_eq!(Wire::Text.parse(&op, text.as_bytes()), Err(NotMemcached), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_server_sends_is_a_reply_or_none(
            bytes in vec(any::<u8>(), 0..100),
            begins in prop::sample::select(vec![&b""[..], b"VALUE memc.sess.key.a ", b"\x81\x00", b"STORED"]),
        ) {
            let bytes = [begins, &bytes].concat();
            for (wire, op) in [Wire::Text, Wire::Binary].into_iter().flat_map(|wire| ops().map(|op| (wire, op))) {
                if let Ok(Some((_, length))) = wire.parse(&op, &bytes) {
                    prop_assert!((1..=bytes.len()).contains(&length));
                }
            }
        }
    }
}
