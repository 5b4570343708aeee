//! What the buildpack itself costs: detect and the launch beside the start of `true`. `make bench` shows it.

use crate::support::BOOKWORM;
use crate::support::app::buildpack;
use crate::support::figures::record;
use crate::support::services::{Redis, vcap};
use php_session_store::app::AppOptions;
use php_session_store::build::session::write_files;
use php_session_store::config::environment::Environment;
use php_session_store::launch::build_record::{AppFacts, LaunchRecord};
use php_session_store::services::search_keys::SearchKeys;
use php_session_store::store::Store;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const ROUNDS: usize = 9;
/// Starts of each program in each round, in turn.
const STARTS: usize = 40;

/// Starts a program, and waits for its end; gives microseconds.
fn start(command: &mut Command) -> f64 {
    let started = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let took = started.elapsed();
    assert!(status.expect("a program").success(), "{command:?}");
    took.as_secs_f64() * 1e6
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Records the medians of each round, and gives that of the rounds' ratios.
fn beside_true(what: &str, mut program: impl FnMut() -> Command) -> f64 {
    let mut round = || {
        let starts = (0..STARTS).map(|_| (start(&mut program()), start(&mut Command::new("true"))));
        let (here, of_true): (Vec<f64>, Vec<f64>) = starts.unzip();
        (median(here), median(of_true))
    };
    // The first one warms everything up.
    round();
    let (here, of_true): (Vec<f64>, Vec<f64>) = (0..ROUNDS).map(|_| round()).unzip();
    record("starts", &json!({"what": what, "microseconds": here, "true": of_true}));
    median(here.iter().zip(&of_true).map(|(here, of_true)| here / of_true).collect())
}

/// An app and a platform folder with a service, outside of any container.
fn detect(folder: &Path) -> impl FnMut() -> Command {
    fs::create_dir_all(folder.join("app")).unwrap();
    fs::write(folder.join("app/index.php"), "<?php session_start();").unwrap();
    fs::create_dir_all(folder.join("platform/bindings/cache")).unwrap();
    for (name, text) in [("type", "php-redis-session"), ("host", "redis.example"), ("port", "6379")]
    {
        fs::write(folder.join("platform/bindings/cache").join(name), text).unwrap();
    }
    fs::create_dir_all(folder.join("platform/env")).unwrap();
    let (program, folder) = (Path::new(&buildpack()).join("bin/detect"), folder.to_owned());
    let mut number = 0;
    move || {
        number += 1;
        let mut command = Command::new(&program);
        // A new plan each time, as the lifecycle has it.
        let (platform, plan) =
            (folder.join("platform"), folder.join(format!("plan-{number}.toml")));
        command
            .args([&platform, &plan])
            .current_dir(folder.join("app"))
            .env("CNB_BUILDPACK_DIR", buildpack())
            .env("CNB_PLATFORM_DIR", &platform)
            .env("CNB_BUILD_PLAN_PATH", &plan)
            .envs([("CNB_TARGET_OS", "linux"), ("CNB_TARGET_ARCH", "amd64")])
            .envs([("CNB_TARGET_DISTRO_NAME", "debian"), ("CNB_TARGET_DISTRO_VERSION", "12")]);
        command
    }
}

/// The launch's program in a session layer, with a Redis bound.
fn exec_d(folder: &Path, redis: &Redis, probe: &str) -> impl FnMut() -> Command {
    let program = folder.join("session/exec.d/session_env");
    let address = redis.container.address(6379);
    let credentials = json!({"host": address.ip().to_string(), "port": address.port()});
    let services = vcap(&[("redis-sessions", credentials)]);
    let (probe, folder) = (probe.to_owned(), folder.to_owned());
    move || {
        let mut command = Command::new(&program);
        command
            .current_dir(folder.join("app"))
            .env("VCAP_SERVICES", &services)
            .env("BPL_PHP_SESSION_PROBE", &probe);
        command
    }
}

const INSIDE: &str = "COSTS_INSIDE";

#[test]
fn detect_and_launch_take_little_more_than_any_start() {
    if std::env::var_os(INSIDE).is_none() {
        // The launch's program writes to descriptor 3, which a shell opens for this process and all that it starts.
        let again = "exec \"$0\" --exact costs::detect_and_launch_take_little_more_than_any_start --nocapture 3>/dev/null";
        let mut inside = Command::new("sh");
        inside.args(["-c", again]).arg(std::env::current_exe().unwrap()).env(INSIDE, "yes");
        assert!(inside.status().unwrap().success());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let redis = Redis::start_with(&[]);
    let detect = beside_true("detect", detect(folder.path()));
    session_layer(&folder.path().join("session"));
    let off =
        beside_true("launch, `BPL_PHP_SESSION_PROBE=off`", exec_d(folder.path(), &redis, "off"));
    let on = beside_true("launch, asks a Redis nearby", exec_d(folder.path(), &redis, "stop"));
    // On a machine that is busy the ratio grows; what would be noticed is another order of magnitude.
    assert!(detect < 4.0, "{detect}, {off}, {on}");
    assert!(off < 4.0, "{detect}, {off}, {on}");
    // There, the server is asked for another 20 ms.
    assert!(on < 24.0, "{detect}, {off}, {on}");
}

/// As a build with Redis writes it.
fn session_layer(layer: &Path) {
    let record = LaunchRecord {
        store: Store::Redis,
        extension_version: BOOKWORM.extension(Store::Redis).parse().unwrap(),
        knows_tls: true,
        openssl_cafile: String::new(),
        openssl_capath: String::new(),
        sid_length: 32,
        search_keys: SearchKeys::determine(&Environment::default(), &AppOptions::default())
            .unwrap(),
        strict_mode: false,
        own_setting: None,
        framework: None,
        app: AppFacts::default(),
        scan_dirs: String::new(),
    };
    write_files(layer, &record, Vec::new()).unwrap();
    fs::create_dir_all(layer.join("exec.d")).unwrap();
    fs::copy(Path::new(&buildpack()).join("bin/build"), layer.join("exec.d/session_env")).unwrap();
}
