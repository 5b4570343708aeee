//! Replies to PHP, in the form that its redis handler expects.

use super::log::log;
use super::upstream::Failure;
use store_client::Reply;

pub(super) const OK: &[u8] = b"+OK\r\n";
pub(super) const NIL: &[u8] = b"$-1\r\n";
pub(super) const ONE: &[u8] = b":1\r\n";
pub(super) const ZERO: &[u8] = b":0\r\n";
const LOST: &[u8] = b"-ERR the lock of the session was lost\r\n";

/// For a session that was not written.
pub(super) fn lost() -> Vec<u8> {
    log(format_args!(
        "a session was not written: its lock was lost, so another request may have written it since"
    ));
    LOST.to_vec()
}

/// What came of a command, as PHP would have heard it of the service.
pub(super) fn heard(reply: Result<Reply, Failure>) -> Vec<u8> {
    match reply {
        Ok(reply) => plain(reply),
        Err(failure) => unavailable(&failure),
    }
}

pub(super) fn bulk(bytes: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// The service's reply, unchanged.
pub(super) fn plain(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Status(text) => format!("+{text}\r\n").into_bytes(),
        Reply::Error(error) => format!("-{error}\r\n").into_bytes(),
        Reply::Integer(number) => format!(":{number}\r\n").into_bytes(),
        Reply::Bulk(bytes) => bulk(&bytes),
        // No command that we pass on has an array as its reply.
        Reply::Nil | Reply::Array(_) => NIL.to_vec(),
    }
}

/// Tells PHP what the problem is; `session-check` shows it.
pub(super) fn unavailable(failure: &Failure) -> Vec<u8> {
    match failure {
        Failure::Refused(error) => format!("-{error}\r\n").into_bytes(),
        Failure::NoConnection(error) => {
            let problem = error.to_string().replace(['\r', '\n'], " ");
            format!("-ERR the session proxy cannot reach the service: {problem}\r\n").into_bytes()
        }
    }
}
