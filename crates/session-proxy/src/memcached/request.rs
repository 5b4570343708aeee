//! Requests of PHP's memcached handler, parsed with limits: only what it sends for sessions, on session keys.

use super::binary::{HEADER, Message, REQUEST, RESPONSE, announced, opcode, status};
use super::lock::session_of;
use crate::exchange::ParsedRequest;
use crate::log::log;
use crate::request::{Request as Question, parse};
use store_client::MAX_VALUE;

/// The limit of Memcached.
const LONGEST_KEY: usize = 250;
/// The lifetime by which libmemcached asks whether there is a key: what is stored with it has ended in 1970.
const EXISTS_LIFETIME: u32 = 60 * 60 * 24 * 31;

/// A request by PHP. Keys include their prefix, and are those of sessions, not of their locks.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Request {
    Lock(Vec<u8>),
    Unlock(Vec<u8>),
    /// Reserves the id of a new session.
    Create {
        key: Vec<u8>,
        seconds: u32,
    },
    Exists(Vec<u8>),
    Get(Vec<u8>),
    Write {
        key: Vec<u8>,
        flags: u32,
        seconds: u32,
        data: Vec<u8>,
    },
    /// Extends its lifetime to so many seconds.
    Touch(Vec<u8>, u32),
    Delete(Vec<u8>),
    /// Nothing to do.
    Noop,
    Version,
    /// Our own questions, which are asked as with Redis: whether the proxy answers, its status, and whether it reaches
    /// the service.
    Ours(Question),
}

/// A request with what its response repeats.
#[derive(Clone, PartialEq, Eq)]
pub struct Incoming {
    opcode: u8,
    opaque: [u8; 4],
    pub(super) request: Request,
}

impl Incoming {
    /// The request at the start of `bytes`, and its length; `None` if it is incomplete. A refusal is the response to it.
    /// `prefix` is that of session keys.
    ///
    /// # Errors
    /// Fails with the last response if it is not a request in the binary protocol, or too long.
    pub fn parse(bytes: &[u8], prefix: &[u8]) -> Result<Option<ParsedRequest<Self>>, Vec<u8>> {
        if bytes.first() == Some(&b'*') {
            return question(bytes, prefix);
        }
        let Ok(parsed) = Message::parse(REQUEST, bytes) else { return Err(unreadable(bytes)) };
        Ok(parsed.map(|(message, length)| {
            let Message { opcode, opaque, .. } = message;
            let request = Request::read(&message, prefix);
            let incoming = request.map(|request| Self { opcode, opaque, request });
            (incoming.map_err(|status| response(opcode, opaque, status)), length)
        }))
    }

    /// How long the request at the start of `bytes` will be, as far as the received part tells.
    pub(super) fn announced(bytes: &[u8]) -> usize {
        announced(bytes).unwrap_or(bytes.len())
    }

    pub(super) fn response(&self, status: u16) -> Vec<u8> {
        response(self.opcode, self.opaque, status)
    }

    /// The response with a session's data.
    pub(super) fn value(&self, data: &[u8], flags: u32, version: u64) -> Vec<u8> {
        let key = match &self.request {
            Request::Get(key) if self.opcode != opcode::GET => key.as_slice(),
            _ => b"",
        };
        let (opaque, extras) = (self.opaque, &flags.to_be_bytes()[..]);
        Message { opaque, version, extras, ..Message::new(self.opcode, key, data) }.encode(RESPONSE)
    }

    /// The response where there is no such session; none to a quiet request.
    pub(super) fn missing(&self) -> Vec<u8> {
        if self.opcode == opcode::GETKQ { Vec::new() } else { self.response(status::NOT_FOUND) }
    }

    /// The response to a request of which only the beginning is there.
    pub(super) fn refusal(bytes: &[u8], status: u16) -> Vec<u8> {
        bytes.first_chunk::<HEADER>().map_or_else(Vec::new, |header| {
            response(header[1], [header[12], header[13], header[14], header[15]], status)
        })
    }
}

fn response(opcode: u8, opaque: [u8; 4], status: u16) -> Vec<u8> {
    Message { status, opaque, ..Message::new(opcode, b"", b"") }.encode(RESPONSE)
}

fn question(bytes: &[u8], prefix: &[u8]) -> Result<Option<ParsedRequest<Incoming>>, Vec<u8>> {
    let refused = |refusal| format!("-{refusal}\r\n").into_bytes();
    let parsed = parse(bytes).map_err(refused)?;
    Ok(parsed.map(|(parts, length)| {
        let request = Question::read(&parts, prefix).map(Request::Ours);
        let incoming = request.map(|request| Incoming { opcode: 0, opaque: [0; 4], request });
        (incoming.map_err(refused), length)
    }))
}

