//! A common end for several waits.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// The time by which something must be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// From now.
    #[must_use]
    pub fn after(wait: Duration) -> Self {
        Self(Instant::now() + wait)
    }

    /// The time left.
    ///
    /// # Errors
    /// Fails if none is left.
    pub fn remaining(self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }

    /// Whether it has passed.
    #[must_use]
    pub fn is_over(self) -> bool {
        self.remaining().is_err()
    }

    /// The earlier of the two.
    #[must_use]
    pub fn or_after(self, wait: Duration) -> Self {
        self.min(Self::after(wait))
    }
}

/// A socket whose reads and writes all end at one deadline: a peer that sends a byte now and then cannot extend it.
#[derive(Debug)]
pub(super) struct Timed {
    /// Of TCP as well: the kernel reads, writes and times all sockets alike.
    socket: UnixStream,
    pub(super) deadline: Deadline,
    /// What the socket has. A shorter one than the time left costs another try, a new one for each try a system call.
    timeout: Option<Duration>,
}

impl Timed {
    pub(super) fn new(socket: impl Into<OwnedFd>, deadline: Deadline) -> Self {
        Self { socket: socket.into().into(), deadline, timeout: None }
    }

    fn bounded<T>(
        &mut self,
        mut run: impl FnMut(&mut UnixStream) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            let left = self.deadline.remaining()?;
            if self.timeout.is_none_or(|timeout| timeout > left) {
                // Good for the next deadlines of this kind, too.
                let timeout = left * 9 / 10;
                self.socket.set_read_timeout(Some(timeout))?;
                self.socket.set_write_timeout(Some(timeout))?;
                self.timeout = Some(timeout);
            }
            match run(&mut self.socket) {
                // This is how the kernel reports a socket timeout; its clock may be slightly early.
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.timeout = None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bounded(|socket| socket.read(buffer))
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bounded(|socket| socket.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const WAIT: Duration = Duration::from_millis(150);

    #[test]
    fn a_peer_that_sends_a_byte_now_and_then_does_not_move_the_deadline() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let sender = thread::spawn(move || {
            while theirs.write_all(b"x").is_ok() {
                thread::sleep(WAIT / 10);
            }
        });
        let started = Instant::now();
        let mut timed = Timed::new(ours, Deadline::after(WAIT));
        let error = timed.read_exact(&mut [0; 1000]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        // All of it would take 15 seconds.
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        drop(timed);
        sender.join().unwrap();
    }

    #[test]
    fn a_peer_that_reads_nothing_does_not_hold_a_writer() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let mut timed = Timed::new(ours, Deadline::after(WAIT));
        let error = timed.write_all(&vec![0; 16 << 20]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_deadline_is_kept_whatever_was_the_one_before() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let mut timed = Timed::new(ours, Deadline::after(WAIT));
        for wait in [WAIT, WAIT * 2, WAIT / 3, WAIT] {
            let started = Instant::now();
            timed.deadline = Deadline::after(wait);
            let error = timed.read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            let took = started.elapsed();
            assert!((wait..wait + WAIT).contains(&took), "{wait:?} took {took:?}");
        }
    }
}
