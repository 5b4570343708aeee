//! A cluster of three primaries with a replica each, and what visitors notice while it changes.

use super::{
    DIRECT, NGINX_FPM, NGINX_FPM_DEFAULT, NGINX_FPM_WAIT, Web, record_figure, visited_meanwhile,
};
use crate::support::docker::{Container, wait_until};
use crate::support::faulty::Outcome;
use crate::support::services::IMAGE;
use crate::support::{BOOKWORM, Suite, TRIXIE};
use serde_json::{Value, json};

/// Six nodes at 7001 to 7006 of one container, the first three of which begin as primaries.
const SCRIPT: &str = r"ip=$(hostname -i)
cat >/start <<END
mkdir -p /data/\$1
exec redis-server --port \$1 --dir /data/\$1 --save '' --protected-mode no --requirepass secret \
  --masterauth secret --repl-diskless-sync-delay 0 --cluster-enabled yes --cluster-announce-ip $ip \
  --cluster-node-timeout 1000
END
for port in 7001 7002 7003 7004 7005 7006; do sh /start $port & done
sleep 1
export REDISCLI_AUTH=secret
redis-cli --cluster create $ip:7001 $ip:7002 $ip:7003 $ip:7004 $ip:7005 $ip:7006 \
  --cluster-replicas 1 --cluster-yes
for port in 7004 7005 7006; do
  until redis-cli -p $port info replication | grep master_link_status:up; do sleep 0.1; done
done
echo the cluster is ready; wait";

/// What happens to it: a shell script, which ends when it has happened.
#[derive(Debug, Clone, Copy)]
enum Change {
    Planned,
    /// And it comes back, as a replica of the one that has its place.
    Killed,
    Resharded,
}

impl Change {
    fn script(self) -> &'static str {
        match self {
            Self::Planned => {
                "for port in 7004 7005 7006; do redis-cli -p $port cluster failover; done
                for port in 7004 7005 7006; do
                  until redis-cli -p $port role | grep master; do sleep 0.1; done
                done"
            }
            Self::Killed => {
                "pkill -KILL -f '[r]edis-server .*:7001'
                until redis-cli -p 7002 cluster nodes | grep -E ':700[456]@[^ ]+ master'; do sleep 0.1; done
                sh /start 7001 >/dev/null 2>&1 &
                until redis-cli -p 7001 info replication | grep link_status:up; do sleep 0.1; done"
            }
            Self::Resharded => {
                "id() { redis-cli -p $1 cluster myid; }
                redis-cli --cluster reshard 127.0.0.1:7001 --cluster-from $(id 7001) \
                  --cluster-to $(id 7002) --cluster-slots 5000 --cluster-yes >/dev/null"
            }
        }
    }
}

struct Cluster(Container);

impl Cluster {
    fn start() -> Self {
        let container = Container::start(&[], IMAGE, &["bash", "-c", SCRIPT]);
        container.wait_for_log("the cluster is ready");
        let cluster = Self(container);
        wait_until("all slots", || {
            cluster.run("redis-cli -p 7006 cluster info").contains("state:ok")
        });
        cluster
    }

    fn credentials(&self) -> Value {
        let nodes = [7001, 7002, 7003].map(|port| format!("{}:{port}", self.0.ip())).join(",");
        json!({"cluster.nodes": nodes, "password": "secret"})
    }

    fn run(&self, script: &str) -> String {
        self.try_run(script).1
    }

    fn try_run(&self, script: &str) -> (bool, String) {
        let script = format!("export REDISCLI_AUTH=secret; {script}");
        self.0.exec_with_input(&["timeout", "60", "bash", "-c", &script], "")
    }
}

const TOLD: &[(&str, &str)] = &[
    ("session-proxy status", "(cluster of 3 primaries, master)"),
    ("session-check", "; cluster of 3 primaries"),
];

fn met(suite: Suite, web: Web, change: Change) -> Outcome {
    let cluster = Cluster::start();
    visited_meanwhile(suite, web, &cluster.credentials(), TOLD, || {
        let (happened, said) = cluster.try_run(change.script());
        assert!(happened, "{said}");
    })
}

/// No request fails, and each visitor keeps every count.
fn loses_nothing(suite: Suite, web: Web, change: Change) {
    let met = met(suite, web, change);
    assert_eq!((met.errors, met.forgotten, met.lost), (0, 0, 0), "{change:?}: {met:?}");
}

pub(super) fn measure(suite: Suite) {
    for (change, what, webs) in [
        (Change::Planned, "cluster: failover planned", &[NGINX_FPM, NGINX_FPM_DEFAULT][..]),
        (
            Change::Killed,
            "cluster: primary killed",
            &[NGINX_FPM, NGINX_FPM_DEFAULT, NGINX_FPM_WAIT],
        ),
        (Change::Resharded, "cluster: slots moved", &[NGINX_FPM, NGINX_FPM_DEFAULT]),
    ] {
        for web in webs {
            let met = met(suite, *web, change);
            record_figure("Redis", what, suite, *web, met);
            assert!(met.errors == 0 || web.options == DIRECT, "{what}: {met:?}");
        }
    }
}

#[test]
fn a_killed_primary_of_a_cluster_loses_nothing_that_a_replica_acknowledged() {
    loses_nothing(BOOKWORM, NGINX_FPM_WAIT, Change::Killed);
}

#[test]
fn slots_that_move_fail_no_request() {
    loses_nothing(TRIXIE, NGINX_FPM_DEFAULT, Change::Resharded);
}
