//! The proxy's lines in the container's log. A log may be stuck or gone, and no request waits for it or fails by it:
//! the lines go through a queue to a thread of their own, and those that have no room are counted.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::mem;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use store_client::{Deadline, printable};

/// How many lines wait for a log that is slow.
const QUEUE: usize = 256;
/// The same line is written at most this often.
const REPEATED_EVERY: Duration = Duration::from_secs(10);
/// How many different lines are written in that time.
const MOST_LINES: usize = 16;
/// How often to look whether there is something to say about lines that were held back.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
/// Before another try on a log that takes nothing at the moment, or another look at what it has taken.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the process waits for its last lines.
const LAST_WORDS: Duration = Duration::from_millis(500);

static LOG: Log = Log::new();

/// Writes a line to the container's log. Does not wait.
pub fn log(line: fmt::Arguments<'_>) {
    LOG.log(line, io::stderr);
}

/// Waits a moment for the lines that are still to be written: the process ends.
pub fn finish() {
    LOG.finish();
}

struct Log {
    /// Where the lines go, once there is a thread that takes them.
    queue: Mutex<Option<SyncSender<String>>>,
    /// How many of them are still to be written.
    pending: AtomicUsize,
    left_out: AtomicU64,
}

impl Log {
    const fn new() -> Self {
        let (pending, left_out) = (AtomicUsize::new(0), AtomicU64::new(0));
        Self { queue: Mutex::new(None), pending, left_out }
    }

    fn log<W: Write + 'static>(&'static self, line: fmt::Arguments<'_>, output: fn() -> W) {
        self.pending.fetch_add(1, Ordering::Relaxed);
        let line = line.to_string();
        if self.queue(output).is_none_or(|queue| queue.try_send(line).is_err()) {
            self.pending.fetch_sub(1, Ordering::Relaxed);
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn finish(&self) {
        let deadline = Deadline::after(LAST_WORDS);
        // Either all is written, or the log is stuck.
        while self.pending.load(Ordering::Acquire) > 0 && !deadline.is_over() {
            sleep(PAUSE);
        }
    }

    /// `None` if the container has no thread left for it.
    fn queue<W: Write + 'static>(&'static self, output: fn() -> W) -> Option<SyncSender<String>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.is_none() {
            let (sender, lines) = sync_channel(QUEUE);
            let write = move || self.write_all(&lines, output());
            thread::Builder::new().name("log".to_owned()).spawn(write).ok()?;
            *queue = Some(sender);
        }
        queue.clone()
    }

    fn write_all(&self, queue: &Receiver<String>, mut output: impl Write) {
        let mut lines = Lines::default();
        loop {
            // The sender is never dropped.
            let line = if lines.said.is_empty() && lines.left_out == 0 {
                queue.recv().ok()
            } else {
                queue.recv_timeout(LOOKED_EVERY).ok()
            };
            let (now, taken) = (Instant::now(), usize::from(line.is_some()));
            let line = line.filter(|line| lines.admit(line, now));
            lines.left_out += self.left_out.swap(0, Ordering::Relaxed);
            for line in line.into_iter().chain(lines.due(now)) {
                let line = format!("PHP session store: session proxy: {}\n", printable(&line));
                if write_line(&mut output, line.as_bytes()).is_err() {
                    lines.left_out += 1;
                }
            }
            self.pending.fetch_sub(taken, Ordering::Release);
        }
    }
}

