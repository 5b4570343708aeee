//! The service's address and login, read again whenever they may have changed: a rotated password needs no restart.

use super::key_space::KeySpace;
use super::log::log;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use store_client::Client;
use store_client::RedisEndpoint;

/// Reading the binding takes a fraction of a millisecond.
const CHECKED_EVERY: Duration = Duration::from_secs(1);

/// Everything that a connection depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub endpoint: RedisEndpoint,
    /// Whether to verify the server's certificate.
    pub verify_peer: bool,
}

/// Reads the service that is bound now.
pub type Read = Box<dyn Fn() -> anyhow::Result<Bound> + Send + Sync>;

/// A service to connect to. Each change of the credentials creates a new one.
pub(super) struct Upstream {
    bound: Bound,
    pub(super) client: Client,
    /// What a script can do there, as soon as that is known.
    key_space: OnceLock<KeySpace>,
}

impl Upstream {
    fn new(bound: Bound) -> anyhow::Result<Self> {
        let client = Client::new(&bound.endpoint, bound.verify_peer)?;
        Ok(Self { bound, client, key_space: OnceLock::new() })
    }

    pub(super) fn key_space(&self) -> Option<KeySpace> {
        self.key_space.get().copied()
    }

    pub(super) fn set_key_space(&self, told: KeySpace) {
        if self.key_space.set(told).is_ok() && told == KeySpace::Divided {
            log(format_args!(
                "the service divides its keys among machines, so that a page takes four round trips instead of two: {self}"
            ));
        }
    }
}

/// The service without its password.
impl fmt::Display for Upstream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bound.endpoint.fmt(formatter)
    }
}

/// The service as last read.
pub(super) struct Credentials {
    read: Read,
    state: Mutex<State>,
}

struct State {
    current: Arc<Upstream>,
    checked: Instant,
    problem: Option<String>,
}

impl Credentials {
    pub(super) fn new(read: Read) -> anyhow::Result<Self> {
        let current = Arc::new(Upstream::new(read()?)?);
        let state = State { current, checked: Instant::now(), problem: None };
        Ok(Self { read, state: Mutex::new(state) })
    }

    /// The service, at most a second old.
    pub(super) fn current(&self) -> Arc<Upstream> {
        self.read_if_older_than(CHECKED_EVERY)
    }

    /// The service, read again now.
    pub(super) fn read_again(&self) -> Arc<Upstream> {
        self.read_if_older_than(Duration::ZERO)
    }

    fn read_if_older_than(&self, age: Duration) -> Arc<Upstream> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.checked.elapsed() >= age {
            state.check(&self.read);
        }
        state.current.clone()
    }
}

impl State {
    /// If the binding cannot be read, perhaps because it is just being written, keeps what we have.
    fn check(&mut self, read: &Read) {
        self.checked = Instant::now();
        let changed = read().and_then(|bound| {
            let same = bound == self.current.bound;
            if same { Ok(None) } else { Upstream::new(bound).map(Some) }
        });
        match changed {
            Ok(None) => self.problem = None,
            Ok(Some(upstream)) => {
                log(format_args!("the service's credentials have changed: {upstream}"));
                self.problem = None;
                self.current = Arc::new(upstream);
            }
            Err(error) => {
                let problem = error.to_string();
                if self.problem.as_ref() != Some(&problem) {
                    log(format_args!("still using the previous credentials: {problem}"));
                    self.problem = Some(problem);
                }
            }
        }
    }
}
