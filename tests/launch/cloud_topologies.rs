//! Tokens with a cluster and with Sentinel: each server is logged in to with the present one.

use crate::fake_cloud::{ok, serve as serve_http};
use crate::proxy_site::{PASSWORD, Php, credentials_of, serve};
use crate::redis_cluster::RedisCluster;
use crate::redis_process::run;
use crate::sentinel_site::Watched;
use cloud_login::Cloud;
use serde_json::json;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use store_client::{Login, RedisEndpoint};

/// For three tokens of two seconds, each replaced after one.
const LONG_ENOUGH: Duration = Duration::from_secs(4);

/// A login with tokens of two seconds. These servers know the last two, as the one before is valid still, and no others but
/// the password of the test.
fn tokens(ports: Vec<u16>) -> (Login, Arc<AtomicU32>) {
    let count = Arc::new(AtomicU32::new(0));
    let issued = Arc::clone(&count);
    let host = serve_http(move |_| {
        let number = issued.fetch_add(1, Ordering::SeqCst);
        let [before, token] = [number.saturating_sub(1), number].map(|it| format!("token-{it}"));
        for port in &ports {
            let client = redis::Client::open(("127.0.0.1", *port)).unwrap();
            let mut admin = client.get_connection().unwrap();
            run(&mut admin, &["AUTH", PASSWORD]);
            let [password, before, token] = [PASSWORD, &before, &token].map(|it| format!(">{it}"));
            let set = ["ACL", "SETUSER", "default", "resetpass", &password, &before, &token];
            run(&mut admin, &set);
        }
        ok(json!({"access_token": token, "expires_in": 2}))
    });
    let variables = [("GCE_METADATA_HOST", &*host)].into_iter().collect();
    (Login::Issued(Arc::new(Cloud::Google.login(variables))), count)
}

fn count_for(php: &mut Php, time: Duration, mut halfway: impl FnMut()) {
    let (begun, mut is_first_half) = (Instant::now(), true);
    let mut visits = 0;
    while begun.elapsed() < time {
        visits += 1;
        for visitor in 0..4 {
            assert_eq!(php.count(&format!("visitor{visitor}")), visits);
        }
        if is_first_half && begun.elapsed() > time / 2 {
            is_first_half = false;
            halfway();
        }
    }
}

#[test]
fn a_clusters_nodes_are_logged_in_to_with_tokens() {
    let cluster = RedisCluster::start(0, &[]);
    let (login, issued) = tokens(cluster.nodes.iter().map(|node| node.port).collect());
    let endpoint = RedisEndpoint { auth: Some(login), ..credentials_of(&cluster.credentials()) };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis.sock");
    serve(&socket, endpoint, 0);
    let mut php = Php::new(UnixStream::connect(&socket).unwrap(), 1);
    count_for(&mut php, LONG_ENOUGH, || {
        cluster.on_all(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    });
    assert!(issued.load(Ordering::SeqCst) >= 3, "{issued:?}");
}

#[test]
fn a_primary_that_sentinel_names_is_logged_in_to_with_tokens_also_after_a_failover() {
    let watched = Watched::start(None);
    let (login, issued) = tokens(watched.servers.iter().map(|server| server.port).collect());
    let endpoint = RedisEndpoint { auth: Some(login), ..credentials_of(&watched.credentials()) };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis.sock");
    serve(&socket, endpoint, 0);
    let mut php = Php::new(UnixStream::connect(&socket).unwrap(), 1);
    count_for(&mut php, LONG_ENOUGH, || watched.fail_over());
    assert!(issued.load(Ordering::SeqCst) >= 3, "{issued:?}");
}
