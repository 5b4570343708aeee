//! Signals as a descriptor, and waiting for several descriptors at once.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::os::fd::BorrowedFd;

/// Blocks the signals, which then do nothing but make the returned descriptor readable. To be called before there is
/// another thread, which would receive them.
///
/// # Errors
/// Fails if the process has too many files.
pub fn block(signals: &[Signal]) -> nix::Result<SignalFd> {
    let mut set = SigSet::empty();
    for signal in signals {
        set.add(*signal);
    }
    set.thread_block()?;
    SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
}

/// Waits until one of them is readable or hangs up, or the time is up; tells which of them are.
#[must_use]
pub fn wait(descriptors: &[BorrowedFd<'_>], timeout: PollTimeout) -> Vec<bool> {
    let readable = descriptors.iter().map(|it| PollFd::new(*it, PollFlags::POLLIN));
    let mut polled: Vec<PollFd<'_>> = readable.collect();
    // An interrupted call has found nothing, and the caller looks again.
    let _ = poll(&mut polled, timeout);
    polled.iter().map(|polled| polled.any().unwrap_or(false)).collect()
}
