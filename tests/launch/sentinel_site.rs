//! A primary with two replicas and three Sentinels, as child processes on loopback; and the session proxy in this process.

use crate::proxy_harness::{signal, wait_until};
use crate::proxy_site::{PASSWORD, PREFIX, Php, credentials_of, serve};
use crate::redis_process::{Redis, free_port};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub(crate) const MASTER: &str = "shop";

/// A Sentinel that ends when it is dropped.
pub(crate) struct Sentinel {
    process: Child,
    pub(crate) port: u16,
    _folder: TempDir,
}

impl Sentinel {
    /// One that watches the primary at this port, with more lines in its configuration.
    pub(crate) fn start(primary: u16, quorum: u8, more: &str) -> Self {
        Self::start_at("127.0.0.1", free_port(), primary, quorum, more)
    }

    pub(crate) fn start_at(host: &str, port: u16, primary: u16, quorum: u8, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sentinel.conf");
        let text = format!(
            "port {port}\nbind {host}\ndir {}\nsentinel monitor {MASTER} 127.0.0.1 {primary} {quorum}\n\
             sentinel down-after-milliseconds {MASTER} 1000\nsentinel failover-timeout {MASTER} 2000\n\
             sentinel auth-pass {MASTER} {PASSWORD}\n{more}",
            folder.path().display(),
        );
        fs::write(&file, text).unwrap();
        let process = Command::new("redis-server")
            .arg(&file)
            .arg("--sentinel")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, port, _folder: folder }
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn admin(&self, password: Option<&str>) -> Option<redis::Connection> {
        let client = redis::Client::open(("127.0.0.1", self.port)).unwrap();
        let mut connection = client.get_connection().ok()?;
        if let Some(password) = password {
            redis::cmd("AUTH").arg(password).exec(&mut connection).ok()?;
        }
        Some(connection)
    }

    /// How it describes the primary: name and value in turn.
    fn primary(&self, password: Option<&str>) -> Option<Vec<String>> {
        let mut command = redis::cmd("SENTINEL");
        command.arg("MASTER").arg(MASTER).query(&mut self.admin(password)?).ok()
    }

    /// The port of the primary that it names to clients.
    pub(crate) fn named(&self, password: Option<&str>) -> Option<u16> {
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(MASTER);
        let (_, port): (String, u16) = command.query(&mut self.admin(password)?).ok()?;
        Some(port)
    }
}

fn value<'a>(pairs: &'a [String], name: &str) -> Option<&'a str> {
    pairs.chunks(2).find(|pair| pair[0] == name).map(|pair| pair[1].as_str())
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Servers, Sentinels, and a proxy.
pub(crate) struct Watched {
    pub(crate) servers: Vec<Redis>,
    pub(crate) sentinels: Vec<Sentinel>,
    /// Of the Sentinels themselves.
    pub(crate) password: Option<&'static str>,
    folder: TempDir,
}

impl Watched {
    /// Without a proxy; `more` is for the Sentinels' configuration.
    pub(crate) fn start(password: Option<&'static str>) -> Self {
        Self::with(password, &[], "")
    }

    pub(crate) fn with(password: Option<&'static str>, options: &[&str], more: &str) -> Self {
        let own = [
            "--requirepass",
            PASSWORD,
            "--masterauth",
            PASSWORD,
            "--repl-diskless-sync-delay",
            "0",
        ];
        let own = [&own[..], options].concat();
        let primary = Redis::start(&own);
        let of = primary.port.to_string();
        let follow = ["--replicaof", "127.0.0.1", &of];
        let replica = || Redis::start(&[&own[..], &follow[..]].concat());
        let servers = vec![replica(), replica()];
        let login = password.map(|it| format!("requirepass {it}\n")).unwrap_or_default();
        let more = format!("{login}{more}");
        let sentinels: Vec<_> = (0..3).map(|_| Sentinel::start(primary.port, 2, &more)).collect();
        let servers: Vec<_> = std::iter::once(primary).chain(servers).collect();
        let watched = Self { servers, sentinels, password, folder: tempfile::tempdir().unwrap() };
        watched.wait_until_complete();
        watched
    }

    /// Each Sentinel knows the others and both replicas, which are up.
    fn wait_until_complete(&self) {
        wait_until("the Sentinels", || {
            self.sentinels.iter().all(|sentinel| {
                let Some(said) = sentinel.primary(self.password) else { return false };
                let is = |name, expected| value(&said, name) == Some(expected);
                is("num-slaves", "2") && is("num-other-sentinels", "2") && is("flags", "master")
            })
        });
        wait_until("the replicas", || {
            let mut admin = self.servers[0].admin(PASSWORD);
            let role: redis::Value = redis::cmd("ROLE").query(&mut admin).unwrap();
            matches!(&role, redis::Value::Array(parts) if matches!(&parts[2], redis::Value::Array(replicas) if replicas.len() == 2))
        });
    }

    pub(crate) fn credentials(&self) -> Value {
        let nodes: Vec<_> =
            self.sentinels.iter().map(|it| format!("127.0.0.1:{}", it.port)).collect();
        let mut credentials = json!({"sentinel.master": MASTER, "sentinel.nodes": nodes.join(","), "password": PASSWORD});
        if let Some(password) = self.password {
            credentials["sentinel.password"] = json!(password);
        }
        credentials
    }

    /// Starts the proxy, with so many replicas to wait for.
    pub(crate) fn serve(&self, credentials: &Value, wait_replicas: u32) {
        serve(&self.socket(), credentials_of(credentials), wait_replicas);
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    pub(crate) fn php(&self, number: u32) -> Php {
        Php::new(UnixStream::connect(self.socket()).unwrap(), number)
    }

    /// The primary's place among the servers, as the first living Sentinel says.
    pub(crate) fn primary(&self) -> usize {
        let port = self.sentinels.iter().find_map(|it| it.named(self.password)).unwrap();
        self.servers.iter().position(|server| server.port == port).unwrap()
    }

    /// Tells a Sentinel to put a replica in the place of a primary that is well.
    pub(crate) fn fail_over(&self) {
        let mut admin = self.sentinels[2].admin(self.password).unwrap();
        redis::cmd("SENTINEL").arg("FAILOVER").arg(MASTER).exec(&mut admin).unwrap();
    }

    /// Whether the Sentinel of [`fail_over`](Self::fail_over) has not finished.
    pub(crate) fn leader_is_at_it(&self) -> bool {
        let said = self.sentinels[2].primary(self.password).unwrap();
        value(&said, "flags").unwrap().contains("failover_in_progress")
    }

    /// Waits until all Sentinels name another one than this.
    pub(crate) fn wait_for_another(&self, than: usize) {
        let port = self.servers[than].port;
        wait_until("another primary", || {
            let mut named = self.sentinels.iter().filter_map(|it| it.named(self.password));
            named.all(|named| named != port)
        });
    }

    pub(crate) fn signal(&self, server: usize, which: Signal) {
        signal(self.servers[server].pid(), which);
    }

    /// Stops a primary that both replicas follow, after they have all that it has acknowledged.
    pub(crate) fn stop(&self, server: usize) {
        self.servers[server].wait_until_replicated(PASSWORD, "mark", 2);
        self.signal(server, Signal::SIGSTOP);
    }

    /// What the present primary keeps.
    pub(crate) fn stored(&self, id: &str) -> Option<String> {
        let mut admin = self.servers[self.primary()].admin(PASSWORD);
        redis::cmd("GET").arg(format!("{PREFIX}{id}")).query(&mut admin).unwrap()
    }
}
