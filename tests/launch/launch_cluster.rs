//! The launch before a real cluster: it tries what the session proxy sends, with the node that has the session, and says what
//! is in the way. And what a cluster with TLS and a user with few rights takes.

use crate::harness::{Harness, PROXY_SOCKET};
use crate::proxy_harness::wait_until;
use crate::proxy_site::{InProcess, PASSWORD, PREFIX};
use crate::redis_cluster::{RedisCluster, TlsFiles, ask};
use crate::redis_process::run;
use php_session_store::store::Store;
use serde_json::json;

#[test]
fn the_launch_tries_what_the_proxy_sends_in_a_cluster() {
    let cluster = RedisCluster::start(0, &[]);
    let harness = Harness::new(Store::Redis, "6.2.0");
    let nodes = cluster.credentials();
    let host = json!({"host": "127.0.0.1", "port": cluster.nodes[2].port, "password": PASSWORD});
    // Keys of PHP's handler for clusters, and of the one for single servers.
    let of_cluster = "&prefix=PHPREDIS_CLUSTER_SESSION%3A&";
    for (credentials, setting, is_kept, says) in [
        (&nodes, "auto", true, "through the session proxy"),
        (&nodes, "on", true, "through the session proxy"),
        (&nodes, "off", true, "PHP's own handler does not lock sessions in a cluster"),
        (&host, "auto", true, "the session proxy (the server is part of a cluster)"),
        (&host, "on", true, "through the session proxy"),
        (&host, "off", false, "The server is part of a cluster"),
    ] {
        let (path, said) = harness.asked(credentials, setting);
        assert!(said.contains(says), "{said}");
        let path = path.unwrap_or_default();
        assert_eq!(!path.is_empty(), is_kept, "{said}");
        let is_proxy = path.contains(PROXY_SOCKET);
        assert_eq!(is_proxy, is_kept && setting != "off", "{path}");
        assert_eq!(path.contains(of_cluster), is_proxy && credentials == &nodes, "{path}");
    }
    // For the keys of PHP's handler alone: then that one has to do, without locks.
    for node in &cluster.nodes {
        let mut user =
            vec!["ACL", "SETUSER", "shop", "on", ">secret", "~PHPREDIS_CLUSTER_SESSION:*"];
        user.push("+@all");
        run(&mut node.admin(PASSWORD), &user);
    }
    let mut few = nodes.clone();
    few["username"] = json!("shop");
    few["password"] = json!("secret");
    let (path, said) = harness.asked(&few, "auto");
    assert!(path.unwrap().starts_with("seed[]="), "{said}");
    assert!(said.contains("~PHPREDIS_CLUSTER_SESSION:* ~{PHPREDIS_CLUSTER_SESSION:*"), "{said}");
    assert!(said.contains("does not lock sessions in a cluster"), "{said}");
    // Nodes that announce an address of another network.
    cluster.on_all(&["CONFIG", "SET", "cluster-announce-ip", "127.0.0.9"]);
    cluster.on_all(&["CONFIG", "SET", "cluster-announce-port", "1"]);
    wait_until("the nodes' new addresses", || {
        harness.asked(&nodes, "on").1.contains("The cluster announces a node at 127.0.0.9:1. ")
    });
}

/// The certificate is for the name that is bound, and the nodes announce addresses.
#[test]
fn tls_is_verified_by_the_name_that_is_bound_and_a_user_needs_few_rights() {
    const USER: &str = "shop";
    let files = TlsFiles::of("localhost");
    let (cluster, ports) = RedisCluster::start_with_tls(&files, 0);
    let keys = [format!("~{PREFIX}*"), format!("~{{{PREFIX}*")];
    for node in &cluster.nodes {
        let mut user = vec!["ACL", "SETUSER", USER, "on", ">secret", &keys[0], &keys[1]];
        user.extend(["+get", "+setex", "+expire", "+del", "+exists", "+set", "+eval"]);
        user.push("+cluster|slots");
        run(&mut node.admin(PASSWORD), &user);
    }
    let credentials = json!({"cluster.nodes": format!("localhost:{}", ports[0]), "tls": true,
        "ca.crt": files.authority.pem, "username": USER, "password": "secret"});
    let proxy = InProcess::start(&credentials);
    let mut php = proxy.php(1);
    for number in 0..20 {
        let id = format!("visitor{number}");
        assert_eq!(php.exists(&id), ":0");
        assert_eq!([php.count(&id), php.count(&id)], [1, 2]);
    }
    assert_eq!(proxy.status()["failures"], 0);
    for node in &cluster.nodes {
        assert!(ask::<Vec<String>>(node, &["ACL", "LOG"]).is_empty());
    }
    let mut other = credentials.clone();
    other["ca.crt"] = json!(TlsFiles::of("localhost").authority.pem);
    let said = InProcess::start(&other).php(1).lock("a");
    assert!(said.contains("not trusted"), "{said}");
}
