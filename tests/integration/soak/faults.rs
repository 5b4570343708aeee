//! What happens to the proxies and to their service meanwhile: two Redis servers, of which the second follows the first
//! and takes over, and a binding that names the first.

use crate::session_proxy::admin_with;
use crate::session_proxy_rotation::Secret;
use crate::support::app::{App, Instance};
use crate::support::docker::{Container, wait_until};
use crate::support::services::{IMAGE, Redis, run};
use std::thread::sleep;
use std::time::Duration;

/// The name by which the app knows its server.
const NAME: &str = "cache.example";
/// Starts Redis again and again, with its data and its present password. A process that is killed loses nothing that it
/// has answered: what it has written to the file is the kernel's.
const REDIS_FOR_EVER: &str = "echo \"$0\" >/data/password; while true; do \
    redis-server --protected-mode no --dir /data --appendonly yes --appendfsync no --save '' \
    --repl-diskless-sync-delay 0 --enable-debug-command yes \
    --requirepass \"$(cat /data/password)\" --masterauth \"$(cat /data/password)\"; sleep 1; done";
/// The mounted files are read again each second.
const NOTICED: Duration = Duration::from_secs(2);
/// The connections of a process that was killed are open for some milliseconds more.
const GONE: Duration = Duration::from_secs(1);

/// What happens, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    WorkerKilled,
    PhpKilled,
    ServerRestarted,
    ConnectionsClosed,
    PasswordChanged,
    FailedOver,
    SupervisorKilled,
    ServerStuck,
    PasswordChangedAtOnce,
}

impl Fault {
    pub(super) const ALL: [Self; 9] = [
        Self::WorkerKilled,
        Self::PhpKilled,
        Self::ServerRestarted,
        Self::ConnectionsClosed,
        Self::PasswordChanged,
        Self::FailedOver,
        Self::SupervisorKilled,
        Self::ServerStuck,
        Self::PasswordChangedAtOnce,
    ];

    /// Whether it may cost requests: those that wait for the answer of a process when it is killed.
    pub(super) fn costs_requests(self) -> bool {
        matches!(self, Self::WorkerKilled | Self::SupervisorKilled | Self::PhpKilled)
    }
}

/// The servers, and the binding.
pub(super) struct Service {
    /// The first is the primary.
    servers: [Redis; 2],
    secret: Secret,
    password: String,
    passwords: u32,
}

impl Service {
    pub(super) fn start() -> Self {
        let password = "password-0".to_owned();
        let servers = [(); 2].map(|()| {
            let options = ["--tmpfs", "/data"];
            let command = ["sh", "-c", REDIS_FOR_EVER, &password];
            let redis = Redis { container: Container::start(&options, IMAGE, &command) };
            redis.container.wait_for_log("Ready to accept connections");
            redis
        });
        run(&mut admin_with(&servers[1], &password), &["REPLICAOF", &servers[0].host(), "6379"]);
        let secret = Secret::new(&[("host", NAME), ("password", &password)]);
        Self { servers, secret, password, passwords: 0 }
    }

    /// An instance of the app that has this service.
    pub(super) fn instance(&self, app: &App) -> Instance {
        let host = format!("{NAME}:{}", self.servers[0].host());
        self.secret.start(app, &["--add-host", &host])
    }

    fn admin(&self, server: usize) -> redis::Connection {
        admin_with(&self.servers[server], &self.password)
    }

    /// How many connections an instance has to the primary.
    pub(super) fn connections(&self, instance: &Instance) -> usize {
        let list: String =
            redis::cmd("CLIENT").arg("LIST").query(&mut self.admin(0)).expect("a list");
        list.matches(&format!(" addr={}:", instance.container.ip())).count()
    }

    /// The keys of locks that are left.
    pub(super) fn locks(&self) -> Vec<String> {
        redis::cmd("KEYS").arg("*_LOCK").query(&mut self.admin(0)).expect("keys")
    }

    /// Makes something happen: to the service of all `instances`, or to the proxy of the first of them.
    pub(super) fn make(&mut self, fault: Fault, instances: &[&Instance]) {
        let kill = |what| {
            instances[0].container.exec_as_root(&["pkill", "-KILL", "-f", what]);
            sleep(GONE);
        };
        match fault {
            Fault::WorkerKilled => kill("session-proxy work"),
            Fault::SupervisorKilled => kill("session-proxy supervise"),
            Fault::PhpKilled => kill("php-fpm: pool"),
            Fault::ServerRestarted => self.restart(),
            Fault::ConnectionsClosed => close_connections(&mut self.admin(0)),
            Fault::ServerStuck => run(&mut self.admin(0), &["DEBUG", "SLEEP", "3"]),
            Fault::FailedOver => self.fail_over(instances),
            Fault::PasswordChanged => self.change_password(false),
            Fault::PasswordChangedAtOnce => self.change_password(true),
        }
    }

    fn restart(&self) {
        self.servers[0].container.exec_as_root(&["pkill", "-KILL", "redis-server"]);
        sleep(Duration::from_millis(500));
        self.servers[0].container.wait_for_port(6379);
        wait_until("the primary's data", || {
            let pong = redis::cmd("DBSIZE").query::<usize>(&mut self.admin(0));
            pong.is_ok()
        });
    }

    /// Planned, as managed servers do it: nothing is written meanwhile, and nothing is lost. Then the name moves.
    fn fail_over(&mut self, instances: &[&Instance]) {
        let role = |server: usize| info(&mut self.admin(server), "role");
        let in_step = |server| info(&mut self.admin(server), "master_link_status") == "up";
        wait_until("a replica in step", || in_step(1));
        run(&mut self.admin(0), &["FAILOVER"]);
        wait_until("another primary", || role(1) == "master" && role(0) == "slave");
        self.servers.swap(0, 1);
        let command = format!("echo '{} {NAME}' >/etc/hosts", self.servers[0].host());
        for instance in instances {
            instance.container.exec_as_root(&["sh", "-c", &command]);
        }
    }

    /// With both passwords good for a while, as the server's documentation has it, or from one moment to the next.
    fn change_password(&mut self, at_once: bool) {
        self.passwords += 1;
        let new = format!("password-{}", self.passwords);
        let (both, login) = ([self.admin(0), self.admin(1)], format!(">{new}"));
        let mut both = both;
        for (server, admin) in self.servers.iter().zip(&mut both) {
            if !at_once {
                run(admin, &["ACL", "SETUSER", "default", &login]);
            }
            let write = format!("echo {new} >/data/password");
            server.container.exec_as_root(&["sh", "-c", &write]);
        }
        self.secret.change(&[("password", &new)]);
        if !at_once {
            sleep(NOTICED);
        }
        for admin in &mut both {
            run(admin, &["ACL", "SETUSER", "default", "resetpass", &login]);
            run(admin, &["CONFIG", "SET", "masterauth", &new]);
            close_connections(admin);
        }
        self.password = new;
        sleep(NOTICED);
    }
}

fn close_connections(admin: &mut redis::Connection) {
    run(admin, &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
}

/// A line of `INFO`.
fn info(admin: &mut redis::Connection, name: &str) -> String {
    let info: String = redis::cmd("INFO").query(admin).expect("its state");
    let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().to_owned()
}