/// Waits as long as the log takes nothing; nobody waits for us.
fn write_line(output: &mut impl Write, mut line: &[u8]) -> io::Result<()> {
    while !line.is_empty() {
        match output.write(line) {
            Ok(length) => line = &line[length..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(PAUSE),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[derive(Default)]
struct Lines {
    /// The different ones of the last seconds.
    said: Vec<LoggedLine>,
    left_out: u64,
}

struct LoggedLine {
    line: String,
    at: Instant,
    /// How many times it has come since.
    repeated: u64,
}

impl Lines {
    /// Whether to write a line now. One that has come before is written later, with its number; too many different ones are
    /// left out.
    fn admit(&mut self, line: &str, now: Instant) -> bool {
        if let Some(said) = self.said.iter_mut().find(|said| said.line == line) {
            said.repeated += 1;
            return false;
        }
        let admitted = self.said.len() < MOST_LINES;
        if admitted {
            self.said.push(LoggedLine { line: line.to_owned(), at: now, repeated: 0 });
        } else {
            self.left_out += 1;
        }
        admitted
    }

    /// The lines that have come again, when it is time to say so, and how many others are missing.
    fn due(&mut self, now: Instant) -> Vec<String> {
        let mut due = Vec::new();
        self.said.retain_mut(|said| {
            if now.duration_since(said.at) < REPEATED_EVERY {
                return true;
            }
            if said.repeated == 0 {
                return false;
            }
            due.push(format!("{} (again: {})", said.line, said.repeated));
            (said.at, said.repeated) = (now, 0);
            true
        });
        if self.left_out > 0 && self.said.len() < MOST_LINES {
            due.push(format!("other lines were left out here: {}", mem::take(&mut self.left_out)));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::sync::OnceLock;

    #[test]
    fn a_line_that_comes_again_is_written_once_and_then_with_its_number() {
        let (mut lines, now) = (Lines::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        // Two that alternate are no different.
        for _ in 0..450 {
            lines.admit("no thread", now);
            lines.admit("refused", now);
        }
        assert!(!lines.admit("no thread", at(9)));
        assert_eq!(lines.due(at(9)), [] as [&str; 0]);
        assert_eq!(lines.due(at(10)), ["no thread (again: 450)", "refused (again: 449)"]);
        assert_eq!(lines.due(at(11)), [] as [&str; 0]);
        assert_eq!(lines.due(at(20)), [] as [&str; 0]);
        assert!(lines.admit("refused", at(20)));
    }

    #[test]
    fn there_are_so_many_different_lines_and_no_more() {
        let (mut lines, now) = (Lines::default(), Instant::now());
        let admitted = (0..1000).filter(|it| lines.admit(&it.to_string(), now));
        assert_eq!(admitted.count(), MOST_LINES);
        let missing = format!("other lines were left out here: {}", 1000 - MOST_LINES);
        assert_eq!(lines.due(now + REPEATED_EVERY), [missing]);
        assert!(lines.admit("1000", now + REPEATED_EVERY));
    }

    #[test]
    fn nobody_waits_for_a_log_that_is_stuck_and_later_it_says_what_is_missing() {
        static STUCK: Log = Log::new();
        static OUTPUT: OnceLock<UnixStream> = OnceLock::new();
        let (mut reader, writer) = UnixStream::pair().unwrap();
        // As somebody else may have left the log that we share.
        writer.set_nonblocking(true).unwrap();
        while (&writer).write(&[b'\n'; 4096]).is_ok() {}
        OUTPUT.set(writer).unwrap();
        for number in 0..QUEUE + 100 {
            STUCK.log(format_args!("line {}", number % 2), || OUTPUT.get().unwrap());
        }
        let mut said = String::new();
        reader.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        // In either order: it depends on when the thread took the first line.
        let awaited = ["session proxy: other lines were left out here: ", "line 1\n"];
        while !awaited.iter().all(|line| said.contains(line)) {
            let mut bytes = vec![0; 65536];
            let length = reader.read(&mut bytes).unwrap();
            said += std::str::from_utf8(&bytes[..length]).unwrap();
        }
        assert!(said.contains("PHP session store: session proxy: line 0\n"), "{said}");
        assert_eq!(said.matches("line 1\n").count(), 1, "{said}");
    }

    #[test]
    fn a_process_that_ends_has_written_its_last_line() {
        static LAST: Log = Log::new();
        static OUTPUT: OnceLock<UnixStream> = OnceLock::new();
        let (mut reader, writer) = UnixStream::pair().unwrap();
        OUTPUT.set(writer).unwrap();
        LAST.log(format_args!("the end"), || OUTPUT.get().unwrap());
        LAST.finish();
        reader.set_nonblocking(true).unwrap();
        let mut bytes = [0; 100];
        let length = reader.read(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"PHP session store: session proxy: the end\n");
    }
}
