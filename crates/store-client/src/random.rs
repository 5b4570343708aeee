//! Keeps apart what several clients of a server do at once.

use std::fs::File;
use std::io::{self, Read};

/// A random text of 16 hexadecimal digits.
///
/// # Errors
/// Fails if the container has no file left to open.
pub fn random() -> io::Result<String> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}
