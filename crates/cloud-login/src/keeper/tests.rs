//! A source that does what a test tells it, and a clock that a test sets.

use super::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::UNIX_EPOCH;
use store_client::{Auth, Secret};

const SOURCE: Source = Source { name: "The source of the test", advice: "Ask it." };
const SOON: Duration = Duration::from_secs(5);

/// What the source answers next; it waits until it is told. A token's lifetime in seconds.
type Told = Result<u64, NoToken>;

struct Test {
    keeper: Keeper,
    /// In seconds since 1970.
    clock: Arc<AtomicU64>,
    tell: Sender<Told>,
    asked: Receiver<()>,
}

impl Test {
    fn new() -> Self {
        let clock = Arc::new(AtomicU64::new(10_000));
        let seconds = clock.clone();
        let now = move || UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::SeqCst));
        let ((tell, told), (ask, asked)) = (channel::<Told>(), channel());
        let (told, ask, count) = (Mutex::new(told), Mutex::new(ask), AtomicU64::new(0));
        let issue = move |now: SystemTime, _| {
            let _ = ask.lock().unwrap().send(());
            let lifetime = told.lock().unwrap().recv().unwrap_or_else(|_| Err(slow(SOURCE)))?;
            let number = count.fetch_add(1, Ordering::SeqCst);
            let expires = now + Duration::from_secs(lifetime);
            let auth = Auth::new(None, Secret::new(format!("token-{number}")));
            Ok(Token { auth, expires })
        };
        let keeper = Keeper::new(SOURCE, issue, Arc::new(now));
        Self { keeper, clock, tell, asked }
    }

    fn answers(&self, told: Told) {
        self.tell.send(told).unwrap();
    }

    fn waits_for_a_question(&self) {
        self.asked.recv_timeout(SOON).unwrap();
    }

    fn passes(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    fn token(&self) -> Result<String, NoToken> {
        let token = self.keeper.token(Deadline::after(SOON))?;
        Ok(token.auth.password.expose().to_owned())
    }

    fn becomes(&self, secret: &str) {
        let begun = Instant::now();
        while self.token().as_deref() != Ok(secret) {
            assert!(begun.elapsed() < SOON, "no {secret}");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn down() -> NoToken {
    passing("down", "up")
}

#[test]
fn the_next_token_comes_ahead_of_the_end_and_nobody_waits_for_it() {
    let test = Test::new();
    test.answers(Ok(900));
    assert_eq!(test.token().unwrap(), "token-0");
    test.waits_for_a_question();
    // Before half of its time, nobody asks again.
    test.passes(350);
    assert_eq!(test.token().unwrap(), "token-0");
    assert!(test.asked.try_recv().is_err());
    test.passes(200);
    // The source is asked, and hangs; the present token is there at once.
    let begun = Instant::now();
    assert_eq!(test.token().unwrap(), "token-0");
    test.waits_for_a_question();
    assert_eq!(test.token().unwrap(), "token-0");
    assert!(begun.elapsed() < SOON);
    let first = test.keeper.token(Deadline::after(SOON)).unwrap();
    assert_eq!(test.keeper.newer(&first), None);
    test.answers(Ok(900));
    test.becomes("token-1");
    assert_eq!(test.keeper.newer(&first).unwrap().auth.password.expose(), "token-1");
}

#[test]
fn a_source_that_is_down_is_said_before_the_token_ends_and_fails_nobody_until_then() {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let said = || SAID.lock().unwrap().clone();
    let test = Test::new();
    test.keeper.start(|text| SAID.lock().unwrap().push(text.to_owned()));
    test.answers(Ok(900));
    assert_eq!(test.token().unwrap(), "token-0");
    test.passes(600);
    for _ in 0..3 {
        test.answers(Err(down()));
    }
    let begun = Instant::now();
    while said().len() < 2 {
        assert_eq!(test.token().unwrap(), "token-0");
        assert!(begun.elapsed() < SOON);
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(
        said()[0],
        "no new login token; the present one is valid for another 5 min: down. up"
    );
    // It ends, and there is no other.
    test.passes(301);
    let begun = Instant::now();
    while test.token() != Err(down()) {
        assert!(begun.elapsed() < SOON);
    }
    test.answers(Ok(900));
    test.becomes("token-1");
    let begun = Instant::now();
    while said().last().unwrap() != "login tokens are issued again" {
        assert!(begun.elapsed() < SOON);
    }
}

#[test]
fn without_a_token_a_wait_ends_at_its_deadline() {
    let test = Test::new();
    let begun = Instant::now();
    let error = test.keeper.token(Deadline::after(Duration::from_millis(50))).unwrap_err();
    assert_eq!(error, slow(SOURCE));
    assert!(begun.elapsed() < SOON);
}

#[test]
fn a_clock_that_jumps_ahead_gets_a_new_token_at_once() {
    let test = Test::new();
    test.answers(Ok(900));
    assert_eq!(test.token().unwrap(), "token-0");
    test.answers(Ok(900));
    test.passes(86_400);
    assert_eq!(test.token().unwrap(), "token-1");
}

#[test]
fn a_clock_that_jumps_back_keeps_the_token_until_a_server_refuses_it() {
    let test = Test::new();
    test.answers(Ok(900));
    let token = test.keeper.token(Deadline::after(SOON)).unwrap();
    test.clock.fetch_sub(5000, Ordering::SeqCst);
    assert_eq!(test.token().unwrap(), "token-0");
    // One that has just come is not replaced.
    assert_eq!(test.keeper.in_place_of(&token, Deadline::after(SOON)), None);
    test.keeper.0.state().came = Instant::now().checked_sub(TOO_NEW).unwrap();
    test.answers(Ok(900));
    let other = test.keeper.in_place_of(&token, Deadline::after(SOON)).unwrap();
    assert_eq!(other.auth.password.expose(), "token-1");
    // For another connection that was refused, it is there already.
    assert_eq!(test.keeper.in_place_of(&token, Deadline::after(SOON)), Some(other));
}

#[test]
fn a_token_that_has_ended_when_it_comes_is_none() {
    let test = Test::new();
    test.answers(Ok(0));
    assert_eq!(test.token(), Err(ended(SOURCE)));
}
