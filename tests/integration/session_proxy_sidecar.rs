//! The session proxy as a process of its own, in a container beside the app's, as `samples/kubernetes/sidecar.yaml` has
//! it. Docker stands in for the kubelet.

use crate::session_proxy::{hammer, status, with_app};
use crate::support::TRIXIE;
use crate::support::app::make_readable;
use crate::support::docker::{Container, docker_ok, wait_until};
use crate::support::http_client::HttpClient;
use crate::support::kubernetes::{container, entries, redis_of, sample, write_secret_volume};
use libcnb_test::{assert_contains, assert_not_contains};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

fn scrape(proxy: &Container) -> String {
    let mut stream = TcpStream::connect((proxy.ip(), 9464)).expect("metrics");
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn is_up(proxy: &Container) -> bool {
    let status = ["exec", &proxy.name, "/cnb/lifecycle/launcher", "session-proxy", "status"];
    crate::support::docker::docker(&status).status.success()
}

#[test]
fn the_sample_sidecar_serves_the_app_beside_it() {
    let entries = entries(&sample("kubernetes/secret.yaml")[0]);
    let redis = redis_of(&entries);
    let (secret, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    make_readable(secret.path());
    write_secret_volume(secret.path(), &entries);
    // An emptyDir is everybody's.
    fs::set_permissions(shared.path(), Permissions::from_mode(0o1777)).unwrap();
    let volumes = BTreeMap::from([
        ("shop-redis-sessions".to_owned(), secret.path()),
        ("session-proxy".to_owned(), shared.path()),
    ]);
    let pod = &sample("kubernetes/sidecar.yaml")[0]["spec"]["template"]["spec"];
    let find_redis = format!("--add-host={}:{}", entries["host"], redis.host());
    let part = |kind: &str| {
        let mut part = container(pod, &pod[kind][0], &volumes);
        part.options.push(find_redis.clone());
        part
    };

    with_app(TRIXIE, |app| {
        let options = part("containers").options;
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        // Nobody there: the start says what is missing.
        let (ok, said) = app.run(&options, &["true"]);
        assert!(!ok, "{said}");
        assert_contains!(said, "No session proxy answers at /session-proxy/");

        let sidecar = part("initContainers").options;
        let sidecar: Vec<&str> = sidecar.iter().map(String::as_str).collect();
        let proxy = Container::start(&sidecar, &app.image, &[]);
        wait_until("the sidecar", || is_up(&proxy));
        let instance = app.start(&options);
        let address = instance.address();
        let path = instance.container.exec(&["launcher", "sh", "-c", "env"]);
        assert_contains!(path, "PHP_SESSION_SAVE_PATH=unix:///session-proxy/");
        let processes = instance.container.exec(&["ps", "-eo", "args"]);
        assert_not_contains!(processes, "session-proxy");

        let run = hammer(&[&instance], 100, || {});
        assert_eq!((run.kept, run.counted), (run.requests, run.requests), "{run:?}");
        assert_counted(&status(&instance), &scrape(&proxy));

        // What the kubelet starts again is found again, and a page that was at work is not written in silence.
        let mut visitor = HttpClient::new();
        visitor.get(address, "/hold.php");
        docker_ok(&["kill", "--signal", "KILL", &proxy.name]);
        proxy.start_again();
        wait_until("the sidecar", || is_up(&proxy));
        assert_eq!(visitor.get(address, "/hold.php").body.trim(), "2,kept");

        // The app ends first, and nothing waits for anything.
        docker_ok(&["stop", "--time", "30", &instance.container.name]);
        assert_ends_soon(&proxy);
    });
}

fn assert_counted(seen: &Value, metrics: &str) {
    assert!(seen["requests"].as_u64() >= Some(100), "{seen}");
    assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"), "{metrics}");
    let requests = format!("php_session_proxy_requests_total {}", seen["requests"]);
    assert!(metrics.contains(&requests), "{requests} is not in\n{metrics}");
    assert!(metrics.contains(r#"role="master""#), "{metrics}");
}

fn assert_ends_soon(proxy: &Container) {
    let started = Instant::now();
    docker_ok(&["stop", "--time", "30", &proxy.name]);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    let code = docker_ok(&["inspect", "--format", "{{.State.ExitCode}}", &proxy.name]);
    assert_eq!(code, "0", "{}", proxy.logs());
}
