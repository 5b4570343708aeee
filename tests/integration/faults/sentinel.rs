//! A primary with two replicas, which three Sentinels watch, and what visitors notice while another one takes its place.

use super::{
    DIRECT, NGINX_FPM, NGINX_FPM_DEFAULT, NGINX_FPM_WAIT, Web, record_figure, visited_meanwhile,
};
use crate::support::docker::{Container, wait_until};
use crate::support::faulty::Outcome;
use crate::support::services::IMAGE;
use crate::support::{BOOKWORM, Suite, TRIXIE};
use serde_json::{Value, json};

/// Servers at 6379 to 6381 and Sentinels at 26379 to 26381 of one container.
const SCRIPT: &str = r#"ip=$(hostname -i)
for port in 6379 6380 6381; do
  mkdir -p /data/$port
  [ $port = 6379 ] || replicaof="--replicaof $ip 6379"
  redis-server --port $port --dir /data/$port --save '' --protected-mode no --requirepass secret \
    --masterauth secret --repl-diskless-sync-delay 0 $replicaof &
done
for port in 26379 26380 26381; do
  cat >/data/$port.conf <<END
port $port
dir /data
requirepass of-sentinel
sentinel monitor mymaster $ip 6379 2
sentinel auth-pass mymaster secret
sentinel down-after-milliseconds mymaster 1000
sentinel failover-timeout mymaster 2000
END
  redis-server /data/$port.conf --sentinel &
done
wait"#;

const PORTS: [u16; 3] = [26379, 26380, 26381];

/// How another primary comes.
#[derive(Debug, Clone, Copy)]
enum Failover {
    Planned,
    Killed,
}

struct Watched(Container);

impl Watched {
    fn start() -> Self {
        let watched = Self(Container::start(&[], IMAGE, &["bash", "-c", SCRIPT]));
        wait_until("the Sentinels and the replicas", || {
            PORTS.iter().all(|port| {
                let said = watched.said_at(*port, "MASTER");
                let has = |name: &str, value: &str| said.contains(&format!("{name}\n{value}\n"));
                has("flags", "master") && has("num-slaves", "2") && has("num-other-sentinels", "2")
            })
        });
        watched
    }

    fn credentials(&self, web: Web) -> Value {
        let ip = self.0.ip();
        if web.options == DIRECT {
            return json!({"host": ip, "password": "secret"});
        }
        let nodes = PORTS.map(|port| format!("{ip}:{port}")).join(",");
        json!({"sentinel.master": "mymaster", "sentinel.nodes": nodes, "password": "secret",
            "sentinel.password": "of-sentinel"})
    }

    fn said(&self, what: &str) -> String {
        self.said_at(PORTS[0], what)
    }

    fn said_at(&self, port: u16, what: &str) -> String {
        let ask = format!("redis-cli -p {port} -a of-sentinel --no-auth-warning SENTINEL");
        let (_, said) =
            self.0.exec_with_input(&["sh", "-c", &format!("{ask} {what} mymaster")], "");
        said
    }

    /// Puts another primary in its place, and waits until that is known.
    fn fail_over(&self, how: Failover) {
        let before = self.said("GET-MASTER-ADDR-BY-NAME");
        let _ = match how {
            Failover::Planned => self.said("FAILOVER"),
            Failover::Killed => self.0.exec(&["pkill", "-KILL", "-f", "redis-server .*:6379"]),
        };
        wait_until("another primary", || self.said("GET-MASTER-ADDR-BY-NAME") != before);
    }

    /// Until then, seconds later, the old primary takes writes.
    fn wait_for_demotion(&self) {
        let ask = ["redis-cli", "-p", "6379", "-a", "secret", "--no-auth-warning", "ROLE"];
        wait_until("the old primary's demotion", || self.0.exec(&ask).starts_with("slave"));
    }
}

const TOLD: &[(&str, &str)] = &[
    ("session-proxy status", "Sentinel mymaster at"),
    ("session-proxy status", "; primary now "),
    ("session-check", "; primary now "),
];

fn met(suite: Suite, web: Web, how: Failover) -> Outcome {
    let watched = Watched::start();
    visited_meanwhile(suite, web, &watched.credentials(web), TOLD, || {
        watched.fail_over(how);
        if web.options == DIRECT && matches!(how, Failover::Planned) {
            watched.wait_for_demotion();
        }
    })
}

/// No request fails, and each visitor keeps every count.
fn loses_nothing(suite: Suite, web: Web, how: Failover) {
    let met = met(suite, web, how);
    assert_eq!((met.errors, met.forgotten, met.lost), (0, 0, 0), "{how:?}: {met:?}");
}

pub(super) fn measure(suite: Suite) {
    for (how, what, webs) in [
        (Failover::Planned, "Sentinel: failover planned", &[NGINX_FPM, NGINX_FPM_DEFAULT][..]),
        (
            Failover::Killed,
            "Sentinel: primary killed",
            &[NGINX_FPM, NGINX_FPM_DEFAULT, NGINX_FPM_WAIT],
        ),
    ] {
        for web in webs {
            let met = met(suite, *web, how);
            record_figure("Redis", what, suite, *web, met);
            assert!(met.errors == 0 || web.options == DIRECT, "{what}: {met:?}");
        }
    }
}

#[test]
fn a_planned_failover_fails_no_request() {
    loses_nothing(BOOKWORM, NGINX_FPM_DEFAULT, Failover::Planned);
}

/// Without `wait_replicas`, a killed primary may take with it what its replicas don't have yet.
#[test]
fn a_killed_primary_loses_nothing_that_a_replica_acknowledged() {
    loses_nothing(TRIXIE, NGINX_FPM_WAIT, Failover::Killed);
}
