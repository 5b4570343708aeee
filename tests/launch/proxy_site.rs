//! The session proxy in this process, before a real Redis; and what PHP's handler says to it.

use crate::proxy_harness::wait_until;
use crate::redis_process::{Redis, run};
use php_session_store::endpoint::{self, Endpoint};
use php_session_store::services::{Origin, Services};
use php_session_store::store::Store;
use serde_json::{Value, json};
use session_proxy::{Access, Life, ProxyClient, Settings, Stage, Waits, Worker};
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use store_client::RedisEndpoint;
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "hunter2";
pub(crate) const PREFIX: &str = "PHPREDIS_SESSION:";

/// A server, and the proxy before it.
pub(crate) struct Site {
    pub(crate) redis: Redis,
    proxy: InProcess,
}

/// A session proxy in this process.
pub(crate) struct InProcess {
    folder: TempDir,
}

impl InProcess {
    /// Before the service with these credentials.
    pub(crate) fn start(credentials: &Value) -> Self {
        Self::waiting_for(credentials, 0)
    }

    /// The same; so many replicas have to acknowledge a write.
    pub(crate) fn waiting_for(credentials: &Value, replicas: u32) -> Self {
        let proxy = Self { folder: tempfile::tempdir().unwrap() };
        serve(&proxy.socket(), credentials_of(credentials), replicas);
        proxy
    }

    /// The same with these settings.
    pub(crate) fn with(credentials: &Value, settings: Settings) -> Self {
        let proxy = Self { folder: tempfile::tempdir().unwrap() };
        serve_with(&proxy.socket(), credentials_of(credentials), settings);
        proxy
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    pub(crate) fn php(&self, number: u32) -> Php {
        Php::new(UnixStream::connect(self.socket()).unwrap(), number)
    }

    /// What the proxy says of itself, as JSON.
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&ProxyClient::new(&self.socket()).status().unwrap().json()).unwrap()
    }
}

impl Site {
    /// A server with these options.
    pub(crate) fn start(options: &[&str]) -> Self {
        let redis = Redis::start(&[&["--requirepass", PASSWORD], options].concat());
        let credentials = json!({"host": "127.0.0.1", "port": redis.port, "password": PASSWORD});
        Self { redis, proxy: InProcess::start(&credentials) }
    }

    /// One address that enforces slots: a server that has all slots of a cluster.
    pub(crate) fn with_slots() -> Self {
        let site = Self::start(&["--cluster-enabled", "yes"]);
        let mut admin = site.redis.admin(PASSWORD);
        run(&mut admin, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
        wait_until("the cluster", || {
            let state: String = redis::cmd("CLUSTER").arg("INFO").query(&mut admin).unwrap();
            state.contains("cluster_state:ok")
        });
        site
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.proxy.socket()
    }

    pub(crate) fn php(&self, number: u32) -> Php {
        self.proxy.php(number)
    }

    pub(crate) fn stored(&self, key: &str) -> Option<String> {
        redis::cmd("GET")
            .arg(format!("{PREFIX}{key}"))
            .query(&mut self.redis.admin(PASSWORD))
            .unwrap()
    }

    /// How often the server has run a command since it was last asked to forget.
    pub(crate) fn calls(&self, command: &str) -> u32 {
        self.redis.calls(PASSWORD, command)
    }

    pub(crate) fn forget_calls(&self) {
        run(&mut self.redis.admin(PASSWORD), &["CONFIG", "RESETSTAT"]);
    }
}

/// Where these credentials lead.
pub(crate) fn credentials_of(credentials: &Value) -> RedisEndpoint {
    let service = json!({"redis": [{"name": "x", "credentials": credentials}]}).to_string();
    let services = Services::parse(&service, Origin::Vcap).unwrap();
    let reading = endpoint::read(Store::Redis, services.iter().next().unwrap()).unwrap();
    let Endpoint::Redis(endpoint) = reading.endpoint else { panic!("no Redis") };
    endpoint
}

pub(crate) fn settings(prefix: &str) -> Settings {
    let waits = Waits { lock: Duration::from_secs(30), failover: Duration::from_secs(5) };
    Settings {
        container: "test".to_owned(),
        prefix: prefix.to_owned(),
        locking: true,
        waits,
        waits_in_cluster: Waits { failover: Duration::from_secs(12), ..waits },
        connect_timeout: Duration::from_secs(2),
        read_timeout: Duration::from_secs(2),
        wait_replicas: 0,
        most_connections: 6,
        metrics: None,
    }
}

/// A life as long as that of this process.
pub(crate) fn endless() -> impl Life {
    struct Endless {
        end: UnixStream,
        _other: UnixStream,
    }

    impl Life for Endless {
        fn end(&self) -> BorrowedFd<'_> {
            self.end.as_fd()
        }

        fn lifeline(&self) -> io::Result<Option<OwnedFd>> {
            Ok(None)
        }

        fn after_end(&mut self, _: &UnixListener, _: u64) -> Stage {
            Stage::Serving
        }
    }

