//! One server: a few connections for many PHP processes. A broken connection and a server that restarts cause a bounded
//! wait rather than an error. Every operation may be sent twice.

use super::connection::{Connection, Fault, Nature};
use super::op::{Op, Reply};
use crate::log::log;
use crate::stats::Stats;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};
use store_client::{Deadline, Dialer, MemcachedLogin, Problem};

/// How long a request waits for a server that does not reply, or restarts: PHP waits for 5 seconds.
const BOUND: Duration = Duration::from_secs(4);
/// How long it waits, once, if the server has failed for longer than that.
const BOUND_OF_OUTAGE: Duration = Duration::from_secs(1);
/// How long the others then fail at once, if that one waited in vain.
const SILENCE: Duration = Duration::from_secs(3);
/// The pauses between tries.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// Shorter problems are not worth a line in the log.
const WORTH_MENTIONING: Duration = Duration::from_millis(100);
/// How long no new connection is tried after the server has refused one, if there are others.
const REFUSAL: Duration = Duration::from_secs(1);
/// A name may lead elsewhere meanwhile.
const GREATEST_AGE: Duration = Duration::from_mins(5);

/// How to use a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) connect_timeout: Duration,
    pub(super) read_timeout: Duration,
    pub(super) most_connections: usize,
}

/// One server.
pub(super) struct Server {
    name: String,
    dialer: Dialer,
    login: Option<MemcachedLogin>,
    nature: OnceLock<Nature>,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Pooled>,
    /// Idle, borrowed, or connecting.
    count: usize,
    connecting: usize,
    /// Requests that wait for a connection.
    waiting: usize,
    /// When it last refused a new connection. Open ones may go on, after a change of the password, say.
    refused: Option<Instant>,
    /// Since when it has not replied.
    trouble: Option<Instant>,
    /// Until when nobody asks.
    silent_until: Option<Instant>,
}

impl State {
    fn has_connections(&self) -> bool {
        self.count > self.connecting
    }

    /// Whether to wait for an open connection, because the server has just refused a new one.
    fn must_share(&self) -> bool {
        self.refused.is_some_and(|when| when.elapsed() < REFUSAL) && self.has_connections()
    }
}

struct Pooled {
    connection: Connection,
    born: Instant,
}

/// The server did not do it.
#[derive(Debug, thiserror::Error)]
#[error("{server}: {fault}")]
pub(super) struct Failure {
    server: String,
    pub(super) fault: Fault,
}

impl Server {
    pub(super) fn new(name: String, dialer: Dialer, login: Option<MemcachedLogin>) -> Self {
        let (nature, state, returned) = (OnceLock::new(), Mutex::default(), Condvar::new());
        Self { name, dialer, login, nature, state, returned }
    }

    /// Whether operations on different keys may go out together.
    pub(super) fn keeps_order(&self) -> bool {
        self.nature.get().is_some_and(|nature| nature.keeps_order)
    }

