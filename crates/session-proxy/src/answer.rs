//! Replies to PHP, in the form that its redis handler expects.

use super::log::log;
use super::retry::Failure;
use std::fmt::Display;
use store_client::Reply;

pub(super) const OK: &[u8] = b"+OK\r\n";
pub(super) const NIL: &[u8] = b"$-1\r\n";
pub(super) const ONE: &[u8] = b":1\r\n";
pub(super) const ZERO: &[u8] = b":0\r\n";
pub(super) const NO_MEMORY: &[u8] =
    b"-ERR the session proxy has no memory left for a session of this size: others take it all\r\n";
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
        // No command that we pass on has an array as its reply.
        Ok(Reply::Array(_)) => NIL.to_vec(),
        Ok(reply) => reply.encode(),
        Err(failure) => unavailable(&failure),
    }
}

/// Tells PHP what the problem is; `session-check` shows it.
pub(super) fn unavailable(failure: &Failure) -> Vec<u8> {
    match failure {
        Failure::Refused(error) => Reply::Error(error.clone()).encode(),
        Failure::FewReplicas { .. } => format!("-NOREPLICAS {failure}\r\n").into_bytes(),
        failure => unreachable(failure),
    }
}

pub(super) fn unreachable(problem: &dyn Display) -> Vec<u8> {
    let problem = problem.to_string().replace(['\r', '\n'], " ");
    format!("-ERR the session proxy cannot reach the service: {problem}\r\n").into_bytes()
}
