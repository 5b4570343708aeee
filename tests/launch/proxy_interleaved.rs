//! Many sessions at once, and PHP processes that go away at any point: nobody ever reads another visitor's session,
//! and whatever the proxy said is written stays.

use crate::proxy_site::{PASSWORD, PREFIX, Site, command, reply};
use crate::redis_process::run;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

const SESSIONS: usize = 1000;
const WORKERS: usize = 24;
const REQUESTS: usize = 500;

/// A worker of PHP: its connection, and its dice, which fall the same way in each run.
struct Worker {
    number: usize,
    dice: u64,
    stream: Option<UnixStream>,
}

impl Worker {
    fn throw(&mut self, sides: usize) -> usize {
        let mut hasher = DefaultHasher::new();
        self.dice.hash(&mut hasher);
        self.dice = hasher.finish();
        usize::try_from(self.dice % sides as u64).unwrap()
    }

    /// Says a command and gives the reply; `None` where the worker was killed with the command under way.
    fn say(&mut self, socket: &Path, parts: &[&str], may_die: bool) -> Option<String> {
        let dies = may_die && self.throw(20) == 0;
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => UnixStream::connect(socket).unwrap(),
        };
        stream.write_all(command(parts).as_bytes()).unwrap();
        if dies {
            return None;
        }
        let reply = reply(&mut stream);
        self.stream = Some(stream);
        Some(reply)
    }
}

/// What the workers know of a session: how often it was certainly written, and how often perhaps.
#[derive(Default)]
struct Known {
    certain: AtomicU32,
    perhaps: AtomicU32,
}

/// One request of PHP; the session holds its own name and a count.
fn request(worker: &mut Worker, socket: &Path, known: &[Known]) {
    let session = worker.throw(SESSIONS);
    let key = format!("{PREFIX}{session}");
    let lock = format!("{key}_LOCK");
    let owner = format!("test|{}", worker.number);
    let Some(locked) = worker.say(socket, &["SET", &lock, &owner, "NX", "PX", "30000"], true)
    else {
        return;
    };
    assert_eq!(locked, "+OK");
    let Some(data) = worker.say(socket, &["GET", &key], true) else { return };
    let count: u32 = if let Some((name, count)) = data.split_once(' ') {
        assert_eq!(name, key, "another visitor's session");
        count.parse().unwrap()
    } else {
        assert_eq!(data, "$-1");
        0
    };
    if worker.throw(10) == 0 {
        // Killed while the page works.
        worker.stream = None;
        return;
    }
    let data = format!("{key} {}", count + 1);
    let Some(written) = worker.say(socket, &["SETEX", &key, "1440", &data], true) else {
        known[session].perhaps.fetch_add(1, Ordering::Relaxed);
        return;
    };
    assert_eq!(written, "+OK");
    known[session].certain.fetch_add(1, Ordering::Relaxed);
    let unlocked = worker.say(socket, &["EVALSHA", "b70c", "1", &lock, &owner], false);
    assert_eq!(unlocked.as_deref(), Some(":1"));
}

#[test]
fn nobody_reads_anothers_session_and_nothing_that_was_written_is_lost() {
    let site = Site::start(&[]);
    let socket = site.socket();
    let known: Vec<Known> = (0..SESSIONS).map(|_| Known::default()).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|number| {
                let (socket, known) = (&socket, &known);
                scope.spawn(move || {
                    let mut worker = Worker { number, dice: number as u64, stream: None };
                    for _ in 0..REQUESTS {
                        request(&mut worker, socket, known);
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            let mut admin = site.redis.admin(PASSWORD);
            while !done.load(Ordering::Relaxed) {
                run(&mut admin, &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
                thread::sleep(Duration::from_millis(50));
            }
        });
        for worker in workers {
            worker.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    let mut admin = site.redis.admin(PASSWORD);
    let mut written = 0;
    for (session, known) in known.iter().enumerate() {
        let key = format!("{PREFIX}{session}");
        let data: Option<String> = redis::cmd("GET").arg(&key).query(&mut admin).unwrap();
        let count = data.map_or(0, |data| data.split(' ').nth(1).unwrap().parse().unwrap());
        let certain = known.certain.load(Ordering::Relaxed);
        let most = certain + known.perhaps.load(Ordering::Relaxed);
        assert!((certain..=most).contains(&count), "{key}: {count}, not {certain} to {most}");
        written += certain;
    }
    assert!(written > 5000, "{written}");
}
