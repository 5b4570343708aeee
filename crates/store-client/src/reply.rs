//! Replies (RESP2), parsed with limits, because they come over the network.

use std::fmt;

/// Redis allows 512 MB per value (`proto-max-bulk-len`); no session comes near this limit.
const MAX_BULK: usize = 64 << 20;
/// For a status, an error or a number.
const MAX_LINE: usize = 4096;
/// `ROLE` and `INFO` have the longest replies of all that sessions need.
const MAX_ARRAY: usize = 4096;
const MAX_DEPTH: usize = 4;
/// The part of an error that we show.
const MAX_SHOWN: usize = 200;

/// A server's reply to one command.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// `+OK`
    Status(String),
    /// `-ERR …`
    Error(ErrorReply),
    /// `:1`
    Integer(i64),
    /// `$3 …`
    Bulk(Vec<u8>),
    /// `$-1`, `*-1`
    Nil,
    /// `*2 …`
    Array(Vec<Reply>),
}

/// Why a server refuses a command.
#[derive(Clone, PartialEq, Eq)]
pub struct ErrorReply(String);

/// The response is not a Redis reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    #[error("its reply is not in the Redis protocol")]
    NotRedis,
    #[error("it expects TLS")]
    IsTls,
    #[error("its reply is too long")]
    TooLong,
}

impl ErrorReply {
    /// An error, from the text after the `-`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Its first word, such as `NOAUTH` or `READONLY`.
    #[must_use]
    pub fn code(&self) -> &str {
        self.0.split([' ', '\r', '\n']).next().unwrap_or_default()
    }

    /// Whether the server, or a proxy in front of it, does not know the command. Proxies use their own words:
    /// `ERR unknown`, or Envoy's `unsupported command`.
    #[must_use]
    pub fn is_unknown_command(&self) -> bool {
        let text = self.0.to_ascii_lowercase();
        ["unknown command", "unsupported command"].iter().any(|it| text.contains(it))
            || text.trim_end() == "err unknown"
    }

    /// The server's full text; to show it, use `Display`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// The text without the arguments that some servers repeat, which may contain a password.
impl fmt::Display for ErrorReply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ARGUMENTS: &str = ", with args";
        let end = self.0.find(ARGUMENTS).unwrap_or(self.0.len());
        let plain = self.0[..end].chars().filter(|c| !c.is_control()).take(MAX_SHOWN);
        formatter.write_str(&plain.collect::<String>())
    }
}

impl fmt::Debug for ErrorReply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ErrorReply({self})")
    }
}

/// Shows no value: it may be a session.
impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(text) => write!(formatter, "Status({text:?})"),
            Self::Error(error) => error.fmt(formatter),
            Self::Integer(number) => write!(formatter, "Integer({number})"),
            Self::Bulk(bytes) => write!(formatter, "Bulk({} bytes)", bytes.len()),
            Self::Nil => formatter.write_str("Nil"),
            Self::Array(replies) => formatter.debug_list().entries(replies).finish(),
        }
    }
}

impl Reply {
    /// Parses the reply at the start of `bytes`, and returns it with its length; `None` if it is incomplete.
    ///
    /// # Errors
    /// Fails if it is not a reply, or longer than expected.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, ProtocolError> {
        Self::parse_nested(bytes, MAX_DEPTH)
    }

    fn parse_nested(bytes: &[u8], depth: usize) -> Result<Option<(Self, usize)>, ProtocolError> {
        let kind = match bytes.first() {
            None => return Ok(None),
            Some(kind @ (b'+' | b'-' | b':' | b'$' | b'*')) => *kind,
            Some(0x15) => return Err(ProtocolError::IsTls),
            Some(_) => return Err(ProtocolError::NotRedis),
        };
        let Some((line, start)) = line(bytes)? else { return Ok(None) };
        match kind {
            b'+' => Ok(Some((Self::Status(text(line)), start))),
            b'-' => Ok(Some((Self::Error(ErrorReply(text(line))), start))),
            b':' => Ok(Some((Self::Integer(number(line)?), start))),
            b'$' => bulk(bytes, start, number(line)?),
            _ => array(bytes, start, number(line)?, depth),
        }
    }
}

