//! How to log in to Redis.

use super::command::Command;
use super::secret::Secret;

/// How to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The ACL user; `None` is the user `default`.
    pub user: Option<String>,
    pub password: Secret,
}

impl Auth {
    /// Logging in as `default` is the same as sending the password alone, which servers older than Redis 6
    /// understand too.
    #[must_use]
    pub fn new(user: Option<String>, password: Secret) -> Self {
        Self { user: user.filter(|user| user != "default"), password }
    }
}

/// `AUTH`, with a user or without one.
pub(super) fn auth_command(user: Option<&str>, password: &Secret) -> Command {
    let mut parts: Vec<&[u8]> = vec![b"AUTH"];
    parts.extend(user.map(str::as_bytes));
    parts.push(password.expose().as_bytes());
    Command::new(&parts)
}

/// A user as messages show it: a uri in its place may have a password.
#[must_use]
pub fn shown_user(user: &str) -> &str {
    if user.contains("://") { "***" } else { user }
}