/// The last response where nobody knows where the next request would begin.
fn unreadable(bytes: &[u8]) -> Vec<u8> {
    match announced(bytes) {
        Some(length) if bytes[0] == REQUEST && length > HEADER + MAX_VALUE => {
            Incoming::refusal(bytes, status::TOO_LARGE)
        }
        _ => {
            log(format_args!(
                "PHP does not speak Memcached's binary protocol to the session proxy: does the app set memcached.sess_binary_protocol or memcached.sess_binary?"
            ));
            b"ERROR the session proxy speaks only the binary protocol\r\n".to_vec()
        }
    }
}

impl Request {
    /// Interprets a request; fails with a status.
    fn read(message: &Message<'_>, prefix: &[u8]) -> Result<Self, u16> {
        match message.opcode {
            opcode::NOOP | opcode::QUIT => return Ok(Self::Noop),
            opcode::VERSION => return Ok(Self::Version),
            _ => {}
        }
        let key = message.key;
        // What libmemcached takes for the text protocol.
        let is_one = key.len() <= LONGEST_KEY
            && key.starts_with(prefix)
            && key.iter().all(u8::is_ascii_graphic);
        let of_lock = session_of(key, prefix.len());
        let key = if is_one { key.to_vec() } else { return Err(status::INVALID) };
        let extra = |at| message.extra(at).ok_or(status::INVALID);
        // What the handler stores as a lock is not empty; where it reserves the id of a new session, it is.
        let is_empty = message.value.is_empty();
        match (message.opcode, of_lock) {
            (opcode::ADD, Some(session)) if !is_empty => Ok(Self::Lock(session)),
            (opcode::ADD, _) if !is_empty => Err(status::UNKNOWN_COMMAND),
            (opcode::ADD, _) => match extra(4)? {
                EXISTS_LIFETIME => Ok(Self::Exists(key)),
                seconds => Ok(Self::Create { key, seconds }),
            },
            (opcode::GET | opcode::GETK | opcode::GETKQ, _) => Ok(Self::Get(key)),
            (opcode::SET, _) => {
                let (flags, seconds) = (extra(0)?, extra(4)?);
                Ok(Self::Write { key, flags, seconds, data: message.value.to_vec() })
            }
            (opcode::TOUCH, _) => Ok(Self::Touch(key, extra(0)?)),
            (opcode::DELETE, Some(session)) => Ok(Self::Unlock(session)),
            (opcode::DELETE, None) => Ok(Self::Delete(key)),
            _ => Err(status::UNKNOWN_COMMAND),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const PREFIX: &[u8] = b"memc.sess.key.";

    #[test]
    fn a_request_is_read_as_a_whole_and_its_length_is_known_before() {
        let extras = [[0, 0, 0, 3], 1440_u32.to_be_bytes()].concat();
        let message = Message::new(opcode::SET, b"memc.sess.key.a", b"data");
        let bytes = Message { extras: &extras, ..message }.encode(REQUEST);
        for cut in 0..bytes.len() {
            assert!(matches!(Incoming::parse(&bytes[..cut], PREFIX), Ok(None)), "{cut}");
        }
        assert_eq!(Incoming::announced(&bytes[..HEADER]), bytes.len());
        let Ok(Some((Ok(incoming), length))) = Incoming::parse(&bytes, PREFIX) else { panic!() };
        assert_eq!(length, bytes.len());
        let (key, data) = (b"memc.sess.key.a".to_vec(), b"data".to_vec());
        assert!(incoming.request == Request::Write { key, flags: 3, seconds: 1440, data });
    }

    /// A server's reply with such a key could not be told from others.
    #[test]
    fn a_key_that_libmemcached_would_refuse_is_refused() {
        for (key, is_taken) in [
            ("memc.sess.key.a/b", true),
            ("memc.sess.key.a b", false),
            ("memc.sess.key.\u{fc}", false),
            ("other.a", false),
        ] {
            let bytes = Message::new(opcode::GETK, key.as_bytes(), b"").encode(REQUEST);
            let Ok(Some((incoming, _))) = Incoming::parse(&bytes, PREFIX) else { panic!("{key}") };
            assert_eq!(incoming.is_ok(), is_taken, "{key}");
        }
    }

    proptest! {
        #[test]
        fn whatever_php_sends_is_a_request_or_none(
            bytes in vec(any::<u8>(), 0..100),
            begins in prop::sample::select(vec![&b""[..], b"\x80", b"\x80\x01\0\x10\x08\0\0\0\0\0\0\x20", b"*1\r\n"]),
        ) {
            let bytes = [begins, &bytes].concat();
            if let Ok(Some((_, length))) = Incoming::parse(&bytes, PREFIX) {
                prop_assert!((1..=bytes.len()).contains(&length));
            }
        }
    }
}
