//! Every kind of Redis server that an endpoint can name, with both versions of the extension.

use crate::support::app::{App, build, config};
use crate::support::certificates::Authority;
use crate::support::docker::{Container, Network};
use crate::support::http_client::{HttpClient, assert_sessions_are_shared};
use crate::support::services::vcap;
use crate::support::tls::{PASSWORD, TlsServer};
use crate::support::{BOOKWORM, Suite, TRIXIE, on_both};
use libcnb_test::assert_contains;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const SERVICES: &str = "php-session-store/services";
/// Builds the app once, for all servers.
fn with_app(suite: Suite, test: impl FnOnce(&App)) {
    let mut config = config(suite, "full");
    build(config.env("BP_PHP_SESSION_STORE", "redis"), test);
}

fn env(credentials: &Value) -> String {
    format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials.clone())]))
}

fn assert_works(app: &App, credentials: &Value, options: &[&str]) {
    let bound = env(credentials);
    assert_sessions_are_shared(app, &[&["--env", &bound], options].concat());
}

fn tls_with_a_private_authority(suite: Suite) {
    with_app(suite, |app| {
        let server = TlsServer::start("no", &[]);
        let credentials = server.credentials();
        let direct = ["--env", "BPL_PHP_SESSION_PROXY=off"];
        assert_works(app, &credentials, &direct);
        assert_works(app, &credentials, &["--read-only", "--tmpfs", "/tmp", direct[0], direct[1]]);
        // By default the session proxy keeps the connection, and no handshake is made for each request.
        assert_works(app, &credentials, &["--read-only", "--tmpfs", "/tmp"]);
        let show = ["--", "printenv", "PHP_SESSION_SAVE_PATH"];
        let path =
            |more: &[&str]| app.run(&[&["--env", &env(&credentials)], more].concat(), &show).1;
        assert!(path(&[]).contains("unix:///tmp/php-session-store-"), "{}", path(&[]));
        assert!(path(&direct).contains("tls://"), "{}", path(&direct));
        // A task has no visitors, and may wait for all of its children.
        let task = ["--", "php", "-r", "echo ini_get('session.save_path');"];
        let (_, of_task) = app.run(&["--env", &env(&credentials)], &task);
        assert_contains!(of_task, "tls://");

        // Without the authority nobody is trusted, and PHP's own authorities still are with it.
        let mut untrusted = credentials.clone();
        untrusted.as_object_mut().unwrap().remove("cacrt");
        let bound = env(&untrusted);
        let code = "session_id('abc'); echo session_start() ? 'kept' : 'refused';";
        let php = ["--", "php", "-r", code];
        let unasked = ["--env", &bound, "--env", "BPL_PHP_SESSION_PROBE=off", direct[0], direct[1]];
        let (_, log) = app.run(&unasked, &php);
        assert_contains!(log, "certificate verify failed");
        let (_, log) = app.run(&["--env", &env(&credentials), direct[0], direct[1]], &php);
        assert_contains!(log, "kept");

        // The file is for the app's user alone. Where the root file system is read-only, there is the
        // kernel's shared memory, and without that a message.
        let bound = env(&credentials);
        let list = |options: &[&str], folder: &str| {
            let command = format!("ls -l {folder}/php-session-store-*.pem");
            let options = [&["--env", &bound], options].concat();
            app.run(&options, &["--", "sh", "-c", &command])
        };
        let (_, log) = list(&[], "/tmp");
        assert_contains!(log, "-rw------- 1 cnb cnb");
        let (_, log) = list(&["--read-only"], "/dev/shm");
        assert_contains!(log, "-rw------- 1 cnb cnb");
        let (started, log) = list(&["--read-only", "--ipc", "none"], "/tmp");
        assert!(!started, "{log}");
        assert_contains!(log, "Set TMPDIR to a folder");
    });
}

#[test]
fn tls_with_a_clients_certificate() {
    let server = TlsServer::start("yes", &[]);
    let client = server.authority.identity(&["client"]);
    let mut credentials = server.credentials();
    credentials["tls.crt"] = json!(client.certificate);
    credentials["tls.key"] = json!(client.key);
    with_app(TRIXIE, |app| assert_works(app, &credentials, &[]));
    // phpredis 5.3 cannot show one; the session proxy can.
    with_app(BOOKWORM, |app| {
        assert_works(app, &credentials, &[]);
        let direct = ["--env", &env(&credentials), "--env", "BPL_PHP_SESSION_PROXY=off"];
        let (started, log) = app.run(&direct, &["true"]);
        assert!(!started, "{log}");
        assert_contains!(log, "needs a client certificate");
    });
}

fn ipv6(suite: Suite) {
    let network = Network::with_ipv6();
    let redis = ["redis-server", "--protected-mode", "no", "--bind", "*", "-::*"];
    let redis = [&redis[..], &["--requirepass", PASSWORD]].concat();
    let in_network = ["--network", network.name.as_str()];
    let server = Container::start(&in_network, SERVICES, &redis);
    server.wait_for_log("Ready to accept connections");
    let credentials = json!({"host": server.ipv6(), "password": PASSWORD});
    with_app(suite, |app| {
        assert_works(app, &credentials, &in_network);
        let uri = format!("redis://:{PASSWORD}@[{}]:6379", server.ipv6());
        assert_works(app, &json!({ "uri": uri }), &in_network);
    });
}

