//! Commands: arrays of values.

use super::resp::{MAX_VALUE, ProtocolError, Reader, Stop};
use std::fmt;
use std::io::Write;

/// The parts of a command, and its length.
pub type Parsed<'a> = (Vec<&'a [u8]>, usize);

/// A command, as sent over the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Command(Vec<u8>);

impl Command {
    /// A command and its arguments.
    #[must_use]
    pub fn new(parts: &[&[u8]]) -> Self {
        let length = parts.iter().map(|part| part.len() + 16).sum::<usize>() + 16;
        let mut bytes = Vec::with_capacity(length);
        // Writing to memory does not fail.
        let _ = write!(bytes, "*{}\r\n", parts.len());
        for part in parts {
            let _ = write!(bytes, "${}\r\n", part.len());
            bytes.extend_from_slice(part);
            bytes.extend_from_slice(b"\r\n");
        }
        Self(bytes)
    }

    /// Finds the parts of the command at the start of `bytes`, and its length; `None` if it is incomplete.
    ///
    /// # Errors
    /// Fails if it is not a command, or has more than so many parts.
    pub fn parse(bytes: &[u8], most: usize) -> Result<Option<Parsed<'_>>, ProtocolError> {
        Reader::new(bytes).message(|reader| parts(reader, most))
    }

    /// How long the command at the start of `bytes` will be, as far as the received part tells: at least up to the end of its
    /// present part.
    #[must_use]
    pub fn announced(bytes: &[u8], most: usize) -> usize {
        match parts(&mut Reader::new(bytes), most) {
            Err(Stop::Incomplete(length)) => length,
            Ok(_) | Err(Stop::Invalid(_)) => bytes.len(),
        }
    }

    /// As it is sent.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

fn parts<'a>(reader: &mut Reader<'a>, most: usize) -> Result<Vec<&'a [u8]>, Stop> {
    let length = |reader: &mut Reader<'_>, kind: u8, most: usize| {
        if reader.kind()? != kind {
            return Err(ProtocolError::NotRedis.into());
        }
        reader.length(most)?.ok_or(Stop::Invalid(ProtocolError::NotRedis))
    };
    let count = length(reader, b'*', most)?;
    if count == 0 {
        return Err(ProtocolError::TooLong.into());
    }
    let mut left = MAX_VALUE;
    let mut parts = Vec::with_capacity(count);
    for _ in 0..count {
        let length = length(reader, b'$', left)?;
        left -= length;
        parts.push(reader.value(length)?);
    }
    Ok(parts)
}

/// Shows nothing: the arguments may contain a password or a session.
impl fmt::Debug for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Command({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_an_array_of_bulk_strings() {
        let command = Command::new(&[b"SET", b"k", b"a\r\n\0b", b""]);
        assert_eq!(command.bytes(), b"*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\na\r\n\0b\r\n$0\r\n\r\n");
        assert_eq!(format!("{:?}", Command::new(&[b"AUTH", b"hunter2"])), "Command(27 bytes)");
    }

    #[test]
    fn the_length_of_a_command_is_known_before_it_is_there() {
        let whole = b"*4\r\n$5\r\nSETEX\r\n$1\r\nk\r\n$4\r\n1440\r\n$9\r\n123456789\r\n";
        for cut in whole.len() - 10..=whole.len() {
            assert_eq!(Command::announced(&whole[..cut], 4), whole.len());
        }
        for cut in 0..whole.len() {
            assert!((cut..=whole.len()).contains(&Command::announced(&whole[..cut], 4)), "{cut}");
        }
        assert_eq!(Command::announced(b"GET / HTTP/1.1\r\n", 4), 16);
    }
}
