//! What a session needs of a server, in whichever protocol.

/// An operation on one key.
#[derive(Clone, Copy)]
pub(in crate::memcached) enum Op<'a> {
    Get(&'a [u8]),
    Store {
        key: &'a [u8],
        data: &'a [u8],
        flags: u32,
        /// Its lifetime in seconds, or when it ends, as Memcached takes both.
        seconds: u32,
        when: When,
    },
    Touch {
        key: &'a [u8],
        seconds: u32,
    },
    Delete(&'a [u8]),
    /// Deletes only this version.
    DeleteIf(&'a [u8], u64),
}

/// A session's data as PHP writes it.
#[derive(Clone, Copy)]
pub(in crate::memcached) struct Data<'a> {
    pub(in crate::memcached) bytes: &'a [u8],
    pub(in crate::memcached) flags: u32,
    pub(in crate::memcached) seconds: u32,
}

impl<'a> Op<'a> {
    pub(in crate::memcached) fn store(key: &'a [u8], data: Data<'a>, when: When) -> Self {
        Self::Store { key, data: data.bytes, flags: data.flags, seconds: data.seconds, when }
    }

    /// What reads a session. An id that PHP has just drawn is `reserved` for so many seconds, as by PHP's own handler:
    /// strict mode knows it from then on.
    pub(in crate::memcached) fn read(key: &'a [u8], reserved: Option<u32>) -> Vec<Self> {
        let empty = |seconds| Data { bytes: b"", flags: 0, seconds };
        let reserve = reserved.map(|seconds| Self::store(key, empty(seconds), When::Missing));
        reserve.into_iter().chain([Self::Get(key)]).collect()
    }
}

/// When to store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::memcached) enum When {
    Always,
    /// There is nothing yet.
    Missing,
    /// It is still this version.
    Unchanged(u64),
}

/// A server's reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::memcached) enum Reply {
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
pub(in crate::memcached) struct Item {
    pub(in crate::memcached) data: Vec<u8>,
    pub(in crate::memcached) flags: u32,
    pub(in crate::memcached) version: u64,
}

/// These bytes are no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::memcached) struct NotMemcached;

/// A reply and its length; `None` if it is incomplete.
pub(in crate::memcached) type Parsed = Result<Option<(Reply, usize)>, NotMemcached>;
