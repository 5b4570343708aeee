//! The proxy's lines in the container's log. A log may be stuck or gone, and no request waits for it or fails by it:
//! the lines go through a queue to a thread of their own, and those that have no room are counted.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use store_client::printable;

/// How many lines wait for a log that is slow.
const QUEUE: usize = 256;
/// The same line is written at most this often.
const REPEATED_EVERY: Duration = Duration::from_secs(10);
/// How many different lines are written in that time.
const MOST_LINES: usize = 16;
/// How often to look whether there is something to say about lines that were held back.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
/// Before another try on a log that takes nothing at the moment.
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
    queue: Mutex<Option<Queue>>,
    left_out: AtomicU64,
}

type Queue = SyncSender<Message>;

enum Message {
    Line(String),
    /// All before it has been written when the sender is dropped.
    Finish(SyncSender<()>),
}

impl Log {
    const fn new() -> Self {
        Self { queue: Mutex::new(None), left_out: AtomicU64::new(0) }
    }

    fn log<W: Write + 'static>(&'static self, line: fmt::Arguments<'_>, output: fn() -> W) {
        let message = Message::Line(line.to_string());
        let sent = self.queue(output).is_some_and(|queue| queue.try_send(message).is_ok());
        if !sent {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn finish(&self) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(queue) = queue else { return };
        let (done, finished) = sync_channel(0);
        if queue.try_send(Message::Finish(done)).is_ok() {
            // Either all is written, or the log is stuck.
            let _ = finished.recv_timeout(LAST_WORDS);
        }
    }

    /// `None` if the container has no thread left for it.
    fn queue<W: Write + 'static>(&'static self, output: fn() -> W) -> Option<Queue> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.is_none() {
            let (sender, lines) = sync_channel(QUEUE);
            let write = move || write_all(&lines, &self.left_out, output());
            thread::Builder::new().name("log".to_owned()).spawn(write).ok()?;
            *queue = Some(sender);
        }
        queue.clone()
    }
}

fn write_all(messages: &Receiver<Message>, left_out: &AtomicU64, mut output: impl Write) {
    let mut lines = Lines::default();
    loop {
        let message = if lines.0.is_empty() && left_out.load(Ordering::Relaxed) == 0 {
            messages.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            messages.recv_timeout(LOOKED_EVERY)
        };
        let now = Instant::now();
        let line = match message {
            Ok(Message::Line(line)) => match lines.admit(&line, now) {
                Admitted::Yes => Some(line),
                Admitted::Repeated => None,
                Admitted::TooMany => {
                    left_out.fetch_add(1, Ordering::Relaxed);
                    None
                }
            },
            Ok(Message::Finish(done)) => {
                drop(done);
                None
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let mut due: Vec<String> = line.into_iter().chain(lines.due(now)).collect();
        if lines.0.len() < MOST_LINES {
            due.extend(match left_out.swap(0, Ordering::Relaxed) {
                0 => None,
                count => Some(format!("other lines were left out here: {count}")),
            });
        }
        for line in due {
            let line = format!("PHP session store: session proxy: {}\n", printable(&line));
            if write_line(&mut output, line.as_bytes()).is_err() {
                left_out.fetch_add(1, Ordering::Relaxed);
            }
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

/// The different lines of the last seconds.
#[derive(Default)]
struct Lines(Vec<Said>);

struct Said {
    line: String,
    at: Instant,
    /// How many times it has come since.
    repeated: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Admitted {
    Yes,
    /// It is written later, with their number.
    Repeated,
    /// There are too many different ones.
    TooMany,
}

impl Lines {
    fn admit(&mut self, line: &str, now: Instant) -> Admitted {
        if let Some(said) = self.0.iter_mut().find(|said| said.line == line) {
            said.repeated += 1;
            return Admitted::Repeated;
        }
        if self.0.len() == MOST_LINES {
            return Admitted::TooMany;
        }
        self.0.push(Said { line: line.to_owned(), at: now, repeated: 0 });
        Admitted::Yes
    }

    /// The lines that have come again, when it is time to say so.
    fn due(&mut self, now: Instant) -> Vec<String> {
        let mut due = Vec::new();
        self.0.retain_mut(|said| {
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
        assert_eq!(lines.admit("no thread", at(9)), Admitted::Repeated);
        assert_eq!(lines.due(at(9)), [] as [&str; 0]);
        assert_eq!(lines.due(at(10)), ["no thread (again: 450)", "refused (again: 449)"]);
        assert_eq!(lines.due(at(11)), [] as [&str; 0]);
        assert_eq!(lines.due(at(20)), [] as [&str; 0]);
        assert_eq!(lines.admit("refused", at(20)), Admitted::Yes);
    }

    #[test]
    fn there_are_so_many_different_lines_and_no_more() {
        let (mut lines, now) = (Lines::default(), Instant::now());
        let admitted = (0..1000).filter(|it| lines.admit(&it.to_string(), now) == Admitted::Yes);
        assert_eq!(admitted.count(), MOST_LINES);
        lines.due(now + REPEATED_EVERY);
        assert_eq!(lines.admit("1000", now + REPEATED_EVERY), Admitted::Yes);
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
