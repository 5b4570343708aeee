//! As Cloud Foundry's CNB lifecycle stages and starts: layers and app below `/home/vcap`, user 2000, every variable of
//! the staging task as a file of the platform, a droplet that is a tar of `/home/vcap`. `CNBAPPLIFECYCLE=FOLDER` takes
//! the `builder` and `launcher` of Cloud Foundry from there; without it the lifecycle's own phases stand in.

mod binding;

use crate::support::BOOKWORM;
use crate::support::app::{buildpack, make_readable, of_setup, root};
use crate::support::docker::{Container, both, docker, docker_ok};
use crate::support::http_client::HttpClient;
use crate::support::lifecycle;
use crate::support::secrets::{MARKER, ODD_PASSWORD, assert_log_is_clean};
use crate::support::services::{Memcached, Redis, USER, vcap};
use crate::support::tls::TlsServer;
use binding::Binding;
use libcnb_test::assert_contains;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What Diego gives to every container of an app.
const DIEGO: [&str; 4] =
    ["--user=2000:2000", "--env=HOME=/home/vcap", "--env=USER=vcap", "--env=PORT=8080"];
const SERVE: &str = "php -S 0.0.0.0:$PORT";

/// The lifecycle in a folder, which containers have at `/tmp/lifecycle`.
struct Lifecycle {
    folder: PathBuf,
    cloud_foundrys: bool,
    _unpacked: Option<TempDir>,
}

impl Lifecycle {
    fn new() -> Self {
        if let Some(folder) = std::env::var_os("CNBAPPLIFECYCLE") {
            return Self { folder: folder.into(), cloud_foundrys: true, _unpacked: None };
        }
        let unpacked = tempfile::tempdir().unwrap();
        make_readable(unpacked.path());
        let tar = [
            "-C",
            unpacked.path().to_str().unwrap(),
            "-xzf",
            lifecycle("LIFECYCLE_VERSION").to_str().unwrap(),
        ]
        .map(str::to_owned);
        assert!(Command::new("tar").args(tar).status().unwrap().success());
        Self {
            folder: unpacked.path().join("lifecycle"),
            cloud_foundrys: false,
            _unpacked: Some(unpacked),
        }
    }

    fn mount(&self) -> String {
        format!("--volume={}:/tmp/lifecycle:ro", self.folder.display())
    }

    /// The launcher's words before a command: of a process, or of a task.
    fn words(&self, task: bool) -> &'static [&'static str] {
        match (self.cloud_foundrys, task) {
            (false, _) => &[],
            (true, false) => &["app"],
            (true, true) => &["--"],
        }
    }
}

/// What staging makes.
struct Droplet {
    lifecycle: Lifecycle,
    folder: TempDir,
    log: String,
}

impl Droplet {
    /// Stages the counter.
    fn stage(binding: &Binding) -> Self {
        let (droplet, succeeded) = Self::try_to_stage(binding, &[]);
        assert!(succeeded, "{}", droplet.log);
        droplet
    }

    /// Stages with further variables; gives whether it succeeded.
    fn try_to_stage(binding: &Binding, variables: &[(&str, &str)]) -> (Self, bool) {
        let lifecycle = Lifecycle::new();
        let mount = |source: &Path, path: &str| format!("--volume={}:{path}:ro", source.display());
        let mut options = binding.options();
        options.extend(variables.iter().map(|(name, value)| format!("--env={name}={value}")));
        options.extend([
            lifecycle.mount(),
            mount(&root().join("tests/buildpacks/php-as-paketo"), "/buildpacks/1"),
            mount(Path::new(&buildpack()), "/buildpacks/2"),
            mount(&of_setup("php-dist"), "/php-dist"),
            mount(&root().join("samples/counter"), "/app"),
            mount(&root().join("tests/integration/platforms/stage"), "/stage"),
        ]);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let container = Container::start(&options, &BOOKWORM.image("servers"), &["sleep", "600"]);
        container.exec_as_root(&["sh", "-c", "mkdir -p /home/vcap/workspace /home/vcap/layers && cp /app/* /home/vcap/workspace && chown -R 2000:2000 /home/vcap"]);
        let mut exec =
            vec!["exec", "--user=2000:2000", "--env=HOME=/home/vcap", &container.name, "/stage"];
        exec.push(binding.variable.0);
        exec.extend(variables.iter().map(|it| it.0));
        let output = docker(&exec);
        let log = bullet_stream::strip_ansi(both(&output));
        assert_log_is_clean("staging log", &log);
        let folder = tempfile::tempdir().unwrap();
        make_readable(folder.path());
        if output.status.success() {
            docker_ok(&[
                "cp",
                &format!("{}:/tmp/droplet", container.name),
                folder.path().to_str().unwrap(),
            ]);
        }
        (Self { lifecycle, folder, log }, output.status.success())
    }

