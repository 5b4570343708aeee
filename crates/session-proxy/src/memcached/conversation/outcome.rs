//! What PHP is told of a write, and what the log says of it.

use super::Conversation;
use crate::log::log;
use crate::memcached::binary::status;
use crate::memcached::server::Failure;
use crate::memcached::sessions::Written;
use std::sync::atomic::Ordering;

impl Conversation<'_> {
    pub(super) fn told(&self, written: Result<Written, Failure>, size: usize) -> u16 {
        match written {
            Ok(Written::Done) => status::SUCCESS,
            Ok(Written::Lost) => {
                log(format_args!(
                    "a session was not written: its lock was lost, and another request has written it since"
                ));
                status::NOT_STORED
            }
            Ok(Written::TooLarge) => {
                if !self.shared.said_too_large.swap(true, Ordering::Relaxed) {
                    log(format_args!(
                        "a session of {size} bytes was not written: the server keeps no item of this size (item_size_max)"
                    ));
                }
                status::TOO_LARGE
            }
            Ok(Written::Refused(text)) => {
                log(format_args!("a session was not written: the server says {text}"));
                status::OUT_OF_MEMORY
            }
            Err(_) => status::TEMPORARY_FAILURE,
        }
    }
}
