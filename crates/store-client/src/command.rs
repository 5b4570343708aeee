//! Commands: arrays of bulk strings in RESP, the Redis serialization protocol.

use std::fmt;

/// A command, as sent over the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Command(Vec<u8>);

impl Command {
    /// A command and its arguments.
    #[must_use]
    pub fn new(parts: &[&[u8]]) -> Self {
        let length = parts.iter().map(|part| part.len() + 16).sum::<usize>() + 16;
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(format!("*{}\r\n", parts.len()).as_bytes());
        for part in parts {
            bytes.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
            bytes.extend_from_slice(part);
            bytes.extend_from_slice(b"\r\n");
        }
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
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
}
