//! Keeps a token that is valid: a thread gets the next one ahead of the present one's end, so nobody waits for a source
//! while there is one.

use super::http::Source;
use super::schedule::{chance, due, pause};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use store_client::{Deadline, NoToken, Token, Tokens};

/// For all requests that a token takes.
const PATIENCE: Duration = Duration::from_secs(5);
/// A token that a server refuses is not replaced before, so that a wrong setting does not wear out the source.
const TOO_NEW: Duration = Duration::from_secs(5);
const STACK: usize = 512 << 10;

/// Tells the time of day.
pub type Clock = dyn Fn() -> SystemTime + Send + Sync;
type Issue = dyn Fn(SystemTime, Deadline) -> Result<Token, NoToken> + Send + Sync;

/// Keeps a token that is valid, from the first time that one is needed until it is dropped.
pub(crate) struct Keeper(Arc<KeptToken>);

struct KeptToken {
    source: Source,
    issue: Box<Issue>,
    clock: Arc<Clock>,
    state: Mutex<State>,
    /// Tells the thread that a token is needed now, or none any more.
    needed: Condvar,
    /// Tells those who wait that the source has answered.
    answered: Condvar,
    report: OnceLock<fn(&str)>,
}

struct State {
    is_running: bool,
    has_ended: bool,
    token: Option<Arc<Token>>,
    /// When the present token came, by a clock that nobody sets.
    came: Instant,
    /// When to ask for the next one.
    due: SystemTime,
    /// The source is left alone until then, after it gave none.
    not_before: Instant,
    failures: u32,
    /// Why the source gave none the last time.
    problem: Option<NoToken>,
    /// How often the source has answered.
    answers: u64,
}

impl Keeper {
    /// `issue` asks the source at a time of day, until a deadline.
    pub(crate) fn new(
        source: Source,
        issue: impl Fn(SystemTime, Deadline) -> Result<Token, NoToken> + Send + Sync + 'static,
        clock: Arc<Clock>,
    ) -> Self {
        let state = State {
            is_running: false,
            has_ended: false,
            token: None,
            came: Instant::now(),
            due: clock(),
            not_before: Instant::now(),
            failures: 0,
            problem: None,
            answers: 0,
        };
        Self(Arc::new(KeptToken {
            source,
            issue: Box::new(issue),
            clock,
            state: Mutex::new(state),
            needed: Condvar::new(),
            answered: Condvar::new(),
            report: OnceLock::new(),
        }))
    }

    /// The state, with the thread that cares for it.
    fn running(&self) -> Result<MutexGuard<'_, State>, NoToken> {
        let mut state = self.0.state();
        if !state.is_running {
            let shared = Arc::clone(&self.0);
            let spawned = thread::Builder::new().stack_size(STACK).spawn(move || shared.keep());
            spawned.map_err(|error| {
                let what = format!("No thread can be started that asks for a token ({error})");
                passing(&what, "Allow this container more processes.")
            })?;
            state.is_running = true;
        }
        Ok(state)
    }

    /// The token, if it is valid; has the next one asked for if that is due.
    fn present(&self, state: &State) -> Option<Arc<Token>> {
        let now = (self.0.clock)();
        if state.wait(now).is_zero() {
            self.0.needed.notify_one();
        }
        state.valid(now)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.state().has_ended = true;
        self.0.needed.notify_all();
    }
}

impl Tokens for Keeper {
    fn token(&self, deadline: Deadline) -> Result<Arc<Token>, NoToken> {
        let mut state = self.running()?;
        loop {
            if let Some(token) = self.present(&state) {
                return Ok(token);
            }
            match &state.problem {
                Some(problem) if state.is_left_alone() => return Err(problem.clone()),
                _ => {}
            }
            let Ok(left) = deadline.remaining() else {
                return Err(state.problem.clone().unwrap_or_else(|| slow(self.0.source)));
            };
            state = wait(&self.0.answered, state, left);
        }
    }

    fn newer(&self, than: &Token) -> Option<Arc<Token>> {
        self.present(&self.0.state()).filter(|token| token.auth != than.auth)
    }

