//! The pack and the lifecycle of today. They build for a registry: their client is too new for Debian 12's engine.

use crate::support::app::{App, buildpack, of_setup, root};
use crate::support::docker::{both, docker, docker_ok, unique_name};
use crate::support::http_client::assert_sessions_are_shared;
use crate::support::registry::Registry;
use crate::support::secrets::MARKER;
use crate::support::services::{Redis, vcap};
use crate::support::{BOOKWORM, lifecycle};
use libcnb_test::assert_contains;
use serde_json::json;
use std::fs;
use std::process::Command;

/// A builder with the lifecycle of today, and a registry with its run image.
struct Site {
    registry: Registry,
    builder: String,
    run_image: String,
}

impl Site {
    fn start() -> Self {
        let image = BOOKWORM.image("full");
        let config = format!(
            "[build]\nimage = \"{image}\"\n[run]\n[[run.images]]\nimage = \"{image}\"\n[lifecycle]\nuri = \"file://{}\"\n",
            lifecycle("NEWER_LIFECYCLE_VERSION").display()
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("builder.toml");
        fs::write(&path, config).unwrap();
        let builder = unique_name("newer-builder");
        let path = path.display().to_string();
        pack(&["builder", "create", &builder, "--pull-policy", "never", "--config", &path]);
        let registry = Registry::start();
        let run_image = registry.push(&image, "run");
        Self { registry, builder, run_image }
    }

    /// Builds the counter for Redis, without a service.
    fn build(&self, name: &str, options: &[&str]) -> App {
        let image = self.registry.name_of(name);
        let app_dir = root().join("samples/counter").display().to_string();
        let cache = format!("type=build;format=volume;name={}", unique_name("newer-cache"));
        let from = ["--builder", &self.builder, "--run-image", &self.run_image, "--path", &app_dir];
        let with = ["--buildpack", &buildpack(), "--env", "BP_PHP_SESSION_STORE=redis"];
        // With the host's network, the registry is on loopback, where it need not speak TLS.
        let to = ["--publish", "--network", "host", "--cache", &cache];
        let rest =
            ["--trust-builder", "--trust-extra-buildpacks", "--pull-policy", "if-not-present"];
        let log = pack(&[&["build", &image], &from[..], &with, &to, &rest, options].concat());
        docker_ok(&["pull", "--quiet", &image]);
        App::of(&image, log)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let images = ["app", "tested"].map(|name| self.registry.name_of(name));
        docker(&["rmi", "--force", &self.builder, &images[0], &images[1]]);
    }
}

fn pack(arguments: &[&str]) -> String {
    let output = Command::new(of_setup("bin/newer-pack")).args(arguments).output();
    let output = output.expect("make platforms sets it up");
    let said = bullet_stream::strip_ansi(both(&output));
    assert!(output.status.success(), "pack {}:\n{said}", arguments.join(" "));
    said
}

#[test]
fn sessions_are_kept_and_a_build_for_tests_needs_no_service() {
    let site = Site::start();
    let app = site.build("app", &[]);
    let redis = Redis::start(MARKER);
    let credentials = json!({"host": redis.host(), "password": MARKER});
    let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials)]));
    assert_sessions_are_shared(&app, &["--env", &bound]);
    assert_eq!(redis.sessions(MARKER), 1);

    let tested = site.build("tested", &["--exec-env", "test"]);
    let show = ["--", "php", "-r", "session_start(); echo 'starts';"];
    let (started, said) = tested.run(&["--env", "BPL_PHP_SESSION_MISSING=files"], &show);
    assert!(started, "{said}");
    assert_contains!(said, "starts");
}
