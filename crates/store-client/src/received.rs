//! The bytes received over a connection and not yet parsed.

use std::io::{self, Read};

/// Bytes per read; most sessions are smaller.
const CHUNK: usize = 8192;
/// Bytes per read of a message that is larger.
const LARGEST_CHUNK: usize = 64 << 10;
/// The buffer kept between messages.
const KEPT: usize = 64 << 10;

/// The bytes received and not yet parsed.
#[derive(Default)]
pub struct Received(Vec<u8>);

impl Received {
    /// All of them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads once; returns the number of bytes, which is 0 at the end of the stream.
    ///
    /// # Errors
    /// As the stream.
    pub fn read(&mut self, stream: &mut (impl Read + ?Sized)) -> io::Result<usize> {
        let start = self.0.len();
        self.0.resize(start + start.clamp(CHUNK, LARGEST_CHUNK), 0);
        let read = stream.read(&mut self.0[start..]);
        self.0.truncate(start + *read.as_ref().unwrap_or(&0));
        read
    }

    /// Removes a message of this length. It may have been a session of many megabytes.
    pub fn take(&mut self, length: usize) {
        self.0.drain(..length);
        if self.0.is_empty() && self.0.capacity() > KEPT {
            self.0 = Vec::new();
        }
    }
}
