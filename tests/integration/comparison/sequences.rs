//! Sequences of what PHP can do with sessions, generated, over several PHP processes: after each step the processes with
//! the session proxy and those without have the same session, and the same is stored.

use super::server::Server;
use super::ways::{A_LOCK, Kind, Way, is_reservation};
use super::with_app;
use crate::support::app::App;
use crate::support::{Suite, on_both};
use php_session_store::store::Store;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const WORKERS: usize = 3;
const SESSIONS: usize = 3;
/// How long to look for differences.
const TIME: Duration = Duration::from_secs(20);

/// What a worker does. A number stands for one of the sessions that are known so far.
#[derive(Debug, Clone)]
enum Step {
    /// Opens a session, after others have been read in vain, with options of `session_start`.
    Open { session: usize, others: Vec<usize>, options: &'static str },
    /// Runs code that needs no lock.
    Run(&'static str),
    /// Reads the session again.
    Reset,
    /// Is killed.
    Kill,
    /// The store forgets a session, as when its time is over.
    Forget(usize),
}

fn step(store: Store) -> impl Strategy<Value = Step> {
    let options = prop_oneof![
        5 => Just("[]"),
        1 => Just("['read_and_close' => true]"),
        1 => Just("['use_strict_mode' => true]"),
        1 => Just("['use_strict_mode' => true, 'read_and_close' => true]"),
        1 => Just("['lazy_write' => false]"),
        1 => Just("['gc_maxlifetime' => 90000]"),
    ];
    // php-memcached forgets the first of two locks, which stays until it ends.
    let most_others = if store == Store::Redis { 2 } else { 0 };
    let others = prop_oneof![
        6 => Just(Vec::new()),
        1 => prop::collection::vec(0..SESSIONS, 0..=most_others),
    ];
    let code = prop::sample::select(vec![
        "$_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;",
        "$_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;",
        "$_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;",
        "$_SESSION = [];",
        "return session_write_close();",
        "return session_write_close();",
        "return session_write_close();",
        "return session_abort();",
        "return session_destroy();",
        "return session_regenerate_id();",
        "return session_regenerate_id(true);",
        "locking(false);",
        "locking(true);",
    ]);
    prop_oneof![
        32 => (any::<usize>(), others, options)
            .prop_map(|(session, others, options)| Step::Open { session, others, options }),
        64 => code.prop_map(Step::Run),
        4 => Just(Step::Reset),
        // A new process takes time.
        1 => Just(Step::Kill),
        4 => any::<usize>().prop_map(Step::Forget),
    ]
}

/// A PHP process.
struct Worker {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Worker {
    fn start(way: &Way) -> Self {
        let php = ["launcher", "--", "php", "/workspace/htdocs/worker.php"];
        let mut process = Command::new("docker")
            .args(["exec", "--interactive", &way.instance.container.name])
            .args(php)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker is there");
        let stdin = process.stdin.take().expect("a pipe");
        let stdout = BufReader::new(process.stdout.take().expect("a pipe"));
        Self { process, stdin, stdout }
    }

    /// What comes of the code; nothing if the process ends.
    fn run(&mut self, code: &str) -> String {
        writeln!(self.stdin, "{code}").expect("PHP listens");
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("PHP answers");
        line
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One of the ways, with its workers.
struct Side {
    way: Way,
    workers: Vec<Worker>,
    /// The ids that are known so far. Those that PHP has made are random.
    ids: Vec<String>,
    /// What each worker has told last.
    told: Vec<Value>,
    /// The locks that are there, each with the worker that has it.
    locks: BTreeMap<String, usize>,
}

impl Side {
    fn start(kind: Kind, app: &App, server: &Server) -> Self {
        let way = Way::start(kind, app, server);
        let workers = (0..WORKERS).map(|_| Worker::start(&way)).collect();
        Self { way, workers, ids: Vec::new(), told: Vec::new(), locks: BTreeMap::new() }
    }

    /// Begins with nothing, and with sessions that no sequence had before.
    fn begin(&mut self, sequence: usize) {
        for worker in &mut self.workers {
            worker.run("begin();");
        }
        self.way.clear();
        self.ids = (0..SESSIONS).map(|number| format!("s{sequence}-{number}")).collect();
        self.told = vec![Value::Null; WORKERS];
        self.locks.clear();
    }

    fn id(&self, session: usize) -> &str {
        &self.ids[session % self.ids.len()]
    }

    /// Whether PHP would wait for a lock, maybe for its own.
    fn would_wait(&self, worker: usize, step: &Step) -> bool {
        let sessions = match step {
            Step::Open { session, others, .. } => {
                others.iter().chain([session]).map(|session| self.id(*session).to_owned()).collect()
            }
            Step::Reset => vec![self.told[worker]["id"].as_str().unwrap_or_default().to_owned()],
            _ => Vec::new(),
        };
        sessions.iter().any(|id| self.locks.contains_key(&self.way.lock_of(id)))
    }

    fn take(&mut self, worker: usize, step: &Step) -> Value {
        let code = match step {
            Step::Open { session, others, options } => {
                let handler = if others.is_empty() {
                    "own_handler();".to_owned()
                } else {
                    let others: Vec<&str> = others.iter().map(|other| self.id(*other)).collect();
                    format!("@read_first('{}');", others.join("', '"))
                };
                format!(
                    "{handler} @session_id('{}'); return session_start({options});",
                    self.id(*session)
                )
            }
            Step::Run(code) => (*code).to_owned(),
            Step::Reset => "return session_reset();".to_owned(),
            Step::Kill => {
                self.kill(worker);
                "return 'a new process';".to_owned()
            }
            Step::Forget(session) => {
                let id = self.id(*session).to_owned();
                self.way.forget(&id);
                "return 'forgotten';".to_owned()
            }
        };
        let told = self.workers[worker].run(&code);
        let told: Value = serde_json::from_str(&told).unwrap_or_else(|_| json!(told));
        if let Some(id) = told["id"].as_str().filter(|id| !id.is_empty())
            && !self.ids.iter().any(|known| known == id)
        {
            self.ids.push(id.to_owned());
        }
        self.told[worker] = told;
        self.seen(worker)
    }

    /// Its locks end with it through the proxy, and only by themselves otherwise.
    fn kill(&mut self, worker: usize) {
        self.workers[worker].run("posix_kill(getmypid(), 9);");
        self.workers[worker] = Worker::start(&self.way);
        let own = self.locks.iter().filter(|(_, owner)| **owner == worker);
        let own: Vec<String> = own.map(|(lock, _)| lock.clone()).collect();
        self.way.end_locks(&own);
    }

    /// What the worker has, and what is stored, with names for ids.
    fn seen(&mut self, worker: usize) -> Value {
        let mut stored = self.way.stored();
        let there = |lock: &str| stored[lock] == A_LOCK;
        self.locks.retain(|lock, _| there(lock));
        let names = stored.as_object().expect("an object").keys();
        for lock in names.filter(|name| there(name)) {
            self.locks.entry(lock.clone()).or_insert(worker);
        }
        // php-memcached reserves ids which PHP, in strict mode, then takes for those of others.
        if let Some(stored) = stored.as_object_mut() {
            stored.retain(|id, item| !is_reservation(item) || self.ids.contains(id));
        }
        let mut text = json!({"told": self.told[worker], "stored": stored}).to_string();
        for (number, id) in self.ids.iter().enumerate() {
            text = text.replace(id, &format!("session {number}"));
        }
        serde_json::from_str(&text).expect("JSON as before")
    }
}

/// Takes the steps on both sides, and fails at the first difference.
fn compare(
    sides: &mut [Side; 2],
    sequence: usize,
    steps: &[(usize, Step)],
) -> Result<(), TestCaseError> {
    for side in &mut *sides {
        side.begin(sequence);
    }
    for (number, (worker, step)) in steps.iter().enumerate() {
        if sides[0].would_wait(*worker, step) {
            continue;
        }
        let [direct, proxy] = thread::scope(|scope| {
            let taken = sides.each_mut().map(|side| scope.spawn(|| side.take(*worker, step)));
            taken.map(|taken| taken.join().expect("what it sees"))
        });
        if direct != proxy {
            let taken = &steps[..=number];
            let report =
                format!("without the proxy {direct}\nwith it           {proxy}\nafter {taken:?}");
            return Err(TestCaseError::fail(report));
        }
    }
    Ok(())
}

fn sequences_are_equal(suite: Suite, store: Store) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    let seed = std::env::var("SEED")
        .map_or(u64::from(now.subsec_nanos()), |seed| seed.parse().expect("a number"));
    println!("SEED={seed} repeats it");
    with_app(suite, store, |app| {
        let server = Server::start(store);
        let sides = [Kind::Direct, Kind::Proxy].map(|kind| Side::start(kind, app, &server));
        let state = RefCell::new((sides, 0, false));
        let started = Instant::now();
        let config = Config {
            cases: 10_000,
            rng_seed: RngSeed::Fixed(seed),
            failure_persistence: None,
            max_shrink_time: 60_000,
            ..Config::default()
        };
        let sequence = prop::collection::vec((0..WORKERS, step(store)), 5..60);
        let outcome = TestRunner::new(config).run(&sequence, |steps| {
            let (sides, count, failed) = &mut *state.borrow_mut();
            // Time is for looking, and then for making what was found smaller.
            if started.elapsed() > TIME && !*failed {
                return Ok(());
            }
            *count += 1;
            let outcome = compare(sides, *count, &steps);
            *failed |= outcome.is_err();
            outcome
        });
        println!("{} sequences of {store} on {suite:?}", state.borrow().1);
        outcome.unwrap_or_else(|failure| panic!("SEED={seed}: {failure}"));
    });
}

on_both! {
    sequences_in_redis_are_equal: |suite| sequences_are_equal(suite, Store::Redis);
    sequences_in_memcached_are_equal: |suite| sequences_are_equal(suite, Store::Memcached);
}
