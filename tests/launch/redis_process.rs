//! A real Redis as a child process, on a port of loopback.

use crate::proxy_harness::PATIENCE;
use nix::sys::signal::Signal;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A server that ends when it is dropped.
pub(crate) struct Redis {
    process: Child,
    pub(crate) port: u16,
    options: Vec<String>,
    folder: TempDir,
}

impl Redis {
    /// Starts a server with these options.
    pub(crate) fn start(options: &[&str]) -> Self {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let begun = Instant::now();
        // Another process may take the port meanwhile.
        while begun.elapsed() < PATIENCE {
            let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
            let process = spawn(port, &folder, &options);
            let mut redis = Self { process, port, options: options.clone(), folder };
            if redis.is_up() {
                return redis;
            }
        }
        panic!("redis-server {options:?} does not start");
    }

    pub(crate) fn pid(&self) -> i32 {
        self.process.id().try_into().unwrap()
    }

    /// Ends the process, and with it all that it keeps.
    pub(crate) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it on the same port.
    pub(crate) fn start_again(&mut self) {
        self.process = spawn(self.port, &self.folder, &self.options);
        assert!(self.is_up(), "the port {} is somebody else's", self.port);
    }

    /// Waits until it answers; false if it has ended.
    fn is_up(&mut self) -> bool {
        let begun = Instant::now();
        while self.process.try_wait().unwrap().is_none() {
            if self.answers() {
                return true;
            }
            assert!(begun.elapsed() < PATIENCE, "redis-server does not answer: {:?}", self.options);
            sleep(Duration::from_millis(5));
        }
        false
    }

    /// Whether it says anything.
    pub(crate) fn answers(&self) -> bool {
        let client = redis::Client::open(("127.0.0.1", self.port)).unwrap();
        let Ok(mut connection) = client.get_connection() else { return false };
        // Without the password it says no, and that is an answer of a server that is up.
        let said: redis::RedisResult<String> = redis::cmd("PING").query(&mut connection);
        !said.is_err_and(|error| error.to_string().contains("LOADING"))
    }

    /// A client's connection, logged in as user `default`.
    pub(crate) fn admin(&self, password: &str) -> redis::Connection {
        let client = redis::Client::open(("127.0.0.1", self.port)).unwrap();
        let mut connection = client.get_connection().unwrap();
        run(&mut connection, &["AUTH", password]);
        connection
    }

    /// How often it has run a command since it was last asked to forget.
    pub(crate) fn calls(&self, password: &str, command: &str) -> u32 {
        let mut admin = self.admin(password);
        let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut admin).unwrap();
        let line = stats.lines().find(|line| line.starts_with(&format!("cmdstat_{command}:")));
        line.and_then(|line| line.split(['=', ',']).nth(1)).map_or(0, |it| it.parse().unwrap())
    }

    /// Waits until so many replicas have all that it has acknowledged: Redis replicates later. It stores a key for that.
    pub(crate) fn wait_until_replicated(&self, password: &str, key: &str, replicas: u32) {
        let mut admin = self.admin(password);
        run(&mut admin, &["SET", key, ""]);
        let acknowledged: u32 =
            redis::cmd("WAIT").arg(replicas).arg(10_000).query(&mut admin).unwrap();
        assert_eq!(acknowledged, replicas);
    }

    /// Stops or continues the process.
    pub(crate) fn signal(&self, signal: Signal) {
        crate::proxy_harness::signal(self.process.id().cast_signed(), signal);
    }

    /// How many sessions it keeps.
    pub(crate) fn sessions(&self, password: &str) -> usize {
        let mut admin = self.admin(password);
        let keys: Vec<String> =
            redis::cmd("KEYS").arg("PHPREDIS_SESSION:*").query(&mut admin).unwrap();
        keys.iter().filter(|key| !key.ends_with("_LOCK")).count()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(port: u16, folder: &TempDir, options: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
        .arg(folder.path())
        .args(options)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is on the PATH: `make setup` installs it")
}

/// A port that nobody has now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs one command, which must succeed.
pub(crate) fn run(connection: &mut redis::Connection, words: &[&str]) {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.exec(connection).unwrap_or_else(|error| panic!("{}: {error}", words[0]));
}
