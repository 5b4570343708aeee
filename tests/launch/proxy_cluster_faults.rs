//! The session proxy before a real cluster that fails over, moves slots, and hangs, under load: every answer is counted.

use crate::proxy_harness::wait_until;
use crate::proxy_site::{InProcess, PASSWORD, PREFIX, key, settings};
use crate::redis_cluster::{RedisCluster, TlsFiles, ask, id};
use crate::redis_process::{Redis, run};
use nix::sys::signal::Signal;
use serde_json::json;
use session_proxy::{Settings, Waits};
use std::process::Command;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

const CLIENTS: u32 = 12;
const SESSIONS: u32 = 40;

/// What the clients saw.
struct Load {
    requests: u32,
    longest: Duration,
}

/// Visitors of many sessions count their visits while something happens; none may get an error, and no update may be lost.
/// Nobody begins to write as long as `what` has the lock. So many replicas have to acknowledge a write.
fn under_load(
    cluster: &mut RedisCluster,
    replicas: u32,
    what: impl FnOnce(&mut RedisCluster, &RwLock<()>),
) -> Load {
    let proxy = InProcess::waiting_for(&cluster.credentials(), replicas);
    let breaks = RwLock::new(());
    // What was counted before does not count.
    let before: Vec<u32> = (0..SESSIONS).map(|session| stored(cluster, session)).collect();
    let done = AtomicBool::new(false);
    let visits: Vec<AtomicU32> = (0..SESSIONS).map(|_| AtomicU32::new(0)).collect();
    let longest = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (proxy, done, visits, breaks) = (&proxy, &done, &visits, &breaks);
                scope.spawn(move || {
                    let mut php = proxy.php(number);
                    let mut longest = Duration::ZERO;
                    for turn in 0.. {
                        if done.load(Ordering::Relaxed) {
                            break;
                        }
                        let session = (number * 7 + turn) % SESSIONS;
                        let (id, started) = (format!("visitor{session}"), Instant::now());
                        let count = php.begin(&id);
                        let writing = breaks.read().unwrap();
                        php.end(&id, count);
                        drop(writing);
                        longest = longest.max(started.elapsed());
                        visits[session as usize].fetch_add(1, Ordering::Relaxed);
                        sleep(Duration::from_millis(1));
                    }
                    longest
                })
            })
            .collect();
        sleep(Duration::from_millis(300));
        what(cluster, &breaks);
        sleep(Duration::from_millis(300));
        done.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).max().unwrap()
    });
    for session in 0..SESSIONS {
        let expected = before[session as usize] + visits[session as usize].load(Ordering::Relaxed);
        assert_eq!(stored(cluster, session), expected, "visitor{session}");
    }
    assert_eq!(proxy.status()["failures"], 0);
    let requests = visits.iter().map(|visits| visits.load(Ordering::Relaxed)).sum();
    let opened = &proxy.status()["opened"];
    println!("{requests} requests, the longest took {longest:?}; {opened} connections opened");
    Load { requests, longest }
}

fn stored(cluster: &RedisCluster, session: u32) -> u32 {
    let data = cluster.stored(&key(&format!("visitor{session}")));
    data.map_or(0, |data| data.parse().unwrap())
}

#[test]
fn failovers_and_moving_slots_fail_no_request_and_lose_no_update() {
    let mut cluster = RedisCluster::start(1, &[]);
    let load = under_load(&mut cluster, 0, |cluster, _| {
        let primary = cluster.owner(&key("visitor1"));
        let replica = cluster.replica_of(primary);
        run(&mut replica.admin(PASSWORD), &["CLUSTER", "FAILOVER"]);
        wait_until("the failover", || cluster.owner(&key("visitor1")).port == replica.port);
    });
    assert!(load.requests > 100, "{}", load.requests);
    assert!(load.longest < Duration::from_secs(2), "{:?}", load.longest);

    let load = under_load(&mut cluster, 0, |cluster, _| {
        let (from, to) = (cluster.owner(&key("visitor1")), cluster.owner(&key("visitor2")));
        let mut cli = Command::new("redis-cli");
        cli.args(["-a", PASSWORD, "--no-auth-warning", "--cluster", "reshard"]);
        cli.arg(format!("127.0.0.1:{}", from.port));
        cli.args(["--cluster-from", &id(from), "--cluster-to", &id(to)]);
        cli.args(["--cluster-slots", "500", "--cluster-yes"]);
        let output = cli.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    });
    assert!(load.requests > 100, "{}", load.requests);
    assert!(load.longest < Duration::from_secs(2), "{:?}", load.longest);

    let load = under_load(&mut cluster, 0, |cluster, breaks| {
        let primary = cluster.owner(&key("visitor1"));
        let quiet = breaks.write().unwrap();
        wait_until_replicated(primary, &key("visitor1"));
        primary.signal(Signal::SIGKILL);
        drop(quiet);
        wait_until("the failover", || cluster.has_owner(&key("visitor1"), primary.port));
    });
    assert!(load.longest < Duration::from_secs(5), "{:?}", load.longest);
}

