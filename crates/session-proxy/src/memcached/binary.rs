//! The binary protocol: PHP's handler speaks it with us, and a server with a login by SASL.
//! <https://github.com/memcached/memcached/wiki/BinaryProtocolRevamped>

use super::op::{Condition, Item, NewItem, NotMemcached, Op, ParsedReply, Reply};
use store_client::{MAX_VALUE, printable};

pub(super) const REQUEST: u8 = 0x80;
pub(super) const RESPONSE: u8 = 0x81;
pub(super) const HEADER: usize = 24;
/// More than a key and the extras of a message take.
const MOST_BESIDE_VALUE: usize = 1 << 10;

pub(super) mod opcode {
    pub(crate) const GET: u8 = 0x00;
    pub(crate) const SET: u8 = 0x01;
    pub(crate) const ADD: u8 = 0x02;
    pub(crate) const DELETE: u8 = 0x04;
    pub(crate) const QUIT: u8 = 0x07;
    pub(crate) const NOOP: u8 = 0x0a;
    pub(crate) const VERSION: u8 = 0x0b;
    pub(crate) const GETK: u8 = 0x0c;
    /// The same, without a response where there is none: PHP's class `Memcached` sends it, and `NOOP` after it.
    pub(crate) const GETKQ: u8 = 0x0d;
    pub(crate) const TOUCH: u8 = 0x1c;
    pub(crate) const SASL_AUTH: u8 = 0x21;
}

pub(super) mod status {
    pub(crate) const SUCCESS: u16 = 0x00;
    pub(crate) const NOT_FOUND: u16 = 0x01;
    pub(crate) const EXISTS: u16 = 0x02;
    pub(crate) const TOO_LARGE: u16 = 0x03;
    pub(crate) const INVALID: u16 = 0x04;
    pub(crate) const NOT_STORED: u16 = 0x05;
    pub(crate) const UNKNOWN_COMMAND: u16 = 0x81;
    pub(crate) const OUT_OF_MEMORY: u16 = 0x82;
    pub(crate) const TEMPORARY_FAILURE: u16 = 0x86;
}

/// A request or a response; its parts are those of the received bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) opcode: u8,
    /// Of a response.
    pub(super) status: u16,
    pub(super) opaque: [u8; 4],
    pub(super) version: u64,
    pub(super) extras: &'a [u8],
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
}

impl<'a> Message<'a> {
    pub(super) fn new(opcode: u8, key: &'a [u8], value: &'a [u8]) -> Self {
        Self { opcode, status: 0, opaque: [0; 4], version: 0, extras: &[], key, value }
    }

    /// As a [`REQUEST`] or a [`RESPONSE`].
    pub(super) fn encode(&self, magic: u8) -> Vec<u8> {
        let Self { extras, key, value, .. } = self;
        // A key has at most 250 bytes, extras 8.
        let key_length = u16::try_from(key.len()).unwrap_or(u16::MAX);
        let extras_length = u8::try_from(extras.len()).unwrap_or(u8::MAX);
        let body = u32::try_from(extras.len() + key.len() + value.len()).unwrap_or(u32::MAX);
        [
            &[magic, self.opcode][..],
            &key_length.to_be_bytes(),
            &[extras_length, 0],
            &self.status.to_be_bytes(),
            &body.to_be_bytes(),
            &self.opaque,
            &self.version.to_be_bytes(),
            extras,
            key,
            value,
        ]
        .concat()
    }

    /// The [`REQUEST`] or [`RESPONSE`] at the start of `bytes`, and its length.
    pub(super) fn parse(magic: u8, bytes: &'a [u8]) -> Result<Option<(Self, usize)>, NotMemcached> {
        if bytes.first().is_some_and(|first| *first != magic) {
            return Err(NotMemcached);
        }
        let Some(length) = announced(bytes) else { return Ok(None) };
        let extras = usize::from(bytes[4]);
        let key = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        if length > HEADER + MAX_VALUE + MOST_BESIDE_VALUE || HEADER + extras + key > length {
            return Err(NotMemcached);
        }
        let Some(body) = bytes.get(HEADER..length) else { return Ok(None) };
        let (extras, rest) = body.split_at(extras);
        let (key, value) = rest.split_at(key);
        let number = |at: usize| bytes[at..].first_chunk().copied().unwrap_or_default();
        let message = Self {
            opcode: bytes[1],
            status: u16::from_be_bytes([bytes[6], bytes[7]]),
            opaque: [bytes[12], bytes[13], bytes[14], bytes[15]],
            version: u64::from_be_bytes(number(16)),
            extras,
            key,
            value,
        };
        Ok(Some((message, length)))
    }

    /// The number of four bytes at this place of the extras.
    pub(super) fn extra(&self, at: usize) -> Option<u32> {
        let bytes = self.extras.get(at..at + 4)?;
        Some(u32::from_be_bytes(*bytes.first_chunk()?))
    }
}

/// The length of the message at the start of `bytes`, if its header is there.
pub(super) fn announced(bytes: &[u8]) -> Option<usize> {
    let header = bytes.first_chunk::<HEADER>()?;
    let body = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
    usize::try_from(body).ok()?.checked_add(HEADER)
}

pub(super) fn encode(op: &Op<'_>) -> Vec<u8> {
    let none = Vec::new();
    let (opcode, key, value, extras, version): (u8, &[u8], &[u8], Vec<u8>, u64) = match op {
        Op::Get(key) => (opcode::GET, key, b"", none, 0),
        Op::Delete(key) => (opcode::DELETE, key, b"", none, 0),
        Op::DeleteIf(key, version) => (opcode::DELETE, key, b"", none, *version),
        Op::Touch(key, seconds) => (opcode::TOUCH, key, b"", seconds.to_be_bytes().to_vec(), 0),
        Op::Store { key, data: NewItem { bytes, flags, seconds }, when } => {
            let (opcode, version) = match when {
                Condition::Missing => (opcode::ADD, 0),
                Condition::Always => (opcode::SET, 0),
                Condition::Unchanged(version) => (opcode::SET, *version),
            };
            (opcode, key, bytes, [flags.to_be_bytes(), seconds.to_be_bytes()].concat(), version)
        }
    };
    Message { extras: &extras, version, ..Message::new(opcode, key, value) }.encode(REQUEST)
}

pub(super) fn parse(op: &Op<'_>, bytes: &[u8]) -> ParsedReply {
    let Some((message, length)) = Message::parse(RESPONSE, bytes)? else { return Ok(None) };
    let expected: &[u8] = match op {
        Op::Get(_) => &[opcode::GET],
        Op::Store { .. } => &[opcode::ADD, opcode::SET],
        Op::Touch(..) => &[opcode::TOUCH],
        Op::Delete(_) | Op::DeleteIf(..) => &[opcode::DELETE],
    };
    if !expected.contains(&message.opcode) {
        return Err(NotMemcached);
    }
    let reply = match (message.status, op) {
        (status::SUCCESS, Op::Get(_)) => Reply::Value(Item {
            data: message.value.to_vec(),
            flags: message.extra(0).unwrap_or(0),
            version: message.version,
        }),
        (status::SUCCESS, _) => Reply::Done,
        (status::NOT_FOUND, _) => Reply::Missing,
        (status::EXISTS | status::NOT_STORED, _) => Reply::Exists,
        (status::TOO_LARGE, _) => Reply::TooLarge,
        (status, _) => {
            let said = printable(&String::from_utf8_lossy(message.value));
            Reply::Refused(format!("{said} (status {status})"))
        }
    };
    Ok(Some((reply, length)))
}