/// The first line without its type byte and line end, and the start of the next one.
fn line(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, ProtocolError> {
    match bytes.iter().take(MAX_LINE).position(|byte| *byte == b'\n') {
        Some(end) if end > 1 && bytes[end - 1] == b'\r' => Ok(Some((&bytes[1..end - 1], end + 1))),
        Some(_) => Err(ProtocolError::NotRedis),
        None if bytes.len() >= MAX_LINE => Err(ProtocolError::TooLong),
        None => Ok(None),
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

fn number(line: &[u8]) -> Result<i64, ProtocolError> {
    let text = std::str::from_utf8(line).map_err(|_| ProtocolError::NotRedis)?;
    text.parse().map_err(|_| ProtocolError::NotRedis)
}

/// `None` for -1, which means nil.
fn length(number: i64, most: usize) -> Result<Option<usize>, ProtocolError> {
    match usize::try_from(number) {
        Ok(length) if length <= most => Ok(Some(length)),
        Ok(_) => Err(ProtocolError::TooLong),
        Err(_) if number == -1 => Ok(None),
        Err(_) => Err(ProtocolError::NotRedis),
    }
}

fn bulk(bytes: &[u8], start: usize, number: i64) -> Result<Option<(Reply, usize)>, ProtocolError> {
    let Some(length) = length(number, MAX_BULK)? else { return Ok(Some((Reply::Nil, start))) };
    let end = start + length;
    match bytes.get(end..end + 2) {
        None => Ok(None),
        Some(b"\r\n") => Ok(Some((Reply::Bulk(bytes[start..end].to_vec()), end + 2))),
        Some(_) => Err(ProtocolError::NotRedis),
    }
}

fn array(
    bytes: &[u8],
    start: usize,
    number: i64,
    depth: usize,
) -> Result<Option<(Reply, usize)>, ProtocolError> {
    let depth = depth.checked_sub(1).ok_or(ProtocolError::TooLong)?;
    let Some(length) = length(number, MAX_ARRAY)? else { return Ok(Some((Reply::Nil, start))) };
    let mut replies = Vec::new();
    let mut end = start;
    for _ in 0..length {
        let Some((reply, length)) = Reply::parse_nested(&bytes[end..], depth)? else {
            return Ok(None);
        };
        replies.push(reply);
        end += length;
    }
    Ok(Some((Reply::Array(replies), end)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn encode(reply: &Reply) -> Vec<u8> {
        match reply {
            Reply::Status(text) => format!("+{text}\r\n").into_bytes(),
            Reply::Error(error) => format!("-{}\r\n", error.text()).into_bytes(),
            Reply::Integer(number) => format!(":{number}\r\n").into_bytes(),
            Reply::Nil => b"$-1\r\n".to_vec(),
            Reply::Bulk(bytes) => {
                [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
            }
            Reply::Array(replies) => {
                let items = replies.iter().flat_map(encode);
                format!("*{}\r\n", replies.len()).into_bytes().into_iter().chain(items).collect()
            }
        }
    }

    fn reply() -> impl Strategy<Value = Reply> {
        let leaf = prop_oneof![
            "[ -~]{0,20}".prop_map(Reply::Status),
            "[A-Z]{1,9} [ -~]{0,20}".prop_map(|text| Reply::Error(ErrorReply(text))),
            any::<i64>().prop_map(Reply::Integer),
            vec(any::<u8>(), 0..50).prop_map(Reply::Bulk),
            Just(Reply::Nil),
        ];
        leaf.prop_recursive(3, 20, 4, |item| vec(item, 0..4).prop_map(Reply::Array))
    }

    proptest! {
        #[test]
        fn what_is_sent_is_read_wherever_it_is_cut(reply in reply(), rest in vec(any::<u8>(), 0..9)) {
            let whole = encode(&reply);
            for cut in 0..whole.len() {
                prop_assert_eq!(Reply::parse(&whole[..cut]), Ok(None));
            }
            let length = whole.len();
            let followed = [whole, rest].concat();
            prop_assert_eq!(Reply::parse(&followed), Ok(Some((reply, length))));
        }

        #[test]
        fn no_bytes_make_it_panic(start in "[+:$*-]?[0-9-]{0,20}(\r\n)?", bytes in vec(any::<u8>(), 0..99)) {
            let bytes = [start.as_bytes(), &bytes].concat();
            if let Ok(Some((_, length))) = Reply::parse(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }

    #[test]
    fn what_is_too_long_or_no_reply_is_refused_at_once() {
        for (bytes, error) in [
            (&b"$67108865\r\n"[..], ProtocolError::TooLong),
            (b"*4097\r\n", ProtocolError::TooLong),
            (b"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", ProtocolError::TooLong),
            (&[b'+'; MAX_LINE], ProtocolError::TooLong),
            (b"$99999999999999999999\r\n", ProtocolError::NotRedis),
            (b"$-2\r\n", ProtocolError::NotRedis),
            (b"$1\r\nabc", ProtocolError::NotRedis),
            (b":1\n", ProtocolError::NotRedis),
            (b"HTTP/1.1 400 Bad Request\r\n", ProtocolError::NotRedis),
            (b"\x15\x03\x03\0\x02\x02\x46", ProtocolError::IsTls),
        ] {
            assert_eq!(Reply::parse(bytes), Err(error), "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn an_error_shows_no_argument_and_a_value_shows_nothing() {
        let error =
            ErrorReply::new("ERR unknown command 'AUTH', with args beginning with: 'hunter2'");
        assert_eq!(error.to_string(), "ERR unknown command 'AUTH'");
        assert_eq!(error.code(), "ERR");
        assert_eq!(format!("{:?}", Reply::Error(error)), "ErrorReply(ERR unknown command 'AUTH')");
        assert_eq!(format!("{:?}", Reply::Bulk(b"hunter2".to_vec())), "Bulk(7 bytes)");
    }
}
