//! How to log in to Redis.

use crate::system::secret::Secret;

/// How to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The ACL user; `None` is the user `default`.
    pub user: Option<String>,
    /// The password.
    pub password: Secret,
}

impl Auth {
    /// Logging in as `default` is the same as giving the password alone, which servers older than
    /// Redis 6 understand, too.
    pub(super) fn new(user: Option<String>, password: Secret) -> Self {
        Self { user: user.filter(|user| user != "default"), password }
    }
}
