//! Commands with the key that says which server they go to.

use store_client::Command;

/// A command, and the key that says which server it goes to.
pub(super) struct Keyed<'a> {
    pub(super) key: &'a [u8],
    pub(super) command: Command,
}

impl<'a> Keyed<'a> {
    /// A command whose first argument is the key.
    pub(super) fn new(parts: &[&'a [u8]]) -> Self {
        Self { key: parts.get(1).copied().unwrap_or_default(), command: Command::new(parts) }
    }
}
