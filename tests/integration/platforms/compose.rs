//! `samples/compose`, as it is but for its images and what serves the app.

use crate::support::TRIXIE;
use crate::support::app::{build, config, of_setup, root};
use crate::support::docker::{both, docker_ok, unique_name};
use crate::support::http_client::{HttpClient, wait_for_answer};
use crate::support::services::IMAGE;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

/// A project; dropping it takes it down.
struct Project {
    name: String,
    changes: PathBuf,
}

impl Project {
    fn compose(&self, arguments: &[&str]) -> String {
        let output = Command::new(of_setup("bin/docker-compose"))
            .args(["--project-name", &self.name, "--file"])
            .arg(root().join("samples/compose/compose.yaml"))
            .arg("--file")
            .arg(&self.changes)
            .args(arguments)
            .output()
            .expect("make platforms sets it up");
        assert!(output.status.success(), "{}", both(&output));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.compose(&["down", "--volumes", "--timeout", "1"]);
    }
}

#[test]
fn the_sample_shares_sessions() {
    build(config(TRIXIE, "full").env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let folder = tempfile::tempdir().unwrap();
        let changes = folder.path().join("changes.yaml");
        let text = format!(
            "services:\n  redis: {{image: {IMAGE}}}\n  shop:\n    image: {}\n    \
             entrypoint: [launcher, php, -S, 0.0.0.0:8080]\n",
            app.image
        );
        fs::write(&changes, text).unwrap();
        let project = Project { name: unique_name("compose"), changes };
        project.compose(&["up", "--detach", "--pull", "never"]);
        let instances = project.compose(&["ps", "--quiet", "shop"]);
        let addresses: Vec<SocketAddr> = instances
            .lines()
            .map(|id| docker_ok(&["port", id, "8080"]).lines().next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(addresses.len(), 2);
        let mut visitor = HttpClient::new();
        for address in &addresses {
            wait_for_answer(*address, "/nothing.php");
        }
        let counts = [0, 1, 0, 1].map(|instance| visitor.count(addresses[instance]));
        assert_eq!(counts, [1, 2, 3, 4]);
    });
}
