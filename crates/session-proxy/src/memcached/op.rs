//! What a session needs of a server, in whichever protocol.

/// An operation on one key.
#[derive(Clone, Copy)]
pub(crate) enum Op<'a> {
    Get(&'a [u8]),
    Store {
        key: &'a [u8],
        data: NewItem<'a>,
        when: Condition,
    },
    /// Extends its lifetime to so many seconds.
    Touch(&'a [u8], u32),
    Delete(&'a [u8]),
    /// Deletes only this version.
    DeleteIf(&'a [u8], u64),
}

/// A session's data as PHP writes it.
#[derive(Clone, Copy)]
pub(crate) struct NewItem<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) flags: u32,
    /// Its lifetime in seconds, or when it ends, as Memcached takes both.
    pub(crate) seconds: u32,
}

impl<'a> Op<'a> {
    /// What reads a session. An id that PHP has just drawn is `reserved` for so many seconds, as by PHP's own handler:
    /// strict mode knows it from then on.
    pub(crate) fn read(key: &'a [u8], reserved: Option<u32>) -> Vec<Self> {
        let empty = |seconds| NewItem { bytes: b"", flags: 0, seconds };
        let store = |seconds| Self::Store { key, data: empty(seconds), when: Condition::Missing };
        reserved.map(store).into_iter().chain([Self::Get(key)]).collect()
    }
}

/// When to store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Always,
    /// There is nothing yet.
    Missing,
    /// It is still this version.
    Unchanged(u64),
}

/// A server's reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Done,
    Value(Item),
    Missing,
    /// It exists already, or is another version.
    Exists,
    /// The server keeps nothing of this size.
    TooLarge,
    Refused(String),
}

/// What a server has under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) data: Vec<u8>,
    pub(crate) flags: u32,
    pub(crate) version: u64,
}

/// These bytes are no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotMemcached;

/// A reply and its length; `None` if it is incomplete.
pub(crate) type ParsedReply = Result<Option<(Reply, usize)>, NotMemcached>;
