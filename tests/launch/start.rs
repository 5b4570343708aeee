//! How a container starts: more than once, inside another launcher, and without a service.

use crate::harness::{CA, Harness, PROBE_OFF, proxy};
use php_session_store::config::environment::Environment;
use php_session_store::launch::prepare::{Launch, prepare};
use php_session_store::launch::route::ProxyWanted;
use php_session_store::store::Store;
use php_session_store::variable::Variable;
use serde_json::json;
use std::path::{Path, PathBuf};

const LOGIN: &str =
    r#"{"x": [{"name": "redis-sessions", "credentials": {"host": "h", "password": "pw"}}]}"#;

const LOGIN_WITH_TLS: &str = r#"{"x": [{"name": "redis-sessions",
    "credentials": {"host": "h", "password": "pw", "tls": true}}]}"#;

fn start(harness: &Harness, environment: &[(&str, &str)]) -> Result<Launch, String> {
    start_with(harness, environment, &proxy)
}

fn start_with(
    harness: &Harness,
    environment: &[(&str, &str)],
    start_proxy: &dyn Fn(&ProxyWanted<'_>) -> anyhow::Result<PathBuf>,
) -> Result<Launch, String> {
    let environment: Environment = environment.iter().copied().chain([PROBE_OFF]).collect();
    let launch = prepare(
        &environment,
        Path::new("/nowhere"),
        harness.layer.path(),
        Path::new("/nowhere"),
        start_proxy,
    );
    launch.map_err(|error| error.to_string())
}

fn value(launch: &Launch, variable: Variable) -> &str {
    &launch.variables.iter().find(|(name, _)| *name == variable).unwrap().1
}

/// What a launcher inside a launcher gives to exec.d programs: what the outer one has set, and the layers'
/// variables applied once more.
fn inside<'a>(launch: &'a Launch, scan_dir: &'a str) -> Vec<(&'a str, &'a str)> {
    let variables = launch.variables.iter().map(|(name, value)| (name.name(), value.as_str()));
    variables
        .filter(|(name, _)| *name != "PHP_INI_SCAN_DIR")
        .chain([("PHP_INI_SCAN_DIR", scan_dir)])
        .collect()
}

#[test]
fn a_launcher_inside_a_launcher_changes_nothing_and_says_nothing() {
    let memcached = r#"{"x": [{"name": "memcached-sessions",
        "credentials": {"host": "h", "username": "u", "password": "p"}}]}"#;
    for (harness, services) in [
        (Harness::new(Store::Redis, "6.2.0"), LOGIN),
        (Harness::new(Store::Redis, "6.2.0"), LOGIN_WITH_TLS),
        (Harness::new(Store::Memcached, "3.3.0"), memcached),
    ] {
        let base = format!(":{}", harness.layer.path().join("conf.d").display());
        let services = ("VCAP_SERVICES", services);
        let outer = start(&harness, &[services, ("PHP_INI_SCAN_DIR", &base)]).unwrap();
        assert_eq!(outer.messages.len(), 1);
        let scan_dir = format!("{}{base}", value(&outer, Variable::IniScanDir));
        let mut environment = inside(&outer, &scan_dir);
        environment.push(services);
        let inner = start(&harness, &environment).unwrap();
        assert_eq!(inner.variables, outer.variables);
        assert_eq!(inner.messages, [""; 0]);
    }
}

#[test]
fn the_line_of_the_launch_can_be_silenced_and_a_warning_cannot() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let quiet = ("BPL_PHP_SESSION_LOG", "off");
    assert_eq!(start(&harness, &[("VCAP_SERVICES", LOGIN), quiet]).unwrap().messages, [""; 0]);
    let warned = start(&harness, &[("BPL_PHP_SESSION_MISSING", "files"), quiet]).unwrap();
    assert!(warned.messages[0].starts_with("warning: "), "{:?}", warned.messages);
}

