//! The session proxy before a real cluster, whose slots lie on three nodes and move.

use crate::proxy_harness::wait_until;
use crate::proxy_site::{InProcess, PASSWORD, PREFIX, key};
use crate::redis_cluster::{RedisCluster, ask, id, slot};
use crate::redis_process::{Redis, free_port, run};
use serde_json::json;
use std::thread;
use std::time::{Duration, Instant};

/// As phpredis names it in a cluster.
fn lock_in_cluster(id: &str) -> String {
    format!("{{{PREFIX}{id}}}_LOCK")
}

#[test]
fn a_cluster_keeps_sessions_in_two_round_trips() {
    let cluster = RedisCluster::start(0, &[]);
    let mut credentials = cluster.credentials();
    // The first node that it names is gone.
    let nodes = credentials["cluster.nodes"].as_str().unwrap().to_owned();
    credentials["cluster.nodes"] = json!(format!("127.0.0.1:{},{nodes}", free_port()));
    let proxy = InProcess::start(&credentials);
    let mut php = proxy.php(1);
    for number in 0..30 {
        let id = format!("visitor{number}");
        assert_eq!([php.count(&id), php.count(&id)], [1, 2]);
    }
    cluster.on_all(&["CONFIG", "RESETSTAT"]);
    for number in 0..30 {
        php.count(&format!("visitor{number}"));
    }
    assert_eq!((cluster.calls("eval"), cluster.calls("setex")), (60, 30));
    assert_eq!(cluster.calls("cluster|slots"), 0);
    // In strict mode, too.
    assert_eq!(php.exists("visitor1"), ":1");
    assert_eq!((php.count("visitor1"), cluster.calls("exists")), (4, 0));
    assert_eq!(php.lock("visitor1"), "+OK");
    let owner = cluster.owner(&key("visitor1"));
    assert!(ask::<bool>(owner, &["EXISTS", &lock_in_cluster("visitor1")]));
    assert_eq!(php.unlock("visitor1"), ":1");
    assert!(!ask::<bool>(owner, &["EXISTS", &lock_in_cluster("visitor1")]));
    assert_eq!(proxy.status()["topology"], "cluster of 3 primaries");
    assert_eq!((&proxy.status()["retries"], &proxy.status()["failures"]), (&json!(0), &json!(0)));
    assert!(proxy.status()["connections"].as_u64().unwrap() <= 6);
    ids_may_have_braces_and_look_like_locks(&proxy);
    clients_of_two_containers_lose_no_update(&cluster);
}

/// As phpredis' branch for locks in clusters takes and releases them.
#[test]
fn locks_of_others_in_a_cluster_count_and_others_see_ours() {
    let cluster = RedisCluster::start(0, &[]);
    let proxy = InProcess::start(&cluster.credentials());
    let (owner, lock) = (cluster.owner(&key("a")), lock_in_cluster("a"));
    let take = ["SET", &lock, "of-another", "NX", "PX", "60000"];
    assert!(ask::<bool>(owner, &take));
    thread::scope(|scope| {
        let mut php = proxy.php(1);
        let waits = scope.spawn(move || {
            let count = php.begin("a");
            (php, count)
        });
        wait_until("a request that waits", || proxy.status()["waiting_elsewhere"] == 1);
        assert!(ask::<bool>(owner, &["DEL", &lock]));
        let (mut php, count) = waits.join().unwrap();
        assert!(!ask::<bool>(owner, &take));
        php.end("a", count);
    });
    assert!(ask::<bool>(owner, &take));
}

fn ids_may_have_braces_and_look_like_locks(proxy: &InProcess) {
    let mut php = proxy.php(2);
    for id in ["{a}b", "a}b", "{}a", "a{b", "a_LOCK"] {
        assert_eq!([php.count(id), php.count(id)], [1, 2], "{id}");
    }
    // Without locks, too.
    assert_eq!(
        (php.write("c_LOCK", "data"), proxy.php(3).read("c_LOCK")),
        ("+OK".into(), "data".into())
    );
}

fn clients_of_two_containers_lose_no_update(cluster: &RedisCluster) {
    // A configuration endpoint: one host, and no word of a cluster.
    let host = json!({"host": "127.0.0.1", "port": cluster.nodes[1].port, "password": PASSWORD});
    let proxies = [InProcess::start(&cluster.credentials()), InProcess::start(&host)];
    // Until something is elsewhere, it is one address that enforces slots.
    for number in 0..20 {
        proxies[1].php(1).count(&format!("{number}"));
    }
    assert_eq!(proxies[1].status()["topology"], "cluster of 3 primaries");
    thread::scope(|scope| {
        for number in 0..8 {
            let mut php = proxies[number % 2].php(u32::try_from(number).unwrap());
            scope.spawn(move || {
                for _ in 0..25 {
                    php.count("shared");
                }
            });
        }
    });
    assert_eq!(cluster.stored(&key("shared")).as_deref(), Some("200"));
    let owner = cluster.owner(&key("shared"));
    assert!(!ask::<bool>(owner, &["EXISTS", &lock_in_cluster("shared")]));
}

