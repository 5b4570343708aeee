//! RESP, the Redis serialization protocol (version 2), as both sides read and write it. There are limits, because it comes over
//! a connection.

/// Redis allows 512 MB per value (`proto-max-bulk-len`); no session comes near this limit.
pub const MAX_VALUE: usize = 64 << 20;
/// For a status, an error or a number.
pub(super) const MAX_LINE: usize = 4096;
/// `$67108864`, with the line end and some room.
const MAX_LENGTH: usize = 16;

/// What comes is not RESP, or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    #[error("its reply is not in the Redis protocol")]
    NotRedis,
    #[error("it expects TLS")]
    IsTls,
    #[error("its reply is too long")]
    TooLong,
}

/// Why a message cannot be read.
pub(super) enum Stop {
    /// There is more to come, up to this length at least.
    Incomplete(usize),
    Invalid(ProtocolError),
}

impl From<ProtocolError> for Stop {
    fn from(error: ProtocolError) -> Self {
        Self::Invalid(error)
    }
}

/// Reads a message from the start of what has been received.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Returns what `read` reads, and its length; `None` if it is incomplete.
    pub(super) fn message<T>(
        mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Stop>,
    ) -> Result<Option<(T, usize)>, ProtocolError> {
        match read(&mut self) {
            Ok(message) => Ok(Some((message, self.at))),
            Err(Stop::Incomplete(_)) => Ok(None),
            Err(Stop::Invalid(error)) => Err(error),
        }
    }

    /// The type of what comes next, which is the first byte of its line.
    pub(super) fn kind(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::Incomplete(self.at + 1))
    }

    /// A line, without its type and its end.
    pub(super) fn line(&mut self) -> Result<&'a [u8], Stop> {
        self.line_up_to(MAX_LINE, ProtocolError::TooLong)
    }

    fn line_up_to(&mut self, most: usize, longer: ProtocolError) -> Result<&'a [u8], Stop> {
        let rest = &self.bytes[self.at..];
        match rest.iter().take(most).position(|byte| *byte == b'\n') {
            Some(end) if end > 1 && rest[end - 1] == b'\r' => {
                self.at += end + 1;
                Ok(&rest[1..end - 1])
            }
            Some(_) => Err(ProtocolError::NotRedis.into()),
            None if rest.len() >= most => Err(longer.into()),
            None => Err(Stop::Incomplete(self.bytes.len() + 1)),
        }
    }

    /// A line with the length of what follows; `None` stands for nil.
    pub(super) fn length(&mut self, most: usize) -> Result<Option<usize>, Stop> {
        let digits = match self.line_up_to(MAX_LENGTH, ProtocolError::NotRedis)? {
            b"-1" => return Ok(None),
            digits if digits.iter().all(u8::is_ascii_digit) => digits,
            _ => return Err(ProtocolError::NotRedis.into()),
        };
        match number(digits)? {
            length if length <= most => Ok(Some(length)),
            _ => Err(ProtocolError::TooLong.into()),
        }
    }

    /// A value of this length.
    pub(super) fn value(&mut self, length: usize) -> Result<&'a [u8], Stop> {
        let (start, end) = (self.at, self.at + length);
        self.at = end + 2;
        match self.bytes.get(end..self.at) {
            None => Err(Stop::Incomplete(self.at)),
            Some(b"\r\n") => Ok(&self.bytes[start..end]),
            Some(_) => Err(ProtocolError::NotRedis.into()),
        }
    }
}

pub(super) fn number<T: std::str::FromStr>(line: &[u8]) -> Result<T, ProtocolError> {
    let text = std::str::from_utf8(line).map_err(|_| ProtocolError::NotRedis)?;
    text.parse().map_err(|_| ProtocolError::NotRedis)
}

/// A value as it is sent.
#[must_use]
pub fn bulk(value: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat()
}
