//! Requests of PHP's redis handler, parsed with limits: only session commands, on session keys.

use std::time::Duration;
use store_client::{Command, Parsed, ProtocolError};

/// `SET key secret NX PX ms` has six, `EVAL script 1 key secret` has five.
const MAX_PARTS: usize = 8;
/// Our own command: the state of the proxy.
pub(super) const STATUS: &str = "SESSIONPROXY.STATUS";
/// Our own command: whether the service is reachable.
pub(super) const REACH: &str = "SESSIONPROXY.REACH";
/// The suffix of a lock's key.
const LOCK: &[u8] = b"_LOCK";

/// A request by PHP. Keys include their prefix.
#[derive(Clone, PartialEq, Eq)]
pub enum Request {
    /// `ECHO text`: whether the connection is alive.
    Echo(Vec<u8>),
    /// `AUTH`, `SELECT 0`: nothing to do.
    Accepted,
    /// `SET key_LOCK secret NX`, with `PX milliseconds` if PHP wants the lock to end by itself.
    Lock { key: Vec<u8>, owner: Vec<u8>, expire: Option<Duration> },
    /// `GET key`; the key may be a lock's.
    Get(Vec<u8>),
    /// `GETEX key EX seconds`.
    GetAndExpire(Vec<u8>, Vec<u8>),
    /// `SETEX key seconds data`; the seconds are its lifetime.
    Write { key: Vec<u8>, seconds: Vec<u8>, data: Vec<u8> },
    /// `EXPIRE key seconds`.
    Expire(Vec<u8>, Vec<u8>),
    /// `EVALSHA` or `EVAL` of the script that removes a lock.
    Unlock { key: Vec<u8>, owner: Vec<u8> },
    /// `DEL key`.
    Delete(Vec<u8>),
    /// `EXISTS key`.
    Exists(Vec<u8>),
    /// Our own: the state of the proxy.
    Status,
    /// Our own: whether the service is reachable, asked for this key.
    Reach(Vec<u8>),
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("ERR Protocol error")]
    Protocol,
    #[error("ERR too long for a session")]
    TooLong,
    #[error("ERR not a command of PHP's sessions")]
    Command,
    #[error("NOPERM not the key of a session")]
    Key,
}

impl From<ProtocolError> for Refusal {
    fn from(error: ProtocolError) -> Self {
        match error {
            ProtocolError::TooLong => Self::TooLong,
            ProtocolError::NotRedis | ProtocolError::IsTls => Self::Protocol,
        }
    }
}

/// Finds the parts of the command at the start of `bytes`, and its length; `None` if it is incomplete.
///
/// # Errors
/// Fails if it is not a command, or too long.
pub fn parse(bytes: &[u8]) -> Result<Option<Parsed<'_>>, Refusal> {
    Ok(Command::parse(bytes, MAX_PARTS)?)
}

/// How long the command at the start of `bytes` will be, as far as the received part tells.
pub(super) fn announced(bytes: &[u8]) -> usize {
    Command::announced(bytes, MAX_PARTS)
}

impl Request {
    /// Interprets the parts of a command. `prefix` is that of session keys.
    ///
    /// # Errors
    /// Fails if it is not a session command on a session key.
    pub fn read(parts: &[&[u8]], prefix: &[u8]) -> Result<Self, Refusal> {
        // However long: PHP's handler takes any id, too.
        let key = |key: &[u8]| {
            if key.starts_with(prefix) { Ok(key.to_vec()) } else { Err(Refusal::Key) }
        };
        let session = |lock: &[u8]| key(lock.strip_suffix(LOCK).ok_or(Refusal::Key)?);
        let seconds = |text: &[u8]| {
            let number = text.len() <= 10 && text.iter().all(u8::is_ascii_digit);
            if number { Ok(text.to_vec()) } else { Err(Refusal::Command) }
        };
        let name = parts.first().ok_or(Refusal::Command)?.to_ascii_uppercase();
        match (name.as_slice(), &parts[1..]) {
            (b"ECHO", [text]) => Ok(Self::Echo(text.to_vec())),
            (b"AUTH", [_] | [_, _]) | (b"SELECT", [b"0"]) => Ok(Self::Accepted),
            (b"SET", [lock, owner, options @ ..]) => Ok(Self::Lock {
                key: session(lock)?,
                owner: owner.to_vec(),
                expire: lock_expire(options)?,
            }),
            (b"GET", [name]) => Ok(Self::Get(key(name)?)),
            (b"GETEX", [name, unit, ttl]) if unit.eq_ignore_ascii_case(b"EX") => {
                Ok(Self::GetAndExpire(key(name)?, seconds(ttl)?))
            }
            (b"SETEX", [name, ttl, data]) => {
                Ok(Self::Write { key: key(name)?, seconds: seconds(ttl)?, data: data.to_vec() })
            }
            (b"EXPIRE", [name, ttl]) => Ok(Self::Expire(key(name)?, seconds(ttl)?)),
            (b"EVALSHA" | b"EVAL", [_, b"1", lock, owner]) => {
                Ok(Self::Unlock { key: session(lock)?, owner: owner.to_vec() })
            }
            (b"DEL", [name]) => Ok(Self::Delete(key(name)?)),
            (b"EXISTS", [name]) => Ok(Self::Exists(key(name)?)),
            (name, []) if name == STATUS.as_bytes() => Ok(Self::Status),
            (name, []) if name == REACH.as_bytes() => Ok(Self::Reach([prefix, b"reach"].concat())),
            _ => Err(Refusal::Command),
        }
    }
}