/// Nothing says so but the server: a configuration endpoint, and it is killed.
#[test]
fn a_host_that_turns_out_to_be_a_cluster_may_fail_over_as_slowly() {
    let cluster = RedisCluster::start(1, &[]);
    let host = cluster.owner(&key("visitor1"));
    let credentials = json!({"host": "127.0.0.1", "port": host.port, "password": PASSWORD});
    let usual = settings(PREFIX);
    let waits = Waits { failover: Duration::from_millis(500), ..usual.waits };
    let proxy = InProcess::with(&credentials, Settings { waits, ..usual });
    let mut php = proxy.php(1);
    for session in 0..20 {
        php.count(&format!("visitor{session}"));
    }
    assert_eq!(proxy.status()["topology"], "cluster of 3 primaries");
    wait_until_replicated(host, &key("visitor1"));
    host.signal(Signal::SIGKILL);
    let begun = Instant::now();
    assert_eq!(php.count("visitor1"), 2);
    assert!(begun.elapsed() > waits.failover, "{:?}", begun.elapsed());
    assert_eq!(proxy.status()["failures"], 0);
}

#[test]
fn a_killed_primary_with_tls_fails_no_request() {
    let files = TlsFiles::of("localhost");
    let (cluster, ports) = RedisCluster::start_with_tls(&files, 1);
    let nodes: Vec<String> = ports.iter().map(|port| format!("localhost:{port}")).collect();
    let proxy = InProcess::start(&json!({"cluster.nodes": nodes.join(","), "tls": true,
        "ca.crt": files.authority.pem, "password": PASSWORD}));
    let mut php = proxy.php(1);
    assert_eq!(php.count("visitor1"), 1);
    let primary = cluster.owner(&key("visitor1"));
    wait_until_replicated(primary, &key("visitor1"));
    primary.signal(Signal::SIGKILL);
    assert_eq!([php.count("visitor1"), php.count("visitor1")], [2, 3]);
    assert_eq!(proxy.status()["failures"], 0);
}

#[test]
fn a_node_that_hangs_holds_up_only_the_sessions_that_it_has() {
    let cluster = RedisCluster::start(0, &["--cluster-require-full-coverage", "no"]);
    let proxy = InProcess::start(&cluster.credentials());
    let ids: Vec<String> = (0..60).map(|number| format!("visitor{number}")).collect();
    let hung = cluster.owner(&key("visitor0"));
    let (held_up, others): (Vec<&String>, Vec<&String>) =
        ids.iter().partition(|id| cluster.owner(&key(id)).port == hung.port);
    for id in &ids {
        proxy.php(0).count(id);
    }
    hung.signal(Signal::SIGSTOP);
    thread::scope(|scope| {
        let waiting: Vec<_> = held_up
            .iter()
            .map(|id| {
                let mut php = proxy.php(1);
                scope.spawn(move || php.count(id))
            })
            .collect();
        sleep(Duration::from_millis(100));
        let mut php = proxy.php(2);
        for id in &others {
            let started = Instant::now();
            assert_eq!(php.count(id), 2);
            assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
        }
        assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
        hung.signal(Signal::SIGCONT);
        assert!(waiting.into_iter().all(|waiting| waiting.join().unwrap() == 2));
    });
    assert_eq!(proxy.status()["failures"], 0);
}

