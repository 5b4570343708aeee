//! Replies of a server.

use super::resp::{MAX_VALUE, ProtocolError, Reader, Stop, bulk, number};
use std::fmt;

/// `CLUSTER SLOTS` has the longest reply of all that sessions need: in the worst case, an entry for each slot.
const MAX_ARRAY: usize = 16384;
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

    /// Whether a cloud limits the logins with its tokens: Google's `ERR_IAM_EXHAUSTED`.
    /// <https://cloud.google.com/memorystore/docs/cluster/about-iam-auth>
    #[must_use]
    pub fn is_limit_of_logins(&self) -> bool {
        self.0.contains("IAM_EXHAUSTED")
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
        Reader::new(bytes).message(|reader| Self::read(reader, MAX_DEPTH))
    }

    fn read(reader: &mut Reader<'_>, depth: usize) -> Result<Self, Stop> {
        let text = |line| String::from_utf8_lossy(line).into_owned();
        Ok(match reader.kind()? {
            b'+' => Self::Status(text(reader.line()?)),
            b'-' => Self::Error(ErrorReply(text(reader.line()?))),
            b':' => Self::Integer(number(reader.line()?)?),
            b'$' => match reader.length(MAX_VALUE)? {
                Some(length) => Self::Bulk(reader.value(length)?.to_vec()),
                None => Self::Nil,
            },
            b'*' => {
                let depth = depth.checked_sub(1).ok_or(ProtocolError::TooLong)?;
                let Some(length) = reader.length(MAX_ARRAY)? else { return Ok(Self::Nil) };
                let items = (0..length).map(|_| Self::read(reader, depth));
                Self::Array(items.collect::<Result<_, _>>()?)
            }
            0x15 => return Err(ProtocolError::IsTls.into()),
            _ => return Err(ProtocolError::NotRedis.into()),
        })
    }

    /// As it is sent; of an error, what may be shown.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Status(text) => format!("+{text}\r\n").into_bytes(),
            Self::Error(error) => format!("-{error}\r\n").into_bytes(),
            Self::Integer(number) => format!(":{number}\r\n").into_bytes(),
            Self::Nil => b"$-1\r\n".to_vec(),
            Self::Bulk(value) => bulk(value),
            Self::Array(replies) => {
                let items = replies.iter().flat_map(Self::encode);
                format!("*{}\r\n", replies.len()).into_bytes().into_iter().chain(items).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::MAX_LINE;
    use proptest::collection::vec;
    use proptest::prelude::*;

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
            let whole = reply.encode();
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
            (b"*16385\r\n", ProtocolError::TooLong),
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
