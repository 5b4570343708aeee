//! `make demo`: its page in a real browser, with either store; on a machine that has Docker and pack, without root.

use crate::support::app::{buildpack, make_readable, of_setup, root};
use crate::support::browser::Browser;
use crate::support::docker::{Container, both, docker, docker_ok, unique_name, wait_until};
use crate::support::registry::Registry;
use crate::support::sample::copy;
use crate::support::{BOOKWORM, lifecycle};
use libcnb_test::assert_contains;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

/// A demo that runs; dropping it stops it.
struct Demo {
    name: String,
    /// What the script printed.
    log: String,
}

impl Demo {
    fn start(store: &str) -> Self {
        let name = unique_name("demo");
        let mut script = Command::new(root().join("scripts/demo"));
        script.envs([("DEMO", &*name), ("STORE", store), ("BUILDPACK", &buildpack())]);
        Self::run(name, &mut script)
    }

    /// Takes ownership of whatever the script starts, also where it fails.
    fn run(name: String, script: &mut Command) -> Self {
        let mut demo = Self { name, log: String::new() };
        let output = script.output().expect("our own script");
        demo.log = bullet_stream::strip_ansi(both(&output));
        assert!(output.status.success(), "{}", demo.log);
        demo
    }

    /// The page's address, which the script has printed.
    fn url(&self) -> &str {
        let after = self.log.split("Open ").nth(1).expect("an address");
        after.split(' ').next().expect("an address")
    }

    /// Stops it, and gives what the script printed.
    fn stop(&self) -> String {
        let script = root().join("scripts/demo");
        let output = Command::new(script).arg("stop").env("DEMO", &self.name).output();
        both(&output.expect("our own script"))
    }

    /// What the engine still has of it.
    fn remains(&self) -> String {
        let lists: [&[&str]; 4] = [
            &["ps", "--all", "--format", "{{.Names}}"],
            &["network", "ls", "--format", "{{.Name}}"],
            &["volume", "ls", "--format", "{{.Name}}"],
            &["images", "--format", "{{.Repository}}"],
        ];
        let all: String = lists.iter().map(|list| docker_ok(list) + "\n").collect();
        all.lines().filter(|line| line.starts_with(&self.name)).collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Two visits, each by the instance whose turn it is; then the button, and a third one by the other instance.
fn a_killed_instance_costs_no_visit(demo: &Demo, browser: &Browser) -> Vec<u8> {
    browser.open(demo.url());
    assert_eq!(browser.text("#count"), "1");
    browser.click("#again");
    assert_eq!(browser.text("#count"), "2");
    let before = browser.screenshot();
    let served_by = browser.text("#instance");
    let container = demo.name.clone() + served_by.strip_prefix("demo").expect("a host's name");
    let restarts = || docker_ok(&["inspect", "--format", "{{.RestartCount}}", &container]);
    let restarted = restarts();
    browser.click("#kill");
    assert_eq!(browser.text("#count"), "3");
    assert_ne!(browser.text("#instance"), served_by);
    let visits = browser.text("#visits");
    assert_contains!(visits, &format!("as {served_by} was killed"));
    let after = browser.screenshot();
    assert!(before != after, "the page looks the same after the kill");

    // It died of the signal, and the engine starts it again.
    wait_until("the restart of the killed instance", || restarts() != restarted);
    after
}

#[test]
fn a_visit_survives_the_instance_in_a_real_browser() {
    let demo = Demo::start("redis");
    let browser = Browser::start();
    let picture = a_killed_instance_costs_no_visit(&demo, &browser);
    let redis = browser.text("#store");
    assert_eq!(redis, "redis at redis:6379");
    // README shows what was seen here.
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        fs::write(root().join("docs/demo.png"), picture).expect("our own folder");
    }

    // What alarmed people who tried it.
    for warning in ["SBOM", "no default process type", "running in a container", "[setup]"] {
        assert!(!demo.log.contains(warning), "{warning}: {}", demo.log);
    }
    let without_binding = both(&docker(&["run", "--rm", &demo.name]));
    assert_contains!(without_binding, "No redis service is bound");

    // A restart neither changes the address nor loses the session, nor waits for a signal that PHP does not hear.
    docker_ok(&["restart", &format!("{}-1", demo.name), &format!("{}-2", demo.name)]);
    let visit = || {
        browser.open(demo.url());
        browser.texts("#count").concat()
    };
    wait_until("the next visit", || visit() == "4");

    let said = demo.stop();
    for what in ["container", "network", "image", "volume", "folder"] {
        assert!(said.contains(&format!("removed {what} ")), "{what}: {said}");
    }
    assert_eq!(demo.remains(), "");
}

/// Debian's image in a registry: a file system and nothing else, without the user that the lifecycle needs.
fn debian_in(registry: &Registry) -> String {
    let strip = ["userdel", "--remove", "cnb"];
    let container = Container::start(&["--user", "0"], &BOOKWORM.image("base"), &strip);
    docker_ok(&["wait", &container.name]);
    let mut export = Command::new("docker")
        .args(["export", &container.name])
        .stdout(Stdio::piped())
        .spawn()
        .expect("docker is there");
    let image = unique_name("debian");
    let import = Command::new("docker")
        .args(["import", "-", &image])
        .stdin(export.stdout.take().expect("a pipe"))
        .output()
        .expect("docker is there");
    assert!(import.status.success(), "{import:?}");
    assert!(export.wait().expect("docker ends").success(), "{import:?}");
    registry.push(&image, "debian:bookworm-slim");
    docker(&["rmi", &image]);
    registry.name_of("debian")
}

/// The images that a demo has made under names of its own; dropping them removes them.
struct Images(String);

impl Drop for Images {
    fn drop(&mut self) {
        let mine = docker_ok(&["images", "--format", "{{.Repository}}:{{.Tag}}", &self.0]);
        for image in mine.lines() {
            docker(&["rmi", "--force", image]);
        }
    }
}

mod slow {
    use super::*;