    let (end, other) = UnixStream::pair().unwrap();
    Endless { end, _other: other }
}

/// Starts a proxy at this socket.
pub(crate) fn serve(socket: &Path, endpoint: RedisEndpoint, wait_replicas: u32) {
    let usual = settings(PREFIX);
    let waits = if endpoint.is_sentinel() { usual.waits_in_cluster } else { usual.waits };
    serve_with(socket, endpoint, Settings { waits, wait_replicas, ..usual });
}

/// The same with these settings.
fn serve_with(socket: &Path, endpoint: RedisEndpoint, settings: Settings) {
    let listener = UnixListener::bind(socket).unwrap();
    let access = Access { endpoint, verify_peer: true };
    thread::spawn(move || {
        let worker = Worker::new(settings, Box::new(move || Ok(access.clone()))).unwrap();
        worker.serve(&listener, endless())
    });
}

/// A process of PHP. Sessions are named without their prefix.
pub(crate) struct Php {
    pub(crate) stream: UnixStream,
    pub(crate) owner: String,
}

impl Php {
    pub(crate) fn new(stream: UnixStream, number: u32) -> Self {
        Self { stream, owner: format!("test|{number}") }
    }

    pub(crate) fn say(&mut self, parts: &[&str]) -> String {
        self.stream.write_all(command(parts).as_bytes()).unwrap();
        reply(&mut self.stream)
    }

    pub(crate) fn lock(&mut self, id: &str) -> String {
        let owner = self.owner.clone();
        self.say(&["SET", &lock(id), &owner, "NX", "PX", "60000"])
    }

    pub(crate) fn lock_for(&mut self, id: &str, milliseconds: u32) -> String {
        let owner = self.owner.clone();
        self.say(&["SET", &lock(id), &owner, "NX", "PX", &milliseconds.to_string()])
    }

    pub(crate) fn read(&mut self, id: &str) -> String {
        self.say(&["GET", &key(id)])
    }

    /// Whether PHP, which asks before it writes, finds its lock.
    pub(crate) fn has_lock(&mut self, id: &str) -> bool {
        self.say(&["GET", &lock(id)]) == self.owner
    }

    pub(crate) fn write(&mut self, id: &str, data: &str) -> String {
        self.say(&["SETEX", &key(id), "1440", data])
    }

    pub(crate) fn unlock(&mut self, id: &str) -> String {
        let owner = self.owner.clone();
        self.say(&["EVALSHA", "b70c2384", "1", &lock(id), &owner])
    }

    pub(crate) fn exists(&mut self, id: &str) -> String {
        self.say(&["EXISTS", &key(id)])
    }

    /// A page that counts its visits, and says the last count.
    pub(crate) fn count(&mut self, id: &str) -> u32 {
        let count = self.begin(id);
        self.end(id, count);
        count
    }

    /// How a page begins that counts its visits.
    pub(crate) fn begin(&mut self, id: &str) -> u32 {
        assert_eq!(self.lock(id), "+OK");
        self.read(id).parse().unwrap_or(0) + 1
    }

    /// And how it ends.
    pub(crate) fn end(&mut self, id: &str, count: u32) {
        assert!(self.has_lock(id));
        assert_eq!(self.write(id, &count.to_string()), "+OK");
        assert_eq!(self.unlock(id), ":1");
    }
}

pub(crate) fn key(id: &str) -> String {
    format!("{PREFIX}{id}")
}

pub(crate) fn lock(id: &str) -> String {
    format!("{PREFIX}{id}_LOCK")
}

/// A command in RESP.
pub(crate) fn command(parts: &[&str]) -> String {
    let mut command = format!("*{}\r\n", parts.len());
    for part in parts {
        write!(command, "${}\r\n{part}\r\n", part.len()).unwrap();
    }
    command
}

/// A reply: a line, or a bulk string's data.
pub(crate) fn reply(stream: &mut UnixStream) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    let line = String::from_utf8(line).unwrap().trim_end().to_owned();
    match line.strip_prefix('$').map(str::parse::<usize>) {
        Some(Ok(length)) => {
            let mut data = vec![0; length + 2];
            stream.read_exact(&mut data).unwrap();
            String::from_utf8(data).unwrap().trim_end().to_owned()
        }
        _ => line,
    }
}
