//! What has come over a connection, and was not taken yet.

use std::io::{self, Read};

/// Read at once; most sessions are smaller.
const CHUNK: usize = 8192;
/// What is kept between two messages, for the next one.
const KEPT: usize = 64 << 10;

/// The bytes that have come, and were not taken yet.
#[derive(Default)]
pub(crate) struct Received(Vec<u8>);

impl Received {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads once, whatever there is; gives how much that was, and 0 at the end of the stream.
    pub(crate) fn read(&mut self, stream: &mut (impl Read + ?Sized)) -> io::Result<usize> {
        let mut chunk = [0; CHUNK];
        let length = stream.read(&mut chunk)?;
        self.0.extend_from_slice(&chunk[..length]);
        Ok(length)
    }

    /// Takes a message of this length off. It may have been somebody's session of many megabytes.
    pub(crate) fn take(&mut self, length: usize) {
        self.0.drain(..length);
        if self.0.is_empty() && self.0.capacity() > KEPT {
            self.0 = Vec::new();
        }
    }
}
