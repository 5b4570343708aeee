//! How to log in to Redis.

use crate::system::secret::Secret;

/// How to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Auth {
    /// The ACL user; `None` is the user `default`.
    pub(crate) user: Option<String>,
    pub(crate) password: Secret,
}

impl Auth {
    /// Logging in as `default` is the same as sending the password alone, which servers older than Redis 6
    /// understand too.
    pub(super) fn new(user: Option<String>, password: Secret) -> Self {
        Self { user: user.filter(|user| user != "default"), password }
    }
}
