//! Whether `hosts` beside a `host` are a cluster is the server's word.

use crate::harness::Harness;
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

const NODE: &str = "$30\r\n# Cluster\r\ncluster_enabled:1\r\n\r\n";
const SINGLE: &str = "$30\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n";

/// A server that answers each command with the same reply.
fn server(reply: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 1024];
            while stream.read(&mut buffer).is_ok_and(|read| read > 0) {
                if stream.write_all(reply.as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    port
}

/// The save path, and what the launch says, with `hosts` and something else beside a `host`.
fn launched(reply: &'static str, name: &str, value: Value) -> (u16, String, String) {
    let port = server(reply);
    let mut credentials =
        json!({"host": "127.0.0.1", "port": port, "hosts": ["127.0.0.1", "10.0.0.2"]});
    credentials[name] = value;
    let harness = Harness::new(Store::Redis, "6.2.0");
    let path = harness.masked(&harness.vcap("x", &credentials).expect("a launch"));
    (port, path, harness.said("x", &credentials))
}

#[test]
fn hosts_beside_a_host_are_a_cluster_where_the_server_says_so() {
    let (port, path, said) = launched(NODE, "name", json!("any"));
    assert_eq!(path, format!("seed[]=127.0.0.1%3A{port}&seed[]=10.0.0.2%3A{port}&…"));
    let cluster = format!("the cluster tcp://127.0.0.1:{port},10.0.0.2:{port}, no password");
    assert!(said.contains(&cluster), "{said}");
    assert!(!said.contains("unused"), "{said}");
}

#[test]
fn hosts_beside_a_host_are_unused_where_the_server_is_a_single_one() {
    for (reply, name, value) in [
        (SINGLE, "name", json!("any")),
        ("-NOPERM no\r\n", "name", json!("any")),
        // What the credentials say is not asked.
        (NODE, "database", json!(1)),
        (NODE, "hosts", json!(["127.0.0.1"])),
        (NODE, "sentinel_master_name", json!("main")),
    ] {
        let (port, path, said) = launched(reply, name, value);
        assert!(path.starts_with(&format!("tcp://127.0.0.1:{port}?")), "{name}: {path}");
        assert!(said.contains(&format!("tcp://127.0.0.1:{port}")), "{name}: {said}");
        assert!(said.contains("unused credentials: hosts"), "{name}: {said}");
    }
    let (port, path, _) = launched(NODE, "cluster_mode", json!(false));
    assert!(path.starts_with(&format!("tcp://127.0.0.1:{port}?")), "{path}");
    assert!(launched(NODE, "database", json!(0)).1.starts_with("seed[]="));
}