#[test]
fn with_missing_warn_a_container_starts_without_its_service_and_says_why() {
    let warn = ("BPL_PHP_SESSION_MISSING", "warn");
    for (store, path) in [
        (Store::Redis, "unix:///no-session-service-is-bound?timeout=1&files=;600;/tmp"),
        (Store::Memcached, "/no-session-service-is-bound:0"),
    ] {
        let harness = Harness::new(store, "6.2.0");
        let launch = start(&harness, &[warn]).unwrap();
        assert_eq!(value(&launch, Variable::SavePath), path);
        assert_eq!(value(&launch, Variable::Locking), "0");
        assert!(launch.messages[0].contains(&format!("No {store} service is bound")));
    }
    // Nor do credentials that are no good stop it, and no other value of the setting does so much.
    let harness = Harness::new(Store::Redis, "6.2.0");
    let broken =
        ("VCAP_SERVICES", r#"{"x": [{"name": "redis-sessions", "credentials": {"port": 1}}]}"#);
    assert!(start(&harness, &[broken, warn]).unwrap().messages[0].contains("host"));
    assert!(start(&harness, &[broken, ("BPL_PHP_SESSION_MISSING", "files")]).is_err());
    assert!(start(&harness, &[broken]).is_err());
}

#[test]
fn however_often_a_container_starts_a_certificate_is_one_file() {
    for version in ["5.3.7", "6.2.0"] {
        let harness = Harness::new(Store::Redis, version);
        let pems = || {
            let files = harness.layer.path().read_dir().unwrap().flatten();
            files.filter(|file| file.path().extension().is_some_and(|it| it == "pem")).count()
        };
        let credentials = json!({"host": "h", "ca.crt": CA});
        let first = harness.vcap("x", &credentials).unwrap();
        assert_eq!(pems(), 1);
        assert_eq!(harness.vcap("x", &credentials).unwrap(), first);
        assert_eq!(pems(), 1);
    }
}

#[test]
fn auto_goes_without_a_proxy_that_does_not_run() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let services = ("VCAP_SERVICES", LOGIN_WITH_TLS);
    let none = |_: &ProxyWanted<'_>| anyhow::bail!("no folder");
    let direct = start_with(&harness, &[services], &none).unwrap();
    assert!(value(&direct, Variable::SavePath).starts_with("tls://h:6379?"));
    assert!(direct.messages[0].contains("sessions in redis"), "{:?}", direct.messages);
    assert!(!direct.messages[0].contains("through the session proxy"), "{:?}", direct.messages);
    assert!(direct.messages[1].contains("no folder"), "{:?}", direct.messages);
    let on = start_with(&harness, &[services, ("BPL_PHP_SESSION_PROXY", "on")], &none);
    assert_eq!(on.unwrap_err(), "no folder");

    // A launch inside this one does the same, even where a proxy would run now.
    let scan_dir = format!(":{}", value(&direct, Variable::IniScanDir));
    let mut environment = inside(&direct, &scan_dir);
    environment.push(services);
    let inner = start(&harness, &environment).unwrap();
    assert_eq!(value(&inner, Variable::SavePath), value(&direct, Variable::SavePath));
    assert_eq!(inner.messages, [""; 0]);
}

#[test]
fn what_php_has_trusted_before_it_still_trusts_with_a_private_ca() {
    let certificate =
        |name: &str| format!("-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----");
    let harness = Harness::new(Store::Redis, "5.3.7");
    let own = tempfile::tempdir().unwrap();
    let (file, folder) = (own.path().join("file.pem"), own.path().join("folder"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(&file, certificate("FILE")).unwrap();
    std::fs::write(folder.join("a.crt"), format!("{}\n{}", certificate("A"), certificate("B")))
        .unwrap();
    std::os::unix::fs::symlink("a.crt", folder.join("3513523f.0")).unwrap();
    let services =
        json!({"x": [{"name": "redis-sessions", "credentials": {"host": "h", "ca.crt": CA}}]})
            .to_string();
    let launch = start(
        &harness,
        &[
            ("VCAP_SERVICES", &services),
            ("TMPDIR", own.path().to_str().unwrap()),
            ("SSL_CERT_FILE", file.to_str().unwrap()),
            ("SSL_CERT_DIR", folder.to_str().unwrap()),
            ("BPL_PHP_SESSION_PROXY", "off"),
        ],
    )
    .unwrap();
    let trusted = std::fs::read_to_string(value(&launch, Variable::CaFile)).unwrap();
    for text in ["MIIB", "FILE", "A", "B"] {
        assert_eq!(trusted.matches(&format!("\n{text}\n")).count(), 1, "{text} in\n{trusted}");
    }
}

#[test]
fn ini_files_that_php_no_longer_reads_are_named() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let with = |folders: &str| {
        let base = format!("{folders}:{}", harness.layer.path().join("conf.d").display());
        let environment = [("VCAP_SERVICES", LOGIN), ("PHP_INI_SCAN_DIR", &base)];
        start(&harness, &environment).unwrap().messages
    };
    assert_eq!(with("").len(), 1);
    assert_eq!(with(":/app").len(), 1);
    let replaced = with("/app");
    assert!(replaced[1].contains("(PHP's own)"), "{replaced:?}");
}
