//! How long a worker lives, and whether it takes new connections meanwhile. It never ends before its last client.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;

/// What a worker does about connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Takes them.
    Serving,
    /// Takes them, and ends when there are none.
    Leaving,
    /// Leaves new ones to another worker, and ends when there are none.
    Retired,
}

/// What a worker's life depends on.
pub trait Life {
    /// Becomes readable when this life comes to its end.
    fn end(&self) -> BorrowedFd<'_>;

    /// Hangs up when the worker gives up what only one of them can have.
    ///
    /// # Errors
    /// Fails if the process has too many files.
    fn lifeline(&self) -> io::Result<Option<OwnedFd>>;

    /// What to do from the end on, with so many clients; to be asked again and again.
    fn after_end(&mut self, listener: &UnixListener, clients: u64) -> Stage;
}
