//! Visitors, each with a session and a model of it: what was written last must be read. A request that failed may have
//! been applied or not.

use super::page::{Page, ask};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// A visitor with one window.
pub(super) struct Visitor {
    number: usize,
    /// How many changes it has made so far.
    changes: u32,
    session: Option<String>,
    /// What may be found: the last change that was kept, and those since that failed. `None` if there is no session.
    possible: BTreeSet<Option<String>>,
}

/// What came of a request.
pub(super) enum Outcome {
    Kept,
    Failed(String),
    /// Whatever happens to the service, this must not be.
    Wrong(String),
}

/// One in so many visitors has a session of a megabyte.
const ONE_IS_LARGE: usize = 100;
const LARGE: u64 = 1 << 20;

impl Visitor {
    pub(super) fn new(number: usize) -> Self {
        Self { number, changes: 0, session: None, possible: BTreeSet::from([None]) }
    }

    /// One of the things that visitors do, as often as they do it: out of a hundred.
    pub(super) fn act(&mut self, address: SocketAddr, dice: u64) -> Outcome {
        let what = match dice % 100 {
            0..20 => "view",
            20..30 => "read",
            30..88 => "change",
            88..93 => "login",
            93..96 => "renew",
            _ => "logout",
        };
        let large = self.number.is_multiple_of(ONE_IS_LARGE);
        self.request(address, what, if large { LARGE } else { dice / 100 % 3000 })
    }

    /// Reads the session.
    pub(super) fn look(&mut self, address: SocketAddr) -> Outcome {
        self.request(address, "read", 0)
    }

    fn request(&mut self, address: SocketAddr, what: &str, size: u64) -> Outcome {
        self.changes += 1;
        let token = format!("{}-{}", self.number, self.changes);
        let path = format!("/soak.php?do={what}&token={token}&size={size}");
        let after = match what {
            "view" | "read" => None,
            "logout" => Some(None),
            _ => Some(Some(token)),
        };
        // The id that comes with a failure may not be the one that has the session.
        let moves = matches!(what, "login" | "renew" | "logout");
        match ask(address, self.session.as_deref(), &path) {
            Ok(page) => {
                if !self.possible.contains(&page.found) {
                    return Outcome::Wrong(self.surprise(what, &page));
                }
                self.possible = BTreeSet::from([page.found.clone()]);
                if page.kept {
                    self.possible = after.map_or(BTreeSet::from([page.found]), |it| [it].into());
                    self.session = (what != "logout").then_some(page.id);
                    return Outcome::Kept;
                }
                self.possible.extend(after);
                self.possible.extend(moves.then_some(None));
                self.session = Some(page.id);
                Outcome::Failed(format!("{what} was not kept"))
            }
            Err(failure) => {
                self.possible.extend(after);
                self.possible.extend(moves.then_some(None));
                Outcome::Failed(format!("{what}: {failure}"))
            }
        }
    }

    fn surprise(&self, what: &str, page: &Page) -> String {
        let Self { number, session, possible, .. } = self;
        format!("{what} of visitor {number}, {session:?}: expected one of {possible:?}, {page:?}")
    }
}

/// A visitor with several windows, which count in one session at the same time.
pub(super) struct Crowd {
    session: String,
    begun: AtomicU32,
    kept: AtomicU32,
}

impl Crowd {
    pub(super) fn new(number: usize) -> Self {
        let session = format!("crowd{number}");
        Self { session, begun: AtomicU32::new(0), kept: AtomicU32::new(0) }
    }

    pub(super) fn act(&self, address: SocketAddr, dice: u64) -> Outcome {
        let kept = self.kept.load(Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
        let page =
            ask(address, Some(&self.session), &format!("/soak.php?do=count&ms={}", dice % 20));
        // Any of the others may have come before.
        let before = self.begun.load(Ordering::SeqCst) - 1;
        match page {
            Err(failure) => Outcome::Failed(format!("count: {failure}")),
            Ok(page) if !(kept..=before).contains(&page.count()) => Outcome::Wrong(format!(
                "{} has counted {kept} to {before} times, {page:?}",
                self.session
            )),
            Ok(page) if page.kept => {
                self.kept.fetch_add(1, Ordering::SeqCst);
                Outcome::Kept
            }
            Ok(_) => Outcome::Failed("the count was not kept".to_owned()),
        }
    }

    pub(super) fn look(&self, address: SocketAddr) -> Outcome {
        let (kept, begun) = (self.kept.load(Ordering::SeqCst), self.begun.load(Ordering::SeqCst));
        match ask(address, Some(&self.session), "/soak.php?do=read") {
            Ok(page) if (kept..=begun).contains(&page.count()) => Outcome::Kept,
            other => Outcome::Wrong(format!(
                "{} has counted {kept} to {begun} times: {other:?}",
                self.session
            )),
        }
    }
}

/// Those with one window, and those with several.
pub(super) struct Visitors {
    alone: Vec<Mutex<Visitor>>,
    crowds: Vec<Crowd>,
}

const CROWDS: usize = 20;
/// One in so many requests is one of a crowd, mostly of the same one: they come at once.
const ONE_OF_A_CROWD: u64 = 10;

impl Visitors {
    pub(super) fn new(sessions: usize) -> Self {
        let alone = (0..sessions - CROWDS).map(|number| Mutex::new(Visitor::new(number)));
        Self { alone: alone.collect(), crowds: (0..CROWDS).map(Crowd::new).collect() }
    }

    /// A request of one of them.
    pub(super) fn act(&self, address: SocketAddr, dice: u64) -> Outcome {
        let (kind, dice) = (dice % ONE_OF_A_CROWD, dice / ONE_OF_A_CROWD);
        if kind == 0 {
            let crowd = usize::try_from(dice % 100).unwrap_or(0);
            let crowd = self.crowds.get(crowd).unwrap_or(&self.crowds[0]);
            return crowd.act(address, dice / 100);
        }
        let number = usize::try_from(dice).unwrap_or(0) % self.alone.len();
        // Whoever waits for an answer asks for nothing else.
        let free = self.alone.iter().cycle().skip(number).find_map(|it| it.try_lock().ok());
        free.expect("more visitors than clients").act(address, dice / self.alone.len() as u64)
    }

    /// Looks for what is lost, with each of them.
    pub(super) fn look(&self, address: SocketAddr) -> Vec<String> {
        let alone = self.alone.iter().map(|it| it.lock().expect("the load is over").look(address));
        let all = alone.chain(self.crowds.iter().map(|crowd| crowd.look(address)));
        all.filter_map(|outcome| match outcome {
            Outcome::Kept => None,
            Outcome::Failed(what) | Outcome::Wrong(what) => Some(what),
        })
        .collect()
    }
}
