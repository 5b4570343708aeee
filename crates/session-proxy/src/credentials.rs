//! The service's address and login, read again whenever they may have changed: a rotated password needs no restart.

use super::log::log;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Reading the binding takes a fraction of a millisecond.
const CHECKED_EVERY: Duration = Duration::from_secs(1);

/// Reads the service that is bound now.
pub type Read<A> = Box<dyn Fn() -> anyhow::Result<A> + Send + Sync>;

/// A service to connect to. Each change of the credentials creates a new one. It is shown without its password.
pub(super) trait Bound: Display + Sized {
    /// Everything that a connection depends on.
    type Access: PartialEq;

    fn new(access: Self::Access) -> anyhow::Result<Self>;

    fn access(&self) -> &Self::Access;
}

/// The service, as the binding says now.
pub(super) struct Credentials<B: Bound> {
    read: Read<B::Access>,
    last: Mutex<LastRead<B>>,
}

/// What came of the last time.
struct LastRead<B> {
    current: Arc<B>,
    checked: Instant,
    problem: Option<String>,
}

impl<B: Bound> Credentials<B> {
    pub(super) fn new(read: Read<B::Access>) -> anyhow::Result<Self> {
        let current = Arc::new(B::new(read()?)?);
        let last = LastRead { current, checked: Instant::now(), problem: None };
        Ok(Self { read, last: Mutex::new(last) })
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
            last.check(&self.read);
        }
        last.current.clone()
    }
}

impl<B: Bound> LastRead<B> {
    /// If the binding cannot be read, perhaps because it is just being written, keeps what we have.
    fn check(&mut self, read: &Read<B::Access>) {
        self.checked = Instant::now();
        let changed = read().and_then(|access| {
            let same = access == *self.current.access();
            if same { Ok(None) } else { B::new(access).map(Some) }
        });
        match changed {
            Ok(None) => self.problem = None,
            Ok(Some(upstream)) => {
                log(format_args!("the service's credentials have changed: {upstream}"));
                self.problem = None;
                self.current = Arc::new(upstream);
            }
            Err(error) => {
                let problem = format!("{error:#}");
                if self.problem.as_ref() != Some(&problem) {
                    log(format_args!("still using the previous credentials: {problem}"));
                    self.problem = Some(problem);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::upstream::{Access, Upstream};
    use super::*;
    use anyhow::anyhow;
    use std::sync::atomic::{AtomicBool, Ordering};
    use store_client::{RedisEndpoint, Target};

    #[test]
    fn a_binding_that_cannot_be_read_again_is_said_with_its_cause() {
        let endpoint = RedisEndpoint {
            target: Target::Unix("/redis.sock".into()),
            auth: None,
            database: None,
        };
        let (access, was_read) = (Access { endpoint, verify_peer: true }, AtomicBool::new(false));
        let credentials = Credentials::<Upstream>::new(Box::new(move || {
            if was_read.swap(true, Ordering::Relaxed) {
                return Err(anyhow!("no such file").context("The binding cannot be read"));
            }
            Ok(access.clone())
        }));
        let credentials = credentials.unwrap();
        credentials.read_again();
        let problem = credentials.last.lock().unwrap().problem.clone();
        assert_eq!(problem.as_deref(), Some("The binding cannot be read: no such file"));
    }
}
