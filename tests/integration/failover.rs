//! What a managed Redis does in a failover: its name moves to the new primary, and the old one stays up, demoted.

use crate::support::app::{App, Instance, build, config};
use crate::support::http_client::HttpClient;
use crate::support::services::{Redis, run, vcap};
use crate::support::{Suite, on_both};
use serde_json::json;

/// The name by which the app knows its server.
const NAME: &str = "cache.example";

/// Two servers, and an instance that keeps its sessions on the first.
struct Failover {
    old: Redis,
    new: Redis,
    instance: Instance,
}

impl Failover {
    fn start(app: &App, variable: &str) -> Self {
        let (old, new) = (Redis::start_with(&[]), Redis::start_with(&[]));
        let services = vcap(&[("redis-sessions", json!({"host": NAME}))]);
        let host = format!("{NAME}:{}", old.host());
        let instance = app.start(&[
            "--add-host",
            &host,
            "--env",
            &format!("VCAP_SERVICES={services}"),
            "--env",
            variable,
        ]);
        Self { old, new, instance }
    }

    /// The new server has all sessions; then the roles change, and the name moves.
    fn fail_over(&self) {
        let (mut old, mut new) = (self.old.connection(), self.new.connection());
        run(&mut new, &["REPLICAOF", &self.old.host(), "6379"]);
        // Everything that was written has arrived, as soon as one replica says so.
        let replicas: u32 =
            redis::cmd("WAIT").arg("1").arg("10000").query(&mut old).expect("a wait");
        assert_eq!(replicas, 1, "the new server does not follow the old one");
        self.new.container.wait_for_log("Finished with success");
        run(&mut new, &["REPLICAOF", "NO", "ONE"]);
        run(&mut old, &["REPLICAOF", &self.new.host(), "6379"]);
        let line = format!("{} {NAME}", self.new.host());
        let command = format!("echo '{line}' >/etc/hosts");
        self.instance.container.exec_as_root(&["sh", "-c", &command]);
    }
}

fn with_app(suite: Suite, test: impl FnOnce(&App)) {
    build(config(suite, "full").env("BP_PHP_SESSION_STORE", "redis"), test);
}

fn a_name_that_moves_fails_no_request(suite: Suite) {
    with_app(suite, |app| {
        // New connections for each request, or the proxy, which keeps its connections and notices.
        for variable in ["BPL_PHP_SESSION_PROXY=off", "BPL_PHP_SESSION_PROXY=on"] {
            let failover = Failover::start(app, variable);
            let address = failover.instance.address();
            let mut visitor = HttpClient::new();
            assert_eq!([1, 2].map(|_| visitor.count(address)), [1, 2]);
            failover.fail_over();
            assert_eq!([3, 4, 5].map(|_| visitor.count(address)), [3, 4, 5], "{variable}");
        }
    });
}

/// The price of kept connections, which is why they are not the default.
fn kept_connections_stay_on_the_demoted_server(suite: Suite) {
    with_app(suite, |app| {
        let failover = Failover::start(app, "BPL_PHP_SESSION_OPTIONS=persistent=on&lock_timeout=1");
        let address = failover.instance.address();
        let mut visitor = HttpClient::new();
        assert_eq!(visitor.count(address), 1);
        failover.fail_over();
        for _ in 0..2 {
            let answer = visitor.get(address, "/");
            assert!(answer.status == 500 || !answer.body.starts_with("2,"), "{answer:?}");
        }
    });
}

on_both! {
    a_name_that_moves_fails_no_request;
    kept_connections_stay_on_the_demoted_server;
}
