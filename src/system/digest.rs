//! SHA-256 checksums.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::io;
use std::path::Path;

/// The SHA-256 of a file's bytes, in hex.
pub(crate) fn sha256_of_file(path: &Path) -> io::Result<String> {
    // Packages and libraries: megabytes, not more.
    Ok(sha256(&std::fs::read(path)?))
}

/// The SHA-256 of bytes, in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