    fn in_place_of(&self, refused: &Token, deadline: Deadline) -> Option<Arc<Token>> {
        let mut state = self.running().ok()?;
        let answers = state.answers;
        loop {
            let other = state.valid((self.0.clock)()).filter(|it| it.auth != refused.auth);
            if other.is_some() {
                return other;
            }
            let is_too_new = state.came.elapsed() < TOO_NEW || state.is_left_alone();
            let left = deadline.remaining().ok()?;
            if is_too_new || state.answers != answers {
                return None;
            }
            state.due = (self.0.clock)();
            self.0.needed.notify_one();
            state = wait(&self.0.answered, state, left);
        }
    }

    fn start(&self, report: fn(&str)) {
        // The first one stays.
        let _ = self.0.report.set(report);
        // Without a thread, whoever needs a token says so.
        drop(self.running());
    }

    fn report(&self, text: &str) {
        if let Some(report) = self.0.report.get() {
            report(text);
        }
    }
}

impl KeptToken {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for tokens until nobody needs any.
    fn keep(&self) {
        let mut state = self.state();
        while !state.has_ended {
            let left = state.wait((self.clock)());
            if !left.is_zero() {
                state = wait(&self.needed, state, left);
                continue;
            }
            drop(state);
            let answer = (self.issue)((self.clock)(), Deadline::after(PATIENCE));
            state = self.state();
            let now = (self.clock)();
            let answer = match answer {
                Ok(token) if token.expires <= now => Err(ended(self.source)),
                answer => answer,
            };
            let said = state.take(answer, now);
            self.answered.notify_all();
            if let (Some(said), Some(report)) = (said, self.report.get()) {
                report(&said);
            }
        }
    }
}

impl State {
    fn valid(&self, now: SystemTime) -> Option<Arc<Token>> {
        self.token.clone().filter(|token| now < token.expires)
    }

    fn is_left_alone(&self) -> bool {
        Instant::now() < self.not_before
    }

    /// How long to wait before the source is asked.
    fn wait(&self, now: SystemTime) -> Duration {
        let alone = self.not_before.saturating_duration_since(Instant::now());
        let due = match self.valid(now) {
            Some(_) => self.due.duration_since(now).unwrap_or_default(),
            None => Duration::ZERO,
        };
        alone.max(due)
    }

    /// Takes what the source has answered, and returns what to say about it.
    fn take(&mut self, answer: Result<Token, NoToken>, now: SystemTime) -> Option<String> {
        self.answers += 1;
        match answer {
            Ok(token) => {
                self.due = due(now, token.expires, chance());
                self.token = Some(Arc::new(token));
                self.came = Instant::now();
                self.failures = 0;
                self.problem.take().map(|_| "login tokens are issued again".to_owned())
            }
            Err(problem) => {
                self.failures = self.failures.saturating_add(1);
                let present = self.valid(now);
                self.not_before =
                    Instant::now() + pause(self.failures, present.is_some(), chance());
                let said = match present.and_then(|it| it.expires.duration_since(now).ok()) {
                    Some(left) => format!(
                        "no new login token; the present one is valid for another {}: {problem}",
                        shown(left)
                    ),
                    None => format!("no login token: {problem}"),
                };
                self.problem = Some(problem);
                // Less and less often.
                self.failures.is_power_of_two().then_some(said)
            }
        }
    }
}

fn wait<'a>(
    condition: &Condvar,
    state: MutexGuard<'a, State>,
    left: Duration,
) -> MutexGuard<'a, State> {
    condition.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
}

fn slow(Source { name, advice }: Source) -> NoToken {
    passing(&format!("{name} has not answered in time"), advice)
}

fn ended(Source { name, .. }: Source) -> NoToken {
    let what = format!("{name} gives a token that has already ended by this container's clock");
    passing(&what, "Set the clock of the machine.")
}

fn passing(what: &str, advice: &str) -> NoToken {
    NoToken { what: what.to_owned(), advice: advice.to_owned(), passes: true }
}

fn shown(left: Duration) -> String {
    match left.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

#[cfg(test)]
mod tests;
