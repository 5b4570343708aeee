//! A primary with two replicas, which three Sentinels watch, and what visitors notice while another one takes its place.

use super::{NGINX_FPM, NGINX_FPM_PROXY, PROXY, Web, record_figure, start};
use crate::support::docker::{Container, wait_until};
use crate::support::faulty::{Clients, Outcome};
use crate::support::sample::app_with_holding_page;
use crate::support::services::{IMAGE, vcap};
use crate::support::{Suite, app::build};
use libcnb_test::assert_contains;
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

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
        if web.options != PROXY {
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

/// Visitors that come all the time, before, while and after another primary comes.
fn met(suite: Suite, web: Web, how: Failover) -> Outcome {
    let mut met = Outcome::default();
    build(&app_with_holding_page(suite, Store::Redis), |app| {
        let watched = Watched::start();
        let services = vcap(&[("my-redis-sessions", watched.credentials(web))]);
        let bound = format!("VCAP_SERVICES={services}");
        // With Sentinel, the proxy is the default.
        let options = if web.options == PROXY { &[] } else { web.options };
        let instance = start(app, &[&["--env", &bound], options].concat(), web.command);
        let mut clients = Clients::served(web.workers as usize, &instance);
        let is_over = AtomicBool::new(false);
        met = thread::scope(|scope| {
            let visits = scope.spawn(|| clients.visit_until(&instance, &is_over));
            watched.fail_over(how);
            if web.options != PROXY && matches!(how, Failover::Planned) {
                watched.wait_for_demotion();
            }
            is_over.store(true, Ordering::Relaxed);
            visits.join().expect("visits")
        });
        if web.options == PROXY {
            let status = instance.container.exec(&["launcher", "session-proxy", "status"]);
            assert_contains!(status, "Sentinel mymaster at");
            assert_contains!(status, "; primary now ");
            let check = instance.container.exec(&["launcher", "session-check"]);
            assert_contains!(check, "; primary now ");
        }
    });
    met
}

/// No request fails, and each visitor keeps every count.
fn fails_no_request(suite: Suite, how: Failover) {
    let met = met(suite, NGINX_FPM_PROXY, how);
    assert_eq!((met.errors, met.forgotten), (0, 0), "{how:?}: {met:?}");
}

pub(super) fn measure(suite: Suite) {
    for how in [Failover::Planned, Failover::Killed] {
        let what = match how {
            Failover::Planned => "Sentinel: failover planned",
            Failover::Killed => "Sentinel: primary killed",
        };
        for web in [NGINX_FPM, NGINX_FPM_PROXY] {
            record_figure("Redis", what, suite, web, met(suite, web, how));
        }
    }
}

#[test]
fn a_planned_failover_fails_no_request() {
    fails_no_request(crate::support::BOOKWORM, Failover::Planned);
}

#[test]
fn a_killed_primary_fails_no_request() {
    fails_no_request(crate::support::TRIXIE, Failover::Killed);
}