/// Waits until a replica has all that its primary, which has this key, has acknowledged.
fn wait_until_replicated(primary: &Redis, key: &str) {
    primary.wait_until_replicated(PASSWORD, &format!("{{{key}}}mark"), 1);
}

fn wait_until_primary(replica: &Redis) {
    wait_until("the failover", || {
        ask::<String>(replica, &["INFO", "replication"]).contains("role:master")
    });
}

/// It carries out what it has received as soon as it goes on, before it hears that a replica has its place. A failover takes less
/// than the time after which the proxy gives up a reply.
#[test]
fn what_a_former_primary_acknowledges_does_not_count() {
    let cluster = RedisCluster::start(1, &["--cluster-node-timeout", "500"]);
    let proxy = InProcess::start(&cluster.credentials());
    for round in 0..2 {
        let old = cluster.owner(&key("visitor0"));
        let replica = cluster.replica_of(old);
        let ids = (0..).map(|number| format!("{round}-{number}"));
        let of_old = ids.filter(|id| cluster.owner(&key(id)).port == old.port).take(3);
        let mut pages: Vec<_> =
            of_old.zip(0..).map(|(id, number)| (id, proxy.php(number))).collect();
        for (id, php) in &mut pages {
            assert_eq!([php.count(id), php.begin(id)], [1, 2]);
        }
        wait_until_replicated(old, &key("visitor0"));
        old.signal(Signal::SIGSTOP);
        thread::scope(|scope| {
            for (id, php) in &mut pages {
                scope.spawn(|| php.end(id, 2));
            }
            wait_until_primary(replica);
            old.signal(Signal::SIGCONT);
        });
        for (id, php) in &mut pages {
            assert_eq!(cluster.stored(&key(id)).as_deref(), Some("2"), "{id}");
            assert_eq!(php.count(id), 3);
        }
        assert_eq!(proxy.status()["failures"], 0);
        cluster.wait_until_ok();
    }
}

#[test]
fn a_primary_that_stops_and_comes_back_is_not_believed_under_load() {
    let mut cluster = RedisCluster::start(1, &["--cluster-node-timeout", "500"]);
    for _ in 0..2 {
        let load = under_load(&mut cluster, 0, |cluster, breaks| {
            let old = cluster.owner(&key("visitor1"));
            let replica = cluster.replica_of(old);
            let quiet = breaks.write().unwrap();
            wait_until_replicated(old, &key("visitor1"));
            old.signal(Signal::SIGSTOP);
            drop(quiet);
            wait_until_primary(replica);
            old.signal(Signal::SIGCONT);
        });
        assert!(load.requests > 100, "{}", load.requests);
        assert!(load.longest < Duration::from_secs(5), "{:?}", load.longest);
        cluster.wait_until_ok();
    }
}

/// A replica that is behind when its primary is killed takes over without what it has not got.
#[test]
fn what_a_replica_has_acknowledged_outlives_a_killed_primary() {
    let mut cluster = RedisCluster::start(1, &[]);
    let load = under_load(&mut cluster, 1, |cluster, _| {
        for is_behind in [false, true, true] {
            let primary = cluster.owner(&key("visitor1"));
            let replica = cluster.replica_of(primary);
            let at = |node: &Redis| cluster.nodes.iter().position(|it| it.port == node.port);
            let (primary, replica) = (at(primary).unwrap(), at(replica).unwrap());
            if is_behind {
                let mut admin = cluster.nodes[replica].admin(PASSWORD);
                run(&mut admin, &["CONFIG", "SET", "masterauth", "wrong"]);
                run(&mut admin, &["CLIENT", "KILL", "TYPE", "master"]);
                sleep(Duration::from_millis(200));
            }
            cluster.nodes[primary].stop();
            wait_until_primary(&cluster.nodes[replica]);
            let auth = ["CONFIG", "SET", "masterauth", PASSWORD];
            run(&mut cluster.nodes[replica].admin(PASSWORD), &auth);
            // The new primary has to have a replica, too.
            cluster.nodes[primary].start_again();
            cluster.wait_until_ok();
        }
    });
    assert!(load.requests > 100, "{}", load.requests);
}