    /// The home of one instance: the droplet, unpacked.
    fn unpack(&self) -> TempDir {
        let home = tempfile::tempdir().unwrap();
        make_readable(home.path());
        let archive = self.folder.path().join("droplet");
        let tar = Command::new("tar").arg("-C").arg(home.path()).arg("-xzpf").arg(archive).status();
        assert!(tar.unwrap().success());
        home
    }

    /// What `docker run` takes to start a command with the launcher, in a home of its own.
    fn options(&self, home: &TempDir, binding: &Binding) -> Vec<String> {
        let mut options = binding.options();
        options.extend(DIEGO.map(str::to_owned));
        options.extend([
            "--entrypoint=/tmp/lifecycle/launcher".to_owned(),
            // The launcher of Cloud Foundry has these by itself.
            "--env=CNB_LAYERS_DIR=/home/vcap/layers".to_owned(),
            "--env=CNB_APP_DIR=/home/vcap/workspace".to_owned(),
            "--env=CNB_PLATFORM_API=0.14".to_owned(),
            self.lifecycle.mount(),
            format!("--volume={}:/home/vcap", home.path().display()),
        ]);
        options
    }

    fn start(&self, binding: &Binding, more: &[&str]) -> (Container, TempDir) {
        let home = self.unpack();
        let options = self.options(&home, binding);
        let mut options: Vec<&str> = options.iter().map(String::as_str).collect();
        options.extend(["--publish=127.0.0.1::8080"].iter().chain(more));
        let command = [self.lifecycle.words(false), &[SERVE]].concat();
        let container = Container::start(&options, &BOOKWORM.image("servers"), &command);
        container.wait_for_port(8080);
        (container, home)
    }

    /// Runs a task; gives whether it succeeded, and what it printed.
    fn task(&self, binding: &Binding, command: &str) -> (bool, String) {
        let home = self.unpack();
        let options = self.options(&home, binding);
        let mut arguments = vec!["run", "--rm"];
        arguments.extend(options.iter().map(String::as_str));
        let image = BOOKWORM.image("servers");
        arguments.push(&image);
        arguments.extend(self.lifecycle.words(true));
        arguments.push(command);
        let output = docker(&arguments);
        (output.status.success(), both(&output))
    }

    fn assert_has_no_password(&self) {
        let home = self.unpack();
        let find = Command::new("grep").args(["-rl", MARKER]).arg(home.path()).output().unwrap();
        assert!(find.stdout.is_empty(), "the droplet holds a password: {}", both(&find));
        let find = Command::new("grep")
            .args(["-rl", "Counts a visitor"])
            .arg(home.path())
            .output()
            .unwrap();
        assert!(!find.stdout.is_empty(), "the search finds nothing");
    }
}

