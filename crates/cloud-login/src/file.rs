//! Files with a token that the platform replaces: read again each time.

use super::http::Source;
use std::fs::File;
use std::io::Read;
use store_client::NoToken;

/// A service account's token has one or two kilobytes.
const MOST_BYTES: u64 = 64 << 10;

/// The file's text, without white space around it.
pub(crate) fn read(source: Source, path: &str) -> Result<String, NoToken> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    if let Err(error) = read {
        let said = format!("needs a token from that file, which cannot be read ({error})");
        return Err(source.no_token(path, &said, false));
    }
    let text = text.trim();
    if text.is_empty() {
        // Perhaps it is just being written.
        return Err(source.no_token(path, "needs a token from that file, which is empty", true));
    }
    if text.chars().any(char::is_control) {
        return Err(source.no_token(path, "needs a token from that file, which holds none", false));
    }
    Ok(text.to_owned())
}
