//! The service's address and login, read again whenever they may have changed: a rotated password needs no restart.

use super::log::log;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Reading the binding takes a fraction of a millisecond.
const CHECKED_EVERY: Duration = Duration::from_secs(1);

/// Reads the service that is bound now.
pub type Read<A> = Box<dyn Fn() -> anyhow::Result<A> + Send + Sync>;

/// Makes of it what connects to it, which is shown without its password.
type Open<A, B> = Box<dyn Fn(&A) -> anyhow::Result<B> + Send + Sync>;

/// The service, as the binding says now.
pub(super) struct LiveCredentials<A, B> {
    read: Read<A>,
    open: Open<A, B>,
    last: Mutex<LastRead<A, B>>,
}

/// What came of the last time.
struct LastRead<A, B> {
    access: A,
    current: Arc<B>,
    checked: Instant,
    problem: Option<String>,
}

impl<A: PartialEq, B: Display> LiveCredentials<A, B> {
    /// Each change of what is `read` is opened anew.
    pub(super) fn new(read: Read<A>, open: Open<A, B>) -> anyhow::Result<Self> {
        let access = read()?;
        let current = Arc::new(open(&access)?);
        let last = LastRead { access, current, checked: Instant::now(), problem: None };
        Ok(Self { read, open, last: Mutex::new(last) })
    }

    /// The service, at most a second old.
    pub(super) fn current(&self) -> Arc<B> {
        self.read_if_older_than(CHECKED_EVERY)
    }

    /// The service, read again now.
    pub(super) fn read_again(&self) -> Arc<B> {
        self.read_if_older_than(Duration::ZERO)
    }

    fn read_if_older_than(&self, age: Duration) -> Arc<B> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.checked.elapsed() >= age {
            last.checked = Instant::now();
            let problem = self.check(&mut last).err().map(|error| format!("{error:#}"));
            if let Some(problem) = &problem
                && last.problem.as_ref() != Some(problem)
            {
                log(format_args!("still using the previous credentials: {problem}"));
            }
            last.problem = problem;
        }
        last.current.clone()
    }

    /// If the binding cannot be read, perhaps because it is just being written, keeps what we have.
    fn check(&self, last: &mut LastRead<A, B>) -> anyhow::Result<()> {
        let access = (self.read)()?;
        if access != last.access {
            last.current = Arc::new((self.open)(&access)?);
            last.access = access;
            log(format_args!("the service's credentials have changed: {}", last.current));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_binding_that_cannot_be_read_again_is_said_with_its_cause() {
        let was_read = AtomicBool::new(false);
        let read = move || {
            if was_read.swap(true, Ordering::Relaxed) {
                return Err(anyhow!("no such file").context("The binding cannot be read"));
            }
            Ok("tcp://redis")
        };
        let credentials = LiveCredentials::new(Box::new(read), Box::new(|it| Ok(*it))).unwrap();
        assert_eq!(*credentials.read_again(), "tcp://redis");
        let problem = credentials.last.lock().unwrap().problem.clone();
        assert_eq!(problem.as_deref(), Some("The binding cannot be read: no such file"));
    }
}
