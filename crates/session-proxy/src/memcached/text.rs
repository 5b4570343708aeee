//! The text protocol, with no command that twemproxy or mcrouter would not know.
//! <https://github.com/memcached/memcached/blob/master/doc/protocol.txt>

use super::op::{Condition, Item, NewItem, NotMemcached, Op, ParsedReply, Reply};
use std::str;
use store_client::{MAX_VALUE, printable};

/// Follows a value.
const END: &[u8] = b"\r\nEND\r\n";
/// Longer than any line of a server.
const LONGEST_LINE: usize = 2048;

pub(super) fn encode(op: &Op<'_>) -> Vec<u8> {
    let line = |parts: &[&[u8]]| [&parts.join(&b' ')[..], b"\r\n"].concat();
    match op {
        Op::Get(key) => line(&[b"gets", key]),
        Op::Delete(key) => line(&[b"delete", key]),
        Op::Touch(key, seconds) => line(&[b"touch", key, seconds.to_string().as_bytes()]),
        // What has ended is gone: there is no such thing as a conditional `delete`. A number of more than 30 days is a time
        // since 1970; twemproxy takes no negative one.
        Op::DeleteIf(key, version) => {
            line(&[b"cas", key, format!("0 2592001 0 {version}\r\n").as_bytes()])
        }
        Op::Store { key, data: NewItem { bytes, flags, seconds }, when } => {
            let (command, version): (&[u8], _) = match when {
                Condition::Always => (b"set", String::new()),
                Condition::Missing => (b"add", String::new()),
                Condition::Unchanged(version) => (b"cas", format!(" {version}")),
            };
            let numbers = format!("{flags} {seconds} {}{version}", bytes.len());
            [&line(&[command, key, numbers.as_bytes()])[..], bytes, b"\r\n"].concat()
        }
    }
}

pub(super) fn parse(op: &Op<'_>, bytes: &[u8]) -> ParsedReply {
    let Some((line, length)) = line(bytes)? else { return Ok(None) };
    let reply = match (op, line) {
        (Op::Get(_), b"END") => Reply::Missing,
        (Op::Get(key), _) if line.starts_with(b"VALUE ") => {
            return value(key, line, &bytes[length..])
                .map(|value| value.map(|(reply, rest)| (reply, length + rest)));
        }
        (Op::Store { .. } | Op::DeleteIf(..), b"STORED")
        | (Op::Touch(..), b"TOUCHED")
        | (Op::Delete(_), b"DELETED") => Reply::Done,
        (Op::Get(_), b"NOT_FOUND") => return Err(NotMemcached),
        (_, b"NOT_FOUND") => Reply::Missing,
        (Op::Store { .. } | Op::DeleteIf(..), b"EXISTS" | b"NOT_STORED") => Reply::Exists,
        _ => refused(line).ok_or(NotMemcached)?,
    };
    Ok(Some((reply, length)))
}

/// The line at the start of `bytes`, without its end, and its length with it.
pub(super) fn line(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, NotMemcached> {
    let searched = &bytes[..bytes.len().min(LONGEST_LINE)];
    match searched.windows(2).position(|end| end == b"\r\n") {
        Some(end) => Ok(Some((&bytes[..end], end + 2))),
        None if bytes.len() >= LONGEST_LINE => Err(NotMemcached),
        None => Ok(None),
    }
}

/// What the server refuses, in its words.
pub(super) fn refused(line: &[u8]) -> Option<Reply> {
    let kinds: [&[u8]; 3] = [b"ERROR", b"CLIENT_ERROR", b"SERVER_ERROR"];
    if !kinds.iter().any(|kind| line.starts_with(kind)) {
        return None;
    }
    let text = String::from_utf8_lossy(line);
    let is_too_large = text.contains("too large");
    Some(if is_too_large { Reply::TooLarge } else { Reply::Refused(printable(&text)) })
}

/// A value after its line, and the line after it.
fn value(key: &[u8], line: &[u8], rest: &[u8]) -> ParsedReply {
    let words: Vec<&str> = str::from_utf8(line).map_err(|_| NotMemcached)?.split(' ').collect();
    let [_, name, flags, length, version, ..] = words[..] else { return Err(NotMemcached) };
    let (Ok(flags), Ok(length), Ok(version)) = (flags.parse(), length.parse(), version.parse())
    else {
        return Err(NotMemcached);
    };
    if name.as_bytes() != key || length > MAX_VALUE {
        return Err(NotMemcached);
    }
    let Some(end) = rest.get(length..length + END.len()) else { return Ok(None) };
    if end != END {
        return Err(NotMemcached);
    }
    let item = Item { data: rest[..length].to_vec(), flags, version };
    Ok(Some((Reply::Value(item), length + END.len())))
}
