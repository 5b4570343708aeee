//! What a launch does and says about a login that a cloud issues, with a real Redis and a source of tokens.

use crate::cloud_site::{CloudSite, Fault, Kind};
use crate::fake_cloud::{ok, serve};
use crate::harness::Harness;
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What the launch says, and how long it takes.
fn launched(site: &CloudSite, port: u16, auth: &str) -> (String, Duration) {
    let mut credentials = json!({"host": "127.0.0.1", "port": port, "tls": false, "auth": auth});
    if auth == "aws-iam" {
        credentials["cache-name"] = json!("shop");
        credentials["region"] = json!("eu-west-1");
        credentials["user-id"] = json!("web");
    }
    launched_in(&credentials, &site.source())
}

fn launched_in(credentials: &Value, source: &[(&'static str, String)]) -> (String, Duration) {
    let service =
        json!({"x": [{"name": "redis-sessions", "credentials": credentials}]}).to_string();
    let mut environment = vec![
        ("VCAP_SERVICES", &*service),
        ("BPL_PHP_SESSION_PROBE", "stop"),
        ("BPL_PHP_SESSION_PROXY", "auto"),
    ];
    environment.extend(source.iter().map(|(name, value)| (*name, &**value)));
    let begun = Instant::now();
    let said = Harness::new(Store::Redis, "6.2.0").said_with(&environment);
    assert!(!said.contains("hunter2"), "{said}");
    (said, begun.elapsed())
}

#[test]
fn the_launch_logs_in_and_asks_whether_sessions_are_kept() {
    for (kind, auth) in
        [(Kind::Aws, "aws-iam"), (Kind::Azure, "azure-entra"), (Kind::Google, "google-iam")]
    {
        let site = CloudSite::new(kind, 1);
        let (said, _) = launched(&site, site.open_door(), auth);
        assert!(said.contains(&format!("login {auth}")), "{said}");
        assert!(said.contains("through the session proxy"), "{said}");
        // The route and the probe share one token.
        assert_eq!(site.issued(), 1);
    }
}

#[test]
fn a_source_that_hangs_costs_the_start_three_seconds_and_is_said() {
    let site = CloudSite::new(Kind::Google, 1);
    site.set_fault(Some(Fault::Hang));
    let (said, took) = launched(&site, site.open_door(), "google-iam");
    assert!(took < Duration::from_millis(3500), "{took:?}");
    for part in ["issues no token", "for now", "The Google metadata server", "no answer in time"] {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
    assert!(said.contains("through the session proxy"), "the start goes on: {said}");
}

/// A machine's metadata service is asked three times. Where there are more hosts, it may be a cluster, which is not another
/// question that waits for it.
#[test]
fn a_source_that_takes_its_time_with_each_answer_costs_the_start_three_seconds() {
    let source = serve(|_| {
        sleep(Duration::from_secs(2));
        ok("web")
    });
    let site = CloudSite::new(Kind::Aws, 1);
    let credentials = json!({
        "host": "127.0.0.1", "hosts": ["127.0.0.1", "127.0.0.2"], "port": site.redis.port,
        "tls": false, "auth": "aws-iam", "cache-name": "shop", "region": "eu-west-1", "user-id": "web",
    });
    let source = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{source}"))];
    let (said, took) = launched_in(&credentials, &source);
    assert!(took < Duration::from_millis(3500), "{took:?}");
    assert!(said.contains("The EC2 metadata service has not answered in time"), "{said}");
    assert!(said.contains("through the session proxy"), "the start goes on: {said}");
}

/// Google's limit on logins: many containers start at once.
#[test]
fn a_server_that_has_too_many_logins_does_not_stop_the_start() {
    let site = CloudSite::new(Kind::Google, 1);
    site.too_many.store(9, Ordering::SeqCst);
    let (said, _) = launched(&site, site.open_door(), "google-iam");
    for part in ["accepts no more clients", "IAM_EXHAUSTED", "start fewer containers at a time"] {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
    assert!(said.contains("through the session proxy"), "the start goes on: {said}");
    assert_eq!(site.too_many.load(Ordering::SeqCst), 8);
    assert_eq!(site.issued(), 1);
}

#[test]
fn a_source_that_refuses_stops_the_start_and_is_said() {
    let site = CloudSite::new(Kind::Google, 1);
    site.set_fault(Some(Fault::Status(403)));
    let (said, _) = launched(&site, site.open_door(), "google-iam");
    for part in ["issues no token", "says HTTP 403", "Workload Identity"] {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
    assert!(!said.contains("through the session proxy"), "{said}");
}

/// The server knows no token of this source.
#[test]
fn a_server_that_refuses_the_token_is_said_with_the_usual_mistakes() {
    for (kind, auth, mistake) in [
        (Kind::Aws, "aws-iam", "the name (not the endpoint), whether it is serverless"),
        (Kind::Google, "google-iam", "roles/redis.dbConnectionUser"),
        (Kind::Azure, "azure-entra", "Authentication, add member"),
    ] {
        let (site, other) = (CloudSite::new(kind, 1), CloudSite::new(kind, 1));
        let (said, _) = launched(&site, other.redis.port, auth);
        for part in ["The password or the user is wrong", "WRONGPASS", mistake] {
            assert!(said.contains(part), "{part:?} is not in: {said}");
        }
    }
}