    /// The number of connections, and of idle ones.
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.count, state.idle.len())
    }

    /// Sends the operations together and returns their replies, in one round trip.
    pub(super) fn send(
        &self,
        ops: &[Op<'_>],
        limits: Limits,
        deadline: Deadline,
        stats: &Stats,
    ) -> Result<Vec<Reply>, Failure> {
        let begun = Instant::now();
        let outage = self.outage()?;
        let deadline = deadline.or_after(if outage { BOUND_OF_OUTAGE } else { BOUND });
        let (mut pause, mut cause) = (SHORTEST_PAUSE, None);
        loop {
            let started = Instant::now();
            let fault = match self.attempt(ops, limits, deadline, stats) {
                Ok(replies) => {
                    stats.round_trips.observe(started.elapsed());
                    self.recovered();
                    return Ok(replies);
                }
                Err(fault) => fault,
            };
            stats.retries.inc();
            log(format_args!("{}: {fault}", self.name));
            let is_late = matches!(fault, Fault::Connection(Problem::Timeout(_)));
            let refuses = fault.is_refusal();
            if refuses && self.state().has_connections() && !deadline.is_over() {
                // The open ones are no worse for it, and the next try waits for one of them.
                continue;
            }
            self.in_trouble(begun, outage && is_late);
            if outage || refuses || deadline.is_over() {
                stats.failures.inc();
                // With no time left, the last one says less than the one before it.
                let fault = if is_late { cause.unwrap_or(fault) } else { fault };
                return Err(self.failure(fault));
            }
            cause = (!is_late).then_some(fault).or(cause);
            sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn attempt(
        &self,
        ops: &[Op<'_>],
        limits: Limits,
        deadline: Deadline,
        stats: &Stats,
    ) -> Result<Vec<Reply>, Fault> {
        let (slot, idle) = self.borrow(limits, deadline)?;
        let mut pooled = if let Some(idle) = idle {
            idle
        } else {
            let connection = self.open(limits, deadline)?;
            stats.opened.inc();
            Pooled { connection, born: Instant::now() }
        };
        match pooled.connection.send(ops, deadline.or_after(limits.read_timeout)) {
            // After some refusals, nobody knows where the next reply begins.
            Ok(replies) if replies.iter().any(|reply| matches!(reply, Reply::Refused(_))) => {
                Ok(replies)
            }
            Ok(replies) => {
                slot.give_back(pooled);
                Ok(replies)
            }
            Err(fault) => {
                stats.reconnections.inc();
                Err(fault)
            }
        }
    }

    fn open(&self, limits: Limits, deadline: Deadline) -> Result<Connection, Fault> {
        let known = self.nature.get().copied();
        let deadline = deadline.or_after(limits.read_timeout);
        let login = self.login.as_ref();
        let opened = Connection::open(&self.dialer, login, known, deadline, limits.connect_timeout);
        let mut state = self.state();
        state.connecting -= 1;
        let refuses = opened.as_ref().is_err_and(Fault::is_refusal);
        state.refused = refuses.then(Instant::now);
        drop(state);
        let (connection, nature) = opened?;
        if let (None, Some(nature)) = (known, nature) {
            // Another connection may have asked as well.
            let _ = self.nature.set(nature);
        }
        Ok(connection)
    }

    /// Waits for room for a connection; takes an idle one if there is any.
    fn borrow(
        &self,
        limits: Limits,
        deadline: Deadline,
    ) -> Result<(Slot<'_>, Option<Pooled>), Fault> {
        let mut state = self.state();
        loop {
            while let Some(pooled) = state.idle.pop() {
                if pooled.born.elapsed() < GREATEST_AGE {
                    return Ok((Slot(self), Some(pooled)));
                }
                state.count -= 1;
            }
            if state.count < limits.most_connections && !state.must_share() {
                state.count += 1;
                state.connecting += 1;
                return Ok((Slot(self), None));
            }
            let in_use = state.count;
            let left = deadline.remaining().map_err(|_| Fault::AllInUse(in_use))?;
            state.waiting += 1;
            let waited = self.returned.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
    }

    /// Whether it has failed for long.
    fn outage(&self) -> Result<bool, Failure> {
        let state = self.state();
        if state.silent_until.is_some_and(|until| Instant::now() < until) {
            return Err(self.failure(Fault::Silent));
        }
        Ok(state.trouble.is_some_and(|since| since.elapsed() >= BOUND))
    }

    fn in_trouble(&self, since: Instant, silent: bool) {
        let mut state = self.state();
        // They lead to a server that is gone.
        state.count -= state.idle.len();
        state.idle.clear();
        state.trouble.get_or_insert(since);
        if silent {
            state.silent_until = Some(Instant::now() + SILENCE);
        }
        self.returned.notify_all();
    }

    fn recovered(&self) {
        let mut state = self.state();
        state.silent_until = None;
        let trouble = state.trouble.take();
        drop(state);
        if trouble.is_some_and(|since| since.elapsed() > WORTH_MENTIONING) {
            log(format_args!("the service is responding again: {}", self.name));
        }
    }

    pub(super) fn failure(&self, fault: Fault) -> Failure {
        Failure { server: self.name.clone(), fault }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the allowed connections. Dropping it makes room for another.
struct Slot<'a>(&'a Server);

impl Slot<'_> {
    /// Returns a connection for the next request.
    fn give_back(self, pooled: Pooled) {
        let mut state = self.0.state();
        state.idle.push(pooled);
        // Its slot is still taken, until the end of this function.
        state.count += 1;
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.count -= 1;
        // To wake nobody is a system call, too.
        if state.waiting > 0 {
            self.0.returned.notify_one();
        }
    }
}
