//! The text protocol, with no command that twemproxy or mcrouter would not know.
//! <https://github.com/memcached/memcached/blob/master/doc/protocol.txt>

use super::op::{Item, NotMemcached, Op, Parsed, Reply, When};
use std::io::Write;
use std::str;
use store_client::{MAX_VALUE, printable};

/// Follows a value.
const END: &[u8] = b"\r\nEND\r\n";
/// Longer than any line of a server.
const LONGEST_LINE: usize = 2048;

pub(super) fn encode(op: &Op<'_>, bytes: &mut Vec<u8>) {
    let mut line = |parts: &[&[u8]]| {
        bytes.extend_from_slice(&parts.join(&b' '));
        bytes.extend_from_slice(b"\r\n");
    };
    match op {
        Op::Get(key) => line(&[b"gets", key]),
        Op::Delete(key) => line(&[b"delete", key]),
        Op::Touch { key, seconds } => line(&[b"touch", key, seconds.to_string().as_bytes()]),
        // What has ended is gone: there is no such thing as a conditional `delete`. A number of more than 30 days is a time
        // since 1970; twemproxy takes no negative one.
        Op::DeleteIf(key, version) => {
            line(&[b"cas", key, b"0 2592001 0", version.to_string().as_bytes()]);
            bytes.extend_from_slice(b"\r\n");
        }
        Op::Store { key, data, flags, seconds, when } => {
            let (command, version) = match when {
                When::Always => ("set", String::new()),
                When::Missing => ("add", String::new()),
                When::Unchanged(version) => ("cas", format!(" {version}")),
            };
            bytes.reserve(data.len() + key.len() + 64);
            bytes.extend_from_slice(command.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(key);
            // Writing to memory does not fail.
            let _ = write!(bytes, " {flags} {seconds} {}{version}\r\n", data.len());
            bytes.extend_from_slice(data);
            bytes.extend_from_slice(b"\r\n");
        }
    }
}

pub(super) fn parse(op: &Op<'_>, bytes: &[u8]) -> Parsed {
    let Some((line, length)) = line(bytes)? else { return Ok(None) };
    let reply = match (op, line) {
        (Op::Get(_), b"END") => Reply::Missing,
        (Op::Get(key), _) if line.starts_with(b"VALUE ") => {
            return value(key, line, &bytes[length..])
                .map(|value| value.map(|(reply, rest)| (reply, length + rest)));
        }
        (Op::Store { .. } | Op::DeleteIf(..), b"STORED")
        | (Op::Touch { .. }, b"TOUCHED")
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
    if !["ERROR", "CLIENT_ERROR", "SERVER_ERROR"]
        .iter()
        .any(|kind| line.starts_with(kind.as_bytes()))
    {
        return None;
    }
    let text = String::from_utf8_lossy(line);
    Some(if text.contains("too large") {
        Reply::TooLarge
    } else {
        Reply::Refused(printable(&text))
    })
}

/// A value after its line, and the line after it.
fn value(key: &[u8], line: &[u8], rest: &[u8]) -> Parsed {
    let mut words = line.split(|byte| *byte == b' ').skip(1);
    let mut number = || words.next().and_then(|word| str::from_utf8(word).ok());
    let (Some(name), Some(flags), Some(length), Some(version)) =
        (number(), number(), number(), number())
    else {
        return Err(NotMemcached);
    };
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
