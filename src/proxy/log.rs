//! The proxy's lines in the container's log.

use crate::system::log_line::report;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Writes a line to the container's log.
pub(super) fn log(line: fmt::Arguments<'_>) {
    eprintln!("{}", report(&format_args!("session proxy: {line}")));
}

/// A repeated line is logged at most this often.
const LOGGED_EVERY: Duration = Duration::from_secs(10);

/// Logs a repeated problem only now and then.
#[derive(Debug, Default)]
pub(super) struct SeldomLog(Mutex<Option<(String, Instant)>>);

impl SeldomLog {
    pub(super) fn log(&self, line: &str) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let repeated =
            last.as_ref().is_some_and(|(text, at)| text == line && at.elapsed() < LOGGED_EVERY);
        if !repeated {
            log(format_args!("{line}"));
            *last = Some((line.to_owned(), Instant::now()));
        }
    }
}