/// Stages with a binding, starts two instances, and goes from one to the other with one cookie.
fn shares_sessions(binding: &Binding) {
    let droplet = Droplet::stage(binding);
    assert_contains!(droplet.log, "## PHP session store");
    droplet.assert_has_no_password();
    let (a, b) = (droplet.start(binding, &[]), droplet.start(binding, &[]));
    let mut visitor = HttpClient::new();
    let counts = [&a, &b, &a, &b].map(|(instance, _)| visitor.count(instance.address(8080)));
    assert_eq!(counts, [1, 2, 3, 4], "{}", a.0.logs());
    let (kept, said) = droplet.task(binding, "session-check");
    assert!(kept, "{said}");
    assert_contains!(said, "are kept");
}

#[test]
fn vcap_services() {
    let redis = Redis::start(ODD_PASSWORD);
    let credentials = json!({"host": redis.host(), "port": 6379, "password": ODD_PASSWORD});
    let services = vcap(&[("shop-redis-sessions", credentials)]);
    shares_sessions(&Binding::variable(services.clone()));
    shares_sessions(&Binding::file(&services));
}

/// A broker's nested credentials (a9s), as Cloud Foundry writes them into files.
#[test]
fn files_with_nested_json() {
    let redis = Redis::start(ODD_PASSWORD);
    let nested = json!({"username": "default", "password": ODD_PASSWORD, "port": 6379}).to_string();
    shares_sessions(&Binding::files(&[
        ("type", "a9s-redis"),
        ("provider", "a9s-redis"),
        ("label", "a9s-redis"),
        ("name", "shop-redis-sessions"),
        ("instance-name", "shop-redis-sessions"),
        ("tags", r#"["redis","sql"]"#),
        ("plan", "redis-nano"),
        ("host", &redis.host()),
        ("redis", &nested),
    ]));
}

#[test]
fn memcached_with_a_login() {
    let memcached = Memcached::start_with_login(USER, ODD_PASSWORD);
    let credentials =
        json!({"servers": memcached.server(), "username": USER, "password": ODD_PASSWORD});
    shares_sessions(&Binding::variable(vcap(&[("shop-memcached-sessions", credentials)])));
}

/// Nothing is optional there.
#[test]
fn an_app_that_wants_none_fails_staging_and_says_why() {
    let binding = Binding::variable(vcap(&[]));
    let (droplet, succeeded) = Droplet::try_to_stage(&binding, &[("BP_PHP_SESSION_STORE", "none")]);
    let said = ["BP_PHP_SESSION_STORE is none", "no buildpacks participating"];
    assert!(!succeeded, "{}", droplet.log);
    assert!(said.iter().all(|it| droplet.log.contains(it)), "{}", droplet.log);
}

/// An authority that only `CF_SYSTEM_CERT_PATH` has: PHP trusts it through `SSL_CERT_FILE`.
#[test]
fn an_authority_of_the_platform() {
    let server = TlsServer::start("no", &[]);
    let mut credentials = server.credentials();
    credentials.as_object_mut().unwrap().remove("cacrt");
    let binding = Binding::variable(vcap(&[("shop-redis-sessions", credentials)]));
    let droplet = Droplet::stage(&binding);
    let authorities = Binding::folder(&[("trusted-ca-1.crt", &server.authority.certificate)]);
    let path = "/etc/cf-system-certificates";
    let mount = format!("--volume={}:{path}:ro", authorities.path().display());
    let system = format!("--env=CF_SYSTEM_CERT_PATH={path}");
    let count = |more: &[&str]| {
        let more = [&[mount.as_str(), &system], more].concat();
        let (a, b) = (droplet.start(&binding, &more), droplet.start(&binding, &more));
        let mut visitor = HttpClient::new();
        [&a, &b].map(|(instance, _)| visitor.count(instance.address(8080)))
    };
    let trust = format!("--env=SSL_CERT_FILE={path}/trusted-ca-1.crt");
    assert_eq!(count(&[&trust]), [1, 2]);
    // Without it, the start stops and says so.
    let (started, said) = droplet.task(&binding, "true");
    assert!(!started, "{said}");
    assert_contains!(said, "certificate is not trusted");
}