/// `NX`, `NX PX milliseconds`.
fn lock_expire(options: &[&[u8]]) -> Result<Option<Duration>, Refusal> {
    let is = |word: &[u8], option: &str| word.eq_ignore_ascii_case(option.as_bytes());
    match options {
        [nx] if is(nx, "NX") => Ok(None),
        [nx, px, number] if is(nx, "NX") && is(px, "PX") => {
            let number = std::str::from_utf8(number).ok().and_then(|text| text.parse().ok());
            number.map(Duration::from_millis).map(Some).ok_or(Refusal::Command)
        }
        _ => Err(Refusal::Command),
    }
}

/// The key of a session's lock, as PHP's handler names it.
pub(super) fn lock_of(key: &[u8]) -> Vec<u8> {
    [key, LOCK].concat()
}

/// The key of the session that a lock is for.
pub(super) fn session_of(lock: &[u8]) -> Option<&[u8]> {
    lock.strip_suffix(LOCK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const PREFIX: &[u8] = b"P:";

    fn read(text: &str) -> Result<Request, Refusal> {
        let parts: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
        Request::read(&parts, PREFIX)
    }

    proptest! {
        #[test]
        fn what_is_sent_is_read_wherever_it_is_cut(parts in vec(vec(any::<u8>(), 0..40), 1..=8)) {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let command = Command::new(&parts);
            let bytes = command.bytes();
            for cut in 0..bytes.len() {
                prop_assert_eq!(parse(&bytes[..cut]), Ok(None));
            }
            prop_assert_eq!(parse(bytes), Ok(Some((parts, bytes.len()))));
        }

        #[test]
        fn no_bytes_make_it_panic(start in "[*]?[0-9-]{0,20}(\r\n[$][0-9]{0,20})?", bytes in vec(any::<u8>(), 0..99)) {
            let bytes = [start.as_bytes(), &bytes].concat();
            if let Ok(Some((parts, length))) = parse(&bytes) {
                prop_assert!(length <= bytes.len());
                let _ = Request::read(&parts, PREFIX);
            }
        }
    }

    #[test]
    fn what_is_too_long_or_no_command_is_refused_before_it_is_there() {
        for (bytes, refusal) in [
            (&b"*9\r\n"[..], Refusal::TooLong),
            (b"*0\r\n", Refusal::TooLong),
            (b"*1\r\n$67108865\r\n", Refusal::TooLong),
            (b"*1\r\n$99999999999999999999\r\n", Refusal::Protocol),
            (b"*-1\r\n", Refusal::Protocol),
            (b"*1\r\n$+1\r\n", Refusal::Protocol),
            (b"GET / HTTP/1.1\r\n", Refusal::Protocol),
            (b"*1\r\n$1\r\nabc", Refusal::Protocol),
        ] {
            assert_eq!(parse(bytes), Err(refusal), "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn the_commands_of_sessions_are_understood() {
        let lock = |expire| Request::Lock { key: b"P:a".to_vec(), owner: b"h|1".to_vec(), expire };
        let half_a_minute = Some(Duration::from_secs(30));
        assert!(read("SET P:a_LOCK h|1 NX PX 30000") == Ok(lock(half_a_minute)));
        assert!(read("SET P:a_LOCK h|1 NX") == Ok(lock(None)));
        let long = format!("GET P:{}", "a".repeat(100_000));
        assert!(read(&long).is_ok());
        let unlock = Request::Unlock { key: b"P:a".to_vec(), owner: b"h|1".to_vec() };
        assert!(read("EVALSHA b70c 1 P:a_LOCK h|1") == Ok(unlock));
        assert!(read("get P:a") == Ok(Request::Get(b"P:a".to_vec())));
        assert!(read("SELECT 0") == Ok(Request::Accepted));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "GET Q:a",
            "DEL a",
            "SET Q:a_LOCK h|1 NX",
            "EVAL x 1 Q:a_LOCK h",
            "SETEX P:a\0 x",
            "FLUSHALL",
            "KEYS *",
            "CONFIG GET requirepass",
            "SET P:a h|1",
            "SET P:a_LOCK h|1 XX",
            "SET P:a_LOCK h|1 NX PX",
            "SET P:a_LOCK h|1 NX PX -1",
            "SELECT 1",
            "SETEX P:a -1 x",
            "EXPIRE P:a x",
            "DEL P:a P:b",
            "EVAL x 2 P:a_LOCK h",
            "EVAL x 1 P:a h",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
