//! A real Redis cluster of child processes.

use crate::proxy_harness::wait_until;
use crate::proxy_site::PASSWORD;
use crate::redis_process::{Redis, free_port, run};
use crate::servers::Authority;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// Some primaries, each of which may have a replica.
pub(crate) struct RedisCluster {
    pub(crate) nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts a cluster of three primaries, each with as many replicas, with these options.
    pub(crate) fn start(replicas: usize, options: &[&str]) -> Self {
        let nodes = (0..3 * (1 + replicas)).map(|_| node(options)).collect();
        Self::create(nodes, replicas, |node| node.port, &[])
    }

    /// The same with TLS; the ports are those for TLS, in the order of the nodes.
    pub(crate) fn start_with_tls(files: &TlsFiles, replicas: usize) -> (Self, Vec<u16>) {
        let options = files.options();
        let nodes: Vec<(Redis, u16)> = (0..3 * (1 + replicas))
            .map(|_| {
                let port = free_port();
                let tls = ["--tls-cluster", "yes", "--tls-replication", "yes", "--tls-port"];
                let options: Vec<&str> = options.iter().map(String::as_str).collect();
                (node(&[&options[..], &tls, &[&port.to_string()]].concat()), port)
            })
            .collect();
        let (nodes, ports): (Vec<Redis>, Vec<u16>) = nodes.into_iter().unzip();
        let of_tls = nodes.iter().map(|node| node.port).zip(ports.clone()).collect::<Vec<_>>();
        let port = |node: &Redis| of_tls.iter().find(|it| it.0 == node.port).unwrap().1;
        let cluster = Self::create(nodes, replicas, port, &["--tls", "--cacert", &files.ca]);
        (cluster, ports)
    }

    fn create(
        nodes: Vec<Redis>,
        replicas: usize,
        port: impl Fn(&Redis) -> u16,
        options: &[&str],
    ) -> Self {
        let mut cli = Command::new("redis-cli");
        cli.args(options).args(["-a", PASSWORD, "--no-auth-warning", "--cluster", "create"]);
        cli.args(nodes.iter().map(|node| format!("127.0.0.1:{}", port(node))));
        cli.args(["--cluster-replicas", &replicas.to_string(), "--cluster-yes"]);
        let output = cli.output().expect("redis-cli is on the PATH: `make setup` installs it");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat())
        );
        let cluster = Self { nodes };
        cluster.wait_until_ok();
        cluster
    }

    pub(crate) fn wait_until_ok(&self) {
        wait_until("the cluster", || {
            self.nodes.iter().all(|node| {
                let info: String = ask(node, &["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok")
            })
        });
        // A replica can take over only what it has.
        wait_until("the replicas", || {
            self.nodes.iter().all(|node| {
                let info: String = ask(node, &["INFO", "replication"]);
                let is_linked =
                    !info.contains("role:slave") || info.contains("master_link_status:up");
                is_linked && self.names_all(node)
            })
        });
    }

    /// Whether a node names all others to clients.
    fn names_all(&self, node: &Redis) -> bool {
        let slots: redis::Value = ask(node, &["CLUSTER", "SLOTS"]);
        let slots = format!("{slots:?}");
        self.nodes.iter().all(|node| slots.contains(&format!("int({})", node.port)))
    }

    /// What a binding with all its nodes says.
    pub(crate) fn credentials(&self) -> Value {
        let nodes: Vec<String> =
            self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        json!({"cluster.nodes": nodes.join(","), "password": PASSWORD})
    }

    /// The nodes that are up.
    fn alive(&self) -> impl Iterator<Item = &Redis> {
        self.nodes.iter().filter(|node| node.answers())
    }

    /// The node that serves the slot of a key now.
    pub(crate) fn owner(&self, key: &str) -> &Redis {
        self.find_owner(key).expect("an owner")
    }

    /// Whether another node than the one with this port serves it.
    pub(crate) fn has_owner(&self, key: &str, other_than: u16) -> bool {
        self.find_owner(key).is_some_and(|owner| owner.port != other_than)
    }

    fn find_owner(&self, key: &str) -> Option<&Redis> {
        let slot = slot(self.alive().next()?, key);
        let is_primary = |node: &&Redis| {
            let nodes: String = ask(node, &["CLUSTER", "NODES"]);
            let own = nodes.lines().find(|line| line.contains("myself")).unwrap();
            own.split(' ').skip(8).any(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                let number = |text: &str| text.parse::<u16>().ok();
                matches!((number(first), number(last)), (Some(first), Some(last))
                    if (first..=last).contains(&slot))
            })
        };
        self.alive().find(is_primary)
    }

    /// The replica of a primary.
    pub(crate) fn replica_of(&self, primary: &Redis) -> &Redis {
        let id = id(primary);
        let is_replica = |node: &&Redis| {
            let nodes: String = ask(node, &["CLUSTER", "NODES"]);
            let own = nodes.lines().find(|line| line.contains("myself")).unwrap().to_owned();
            own.contains("slave") && own.contains(&id)
        };
        self.alive().find(is_replica).unwrap()
    }

    pub(crate) fn stored(&self, key: &str) -> Option<String> {
        ask(self.owner(key), &["GET", key])
    }

    /// How often all nodes together have run a command since they were last asked to forget.
    pub(crate) fn calls(&self, command: &str) -> u32 {
        self.nodes.iter().map(|node| node.calls(PASSWORD, command)).sum()
    }

    pub(crate) fn on_all(&self, words: &[&str]) {
        for node in &self.nodes {
            run(&mut node.admin(PASSWORD), words);
        }
    }
}

/// A server's certificate, and the authority that signed it.
pub(crate) struct TlsFiles {
    pub(crate) authority: Authority,
    ca: String,
    certificate: String,
    key: String,
    _folder: TempDir,
}

impl TlsFiles {
    /// For a server with this name.
    pub(crate) fn of(name: &str) -> Self {
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::named("authority"));
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let (certificate, key) = authority.identity(name);
        let (certificate, key) = (file("certificate", &certificate), file("key", &key));
        Self { ca: file("ca", &authority.pem), authority, certificate, key, _folder: folder }
    }

    fn options(&self) -> Vec<String> {
        let Self { ca, certificate, key, .. } = self;
        let files = [("ca-cert", ca), ("cert", certificate), ("key", key)];
        let options = files.map(|(name, path)| [format!("--tls-{name}-file"), path.clone()]);
        [options.concat(), vec!["--tls-auth-clients".to_owned(), "no".to_owned()]].concat()
    }
}

fn node(options: &[&str]) -> Redis {
    let port = free_port().to_string();
    let common = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
    let common = [&common[..], &["--repl-diskless-sync-delay", "0"]].concat();
    let login = ["--requirepass", PASSWORD, "--masterauth", PASSWORD, "--cluster-port", &port];
    Redis::start(&[&common[..], &login, options].concat())
}

/// What a node replies.
pub(crate) fn ask<T: redis::FromRedisValue>(node: &Redis, words: &[&str]) -> T {
    redis::cmd(words[0]).arg(&words[1..]).query(&mut node.admin(PASSWORD)).unwrap()
}

pub(crate) fn slot(node: &Redis, key: &str) -> u16 {
    ask(node, &["CLUSTER", "KEYSLOT", key])
}

pub(crate) fn id(node: &Redis) -> String {
    ask(node, &["CLUSTER", "MYID"])
}
