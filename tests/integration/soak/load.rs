//! The load: requests of all visitors, no more than so many a second, through two instances of the app.

use super::faults::Fault;
use super::visitors::{Outcome, Visitors};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::mem;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Clients that ask at the same time.
pub(super) const CLIENTS: u32 = 8;
const REQUESTS_PER_SECOND: u32 = 100;
/// With these, it is clear what is wrong.
const ENOUGH: usize = 10;

/// What has happened since the last line.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) requests: u32,
    /// Those that failed, and what each said.
    pub(super) failures: Vec<String>,
    pub(super) longest: Duration,
}

/// A fault that may cost requests.
struct Announced {
    fault: Fault,
    end: Option<Instant>,
    /// How many it has cost so far.
    failures: u32,
}

/// A load that goes on.
pub(super) struct Load {
    visitors: Visitors,
    addresses: [SocketAddr; 2],
    /// Nobody asks while somebody else than a client has it.
    paused: RwLock<()>,
    over: AtomicBool,
    /// Faults that may cost requests.
    faults: Mutex<Vec<Announced>>,
    seen: Mutex<Seen>,
    wrong: Mutex<Vec<String>>,
}

impl Load {
    pub(super) fn new(visitors: Visitors, addresses: [SocketAddr; 2]) -> Self {
        Self {
            visitors,
            addresses,
            paused: RwLock::default(),
            over: AtomicBool::new(false),
            faults: Mutex::default(),
            seen: Mutex::default(),
            wrong: Mutex::default(),
        }
    }

    /// What one of the clients does until the end.
    pub(super) fn client(&self, number: u32) {
        let mut next = Instant::now();
        let mut dice = u64::from(number);
        while !self.over.load(Ordering::Relaxed) {
            sleep(next.saturating_duration_since(Instant::now()));
            next =
                next.max(Instant::now()) + Duration::from_secs(1) * CLIENTS / REQUESTS_PER_SECOND;
            let mut hasher = DefaultHasher::new();
            dice.hash(&mut hasher);
            dice = hasher.finish();
            let address = self.addresses[usize::from(dice.is_multiple_of(2))];
            let _asks = self.paused.read().expect("nothing panics with it");
            let begun = Instant::now();
            let outcome = self.visitors.act(address, dice / 2);
            self.note(begun, outcome);
        }
    }

    fn note(&self, begun: Instant, outcome: Outcome) {
        let mut seen = self.seen.lock().expect("nothing panics with it");
        seen.requests += 1;
        seen.longest = seen.longest.max(begun.elapsed());
        match outcome {
            Outcome::Kept => {}
            Outcome::Failed(what) => match self.fault_that_cost(begun) {
                Some(fault) => seen.failures.push(format!("{fault:?}: {what}")),
                None => self.wrong(what),
            },
            Outcome::Wrong(what) => self.wrong(what),
        }
    }

    /// The fault since then that has cost a request. A process is killed once, so it costs those that are under way then, one
    /// of each client.
    fn fault_that_cost(&self, since: Instant) -> Option<Fault> {
        let mut faults = self.faults.lock().expect("nothing panics with it");
        let last = faults.last_mut()?;
        let is_it = last.end.is_none_or(|end| end >= since) && last.failures < CLIENTS;
        last.failures += u32::from(is_it);
        is_it.then_some(last.fault)
    }

    /// Announces what happens, if it may cost requests.
    pub(super) fn during(&self, fault: Fault, happens: impl FnOnce()) {
        let faults = || self.faults.lock().expect("nothing panics with it");
        if fault.costs_requests() {
            faults().push(Announced { fault, end: None, failures: 0 });
        }
        happens();
        if let Some(last) = faults().last_mut() {
            last.end.get_or_insert_with(Instant::now);
        }
    }

    pub(super) fn wrong(&self, what: String) {
        println!("soak: WRONG: {what}");
        self.wrong.lock().expect("nothing panics with it").push(what);
    }

    pub(super) fn is_hopeless(&self) -> bool {
        self.wrong.lock().expect("nothing panics with it").len() >= ENOUGH
    }

    /// While nobody asks for anything.
    pub(super) fn in_a_pause<T>(&self, look: impl FnOnce() -> T) -> T {
        let _alone = self.paused.write().expect("nothing panics with it");
        look()
    }

    /// What has happened since this was asked last.
    pub(super) fn since_then(&self) -> Seen {
        mem::take(&mut self.seen.lock().expect("nothing panics with it"))
    }

    /// The clients go on until it is dropped, even by a panic.
    pub(super) fn goes_on(&self) -> GoesOn<'_> {
        GoesOn(&self.over)
    }

    /// Looks for what is lost, when it is over; all that was wrong.
    pub(super) fn result(self) -> Vec<String> {
        let mut wrong = self.wrong.into_inner().expect("nothing panics with it");
        wrong.extend(self.visitors.look(self.addresses[0]));
        wrong
    }
}

pub(super) struct GoesOn<'a>(&'a AtomicBool);

impl Drop for GoesOn<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