/// The node that does not have the key.
fn another<'a>(cluster: &'a RedisCluster, owner: &Redis) -> &'a Redis {
    cluster.nodes.iter().find(|node| node.port != owner.port).unwrap()
}

#[test]
fn a_slot_that_moves_costs_neither_errors_nor_waiting() {
    let cluster = RedisCluster::start(0, &[]);
    let proxy = InProcess::start(&cluster.credentials());
    let mut php = proxy.php(1);
    assert_eq!(php.count("a"), 1);
    let key = key("a");
    let (source, slot) = (cluster.owner(&key), slot(&cluster.nodes[0], &key).to_string());
    let target = another(&cluster, source);
    let set = |node: &Redis, what: &str, whose: &Redis| {
        run(&mut node.admin(PASSWORD), &["CLUSTER", "SETSLOT", &slot, what, &id(whose)]);
    };
    set(target, "IMPORTING", source);
    set(source, "MIGRATING", target);
    cluster.on_all(&["CONFIG", "RESETSTAT"]);
    let started = Instant::now();
    // The session is here, and its lock is to be made there.
    assert_eq!([php.count("a"), php.count("a")], [2, 3]);
    assert_eq!(php.exists("a"), ":1");
    // PHP writes before and after the session has moved.
    assert_eq!((php.lock("a"), php.read("a")), ("+OK".into(), "3".into()));
    assert_eq!(proxy.php(2).exists("a"), ":1");
    let port = target.port.to_string();
    let there = ["MIGRATE", "127.0.0.1", &port, &key, "0", "1000", "AUTH", PASSWORD];
    run(&mut source.admin(PASSWORD), &there);
    assert!(php.has_lock("a"));
    assert_eq!((php.write("a", "4"), php.unlock("a")), ("+OK".into(), ":1".into()));
    assert_eq!(php.count("a"), 5);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(cluster.calls("cluster|slots"), 0, "the map is as it was");
    for node in [target, source] {
        set(node, "NODE", target);
    }
    // However often requests are sent on, the map is asked for at most every 50 ms.
    thread::sleep(Duration::from_millis(60));
    assert_eq!([php.count("a"), php.count("a")], [6, 7]);
    assert_eq!(cluster.calls("cluster|slots"), 1);
    cluster.on_all(&["CONFIG", "RESETSTAT"]);
    php.count("a");
    assert_eq!((cluster.calls("eval"), cluster.calls("cluster|slots")), (2, 0));
    assert_eq!(proxy.status()["failures"], 0);
}

/// A node that hears that a primary is one no longer, before it hears which is, names nobody.
#[test]
fn a_slot_that_nobody_serves_for_a_moment_costs_only_waiting() {
    let cluster = RedisCluster::start(0, &["--cluster-require-full-coverage", "no"]);
    let owner = cluster.owner(&key("a"));
    let slot = slot(owner, &key("a")).to_string();
    run(&mut owner.admin(PASSWORD), &["CLUSTER", "DELSLOTS", &slot]);
    for node in cluster.nodes.iter().filter(|node| node.port != owner.port) {
        run(&mut node.admin(PASSWORD), &["CLUSTER", "DELSLOTS", &slot]);
    }
    let proxy = InProcess::start(&cluster.credentials());
    let mut php = proxy.php(1);
    thread::scope(|scope| {
        let waits = scope.spawn(|| php.count("a"));
        wait_until("a request that waits", || proxy.status()["retries"] != 0);
        run(&mut owner.admin(PASSWORD), &["CLUSTER", "ADDSLOTS", &slot]);
        assert_eq!(waits.join().unwrap(), 1);
    });
    assert_eq!(proxy.status()["failures"], 0);
}

fn all_know_names(cluster: &RedisCluster, count: usize) -> bool {
    cluster.nodes.iter().all(|node| {
        ask::<String>(node, &["CLUSTER", "NODES"]).matches("localhost").count() == count
    })
}

#[test]
fn nodes_may_announce_no_host_or_a_name() {
    let cluster = RedisCluster::start(0, &[]);
    let host = json!({"host": "localhost", "port": cluster.nodes[1].port, "password": PASSWORD});
    for announced in [
        ["cluster-preferred-endpoint-type", "unknown-endpoint"],
        ["cluster-announce-hostname", "localhost"],
        ["cluster-preferred-endpoint-type", "hostname"],
    ] {
        cluster.on_all(&["CONFIG", "SET", announced[0], announced[1]]);
        wait_until("the names", || announced[1] != "localhost" || all_know_names(&cluster, 3));
        for credentials in [&cluster.credentials(), &host] {
            let proxy = InProcess::start(credentials);
            let mut php = proxy.php(1);
            for number in 0..20 {
                let id = format!("{announced:?} {credentials} {number}");
                assert_eq!(php.count(&id), 1);
            }
            assert_eq!(proxy.status()["failures"], 0);
        }
    }
    // A name that nobody has announced.
    cluster.on_all(&["CONFIG", "SET", "cluster-announce-hostname", ""]);
    wait_until("the end of the names", || all_know_names(&cluster, 0));
    let mut php = InProcess::start(&host).php(1);
    let said = php.lock("a");
    assert!(said.contains("no node of the cluster serves"), "{said}");
}
