//! A real Redis as a child process, on a port of loopback.

use crate::proxy_harness::PATIENCE;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A server that ends when it is dropped.
pub(crate) struct Redis {
    process: Child,
    pub(crate) port: u16,
    _folder: TempDir,
}

impl Redis {
    /// Starts a server with these options.
    pub(crate) fn start(options: &[&str]) -> Self {
        let begun = Instant::now();
        loop {
            let port = free_port();
            let folder = tempfile::tempdir().unwrap();
            let process = Command::new("redis-server")
                .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
                .arg(folder.path())
                .args(options)
                .stdout(Stdio::null())
                .spawn()
                .expect("redis-server is on the PATH: `make setup` installs it");
            let mut redis = Self { process, port, _folder: folder };
            // Another process may have taken the port meanwhile.
            while redis.process.try_wait().unwrap().is_none() {
                if redis.answers() {
                    return redis;
                }
                assert!(begun.elapsed() < PATIENCE, "redis-server {options:?} does not answer");
                sleep(Duration::from_millis(5));
            }
            assert!(begun.elapsed() < PATIENCE, "redis-server {options:?} does not start");
        }
    }

    fn answers(&self) -> bool {
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