fn socket(suite: Suite) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let mount = format!("{}:/sock", folder.path().display());
    let command = ["redis-server", "--port", "0", "--requirepass", PASSWORD];
    let command =
        [&command[..], &["--unixsocket", "/sock/redis.sock", "--unixsocketperm", "777"]].concat();
    let server = Container::start(&["--volume", &mount], SERVICES, &command);
    server.wait_for_log("ready to accept connections at /sock/redis.sock");
    let credentials = json!({"uri": "unix:///sock/redis.sock", "password": PASSWORD});
    with_app(suite, |app| assert_works(app, &credentials, &["--volume", &mount]));
}

/// Three nodes, with a password, an ACL user, and perhaps TLS.
fn start_cluster(authority: Option<&Authority>) -> Container {
    let tls_folder = authority.map(|it| format!("{}:/tls:ro", it.folder().display()));
    let options: Vec<&str> =
        tls_folder.iter().flat_map(|folder| ["--volume", folder.as_str()]).collect();
    let (wait, node, cli) = if authority.is_some() {
        let files = "--tls-cert-file /tls/cert.pem --tls-key-file /tls/key.pem --tls-ca-cert-file /tls/ca.pem";
        (
            Authority::wait_command(),
            format!(
                "--port 0 --tls-port $port --tls-cluster yes --tls-replication yes --tls-auth-clients no {files}"
            ),
            "--tls --cacert /tls/ca.pem",
        )
    } else {
        ("true".to_owned(), "--port $port".to_owned(), "")
    };
    let script = format!(
        "{wait}
        ip=$(hostname -i)
        for port in 7001 7002 7003; do
          mkdir /$port && cd /$port && redis-server {node} --daemonize yes --protected-mode no \
            --cluster-enabled yes --cluster-announce-ip $ip --requirepass {PASSWORD} --masterauth {PASSWORD} \
            --user shop on '~PHPREDIS_CLUSTER_SESSION:*' '~{{PHPREDIS_CLUSTER_SESSION:*' +@all '>{PASSWORD}2'
        done
        sleep 1
        redis-cli {cli} -a {PASSWORD} --cluster create $ip:7001 $ip:7002 $ip:7003 --cluster-yes
        until redis-cli {cli} -a {PASSWORD} -h $ip -p 7001 cluster info | grep cluster_state:ok; do sleep 0.1; done
        echo the cluster is ready; exec sleep infinity"
    );
    let container = Container::start(&options, SERVICES, &["sh", "-c", &script]);
    if let Some(authority) = authority {
        authority.give_identity(&[&container.ip()]);
    }
    container.wait_for_log("the cluster is ready");
    container
}

fn cluster(suite: Suite) {
    let plain = start_cluster(None);
    let authority = Authority::new();
    let encrypted = start_cluster(Some(&authority));
    let nodes = |container: &Container| {
        let ip = container.ip();
        format!("{ip}:7001,{ip}:7002,{ip}:7003")
    };
    with_app(suite, |app| {
        for credentials in [
            json!({"cluster.nodes": nodes(&plain), "password": PASSWORD}),
            json!({"host": plain.ip(), "port": 7002, "cluster_mode": true,
                "username": "shop", "password": format!("{PASSWORD}2")}),
            // As Blacksmith gives a cluster; others give a server and its replicas so.
            json!({"host": plain.ip(), "port": 7001, "password": PASSWORD,
                "hosts": nodes(&plain).split(',').collect::<Vec<_>>()}),
            json!({"cluster.nodes": nodes(&encrypted), "password": PASSWORD, "tls": true,
                "ca.crt": authority.certificate}),
        ] {
            // Sessions lie on all nodes.
            for _ in 0..3 {
                assert_works(app, &credentials, &[]);
            }
            let (kept, log) = app.check(&["--env", &env(&credentials)]);
            assert!(kept, "{log}");
            assert!(log.contains("; cluster of 3 primaries, through the session proxy"), "{log}");
        }
        sessions_are_the_same_with_and_without_the_proxy(app, &plain);
    });
}

/// And one host will do: the proxy finds out.
fn sessions_are_the_same_with_and_without_the_proxy(app: &App, cluster: &Container) {
    let nodes = format!("{}:7001", cluster.ip());
    let bound = env(&json!({"cluster.nodes": nodes, "password": PASSWORD}));
    let start = |route: &str| {
        let route = format!("BPL_PHP_SESSION_PROXY={route}");
        app.start(&["--env", &bound, "--env", &route])
    };
    let (a, b) = (start("auto"), start("off"));
    for _ in 0..3 {
        let mut visitor = HttpClient::new();
        let counts = [&a, &b, &a, &b].map(|instance| visitor.count(instance.address()));
        assert_eq!(counts, [1, 2, 3, 4], "{}", a.container.logs());
    }
    assert_works(app, &json!({"host": cluster.ip(), "port": 7002, "password": PASSWORD}), &[]);
}

on_both! {
    tls_with_a_private_authority;
    ipv6;
    a_socket: socket;
    a_cluster: cluster;
}
