//! What a connection has seen of a session, to tell whether somebody else has written it since.

use super::memory::SMALL;
use sha2::{Digest, Sha256};
use store_client::Reply;

/// The session as this connection last saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// It has not been read.
    Nothing,
    /// Its data, if there is a session.
    Data(Option<Vec<u8>>),
    /// The checksum of a large one: two thousand pages at once must not keep all of theirs in memory.
    Large([u8; 32]),
}

impl Seen {
    /// What a reply to `GET` shows.
    pub(super) fn of(reply: Reply) -> Self {
        match reply {
            Reply::Bulk(data) => Self::Data(Some(data)),
            _ => Self::Data(None),
        }
    }

    /// Whether the session has this data now, as this connection has seen it.
    pub(super) fn is(&self, now: &[u8]) -> bool {
        match self {
            Self::Nothing | Self::Data(None) => false,
            Self::Data(Some(data)) => data == now,
            Self::Large(sum) => Sha256::digest(now)[..] == *sum,
        }
    }

    /// What to remember while PHP works.
    pub(super) fn remembered(self) -> Self {
        match self {
            Self::Data(Some(data)) if data.len() > SMALL => {
                Self::Large(Sha256::digest(&data).into())
            }
            small => small,
        }
    }
}