    /// An ordinary user of the engine, as most machines have one: the group of its socket, and no right beside.
    #[test]
    fn who_has_docker_and_pack_needs_neither_root_nor_a_bootstrap() {
        const USER: u32 = 12345;
        let registry = Registry::start();
        let debian = debian_in(&registry);
        // All that the user has: a checkout, the buildpack, pack, the lifecycle.
        let home = tempfile::tempdir().expect("a folder");
        make_readable(home.path());
        let checkout = home.path().join("checkout");
        for folder in ["scripts", "images", "samples"] {
            let to = checkout.join(folder);
            fs::create_dir_all(&to).expect("our own folder");
            copy(&root().join(folder), &to);
        }
        let packaged = home.path().join("buildpack");
        fs::create_dir(&packaged).expect("our own folder");
        copy(Path::new(&buildpack()), &packaged);
        let tools = home.path().join("tools");
        fs::create_dir_all(tools.join("bin")).expect("our own folder");
        fs::copy(of_setup("bin/pack"), tools.join("bin/pack")).expect("pack of make setup");
        let archive = lifecycle("LIFECYCLE_VERSION");
        fs::copy(&archive, tools.join(archive.file_name().expect("a name")))
            .expect("the lifecycle");
        for folder in [home.path(), &tools, &tools.join("bin")] {
            chown(folder, Some(USER), Some(USER)).expect("tests run as root");
        }

        let name = unique_name("demo");
        let images = unique_name("images");
        let _images = Images(format!("{images}/*"));
        let socket = fs::metadata("/var/run/docker.sock").expect("the engine's socket");
        let mut script = Command::new("setpriv");
        script
            .args(["--reuid", &USER.to_string(), "--regid", &USER.to_string()])
            .args(["--groups", &socket.gid().to_string(), "--no-new-privs"])
            .arg(checkout.join("scripts/demo"))
            .envs([
                ("DEMO", &*name),
                ("PHP_SESSION_STORE_IMAGES", &images),
                ("DEBIAN_IMAGES", &debian),
            ])
            .env("BUILDPACK", &packaged)
            .env("HOME", home.path())
            .env("PHP_SESSION_STORE_TOOLS", &tools);
        let demo = Demo::run(name, &mut script);
        assert_contains!(demo.log, "4, served by");
        // The base is the registry's image, not a file system of its own.
        let first_layer =
            |image: &str| docker_ok(&["inspect", "--format", "{{index .RootFS.Layers 0}}", image]);
        let pulled = format!("{debian}:bookworm-slim");
        assert_eq!(first_layer(&format!("{images}/base:bookworm")), first_layer(&pulled));
        docker(&["rmi", &pulled]);
    }

    #[test]
    fn memcached_serves_the_demo_as_well() {
        let demo = Demo::start("memcached");
        let browser = Browser::start();
        a_killed_instance_costs_no_visit(&demo, &browser);
        assert_eq!(browser.text("#store"), "memcached at memcached:11211");
    }
}
