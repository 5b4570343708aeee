//! On arm64: the programs and Debian's PHP run in qemu, against a real Redis. The kernel here starts no program of
//! another machine by itself, so PHP is a script that calls qemu.

use crate::support::app::{make_readable, of_setup, root};
use crate::support::docker::both;
use crate::support::sample::write;
use crate::support::secrets::{MARKER, assert_log_is_clean};
use crate::support::services::Redis;
use libcnb_test::assert_contains;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The machine: a folder with the app, the layers and what the platform gives.
struct Machine {
    folder: TempDir,
    php: PathBuf,
}

impl Machine {
    fn new(redis: &Redis) -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_readable(folder.path());
        let machine = Self { folder, php: of_setup("arm64-php") };
        let path = machine.folder.path();
        write(
            path,
            "bin/php",
            &format!("#!/bin/sh\nexec {}/usr/bin/php8.4 \"$@\"\n", machine.qemu()),
        );
        fs::set_permissions(path.join("bin/php"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::copy(root().join("samples/counter/index.php"), path.join("index.php")).unwrap();
        write(path, "plan.toml", "");
        write(path, "platform/env/BP_PHP_SESSION_STORE", "redis");
        fs::create_dir(path.join("layers")).unwrap();
        for (name, text) in [("type", "redis"), ("host", &redis.host()), ("password", MARKER)] {
            write(path, &format!("bindings/redis-sessions/{name}"), text);
        }
        machine
    }

    /// qemu, and the root that PHP's files lie in.
    fn qemu(&self) -> String {
        format!("qemu-aarch64 -L {0} {0}", self.php.display())
    }

    /// A program of ours, as the lifecycle or the launcher starts it.
    fn program(&self, program: &Path) -> Command {
        let path = self.folder.path();
        let mut command = Command::new("qemu-aarch64");
        command.arg("-L").arg(&self.php).arg(program).current_dir(path).env_clear();
        let before = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{before}", path.join("bin").display()));
        for (name, value) in [
            ("OS", "linux"),
            ("ARCH", "arm64"),
            ("DISTRO_NAME", "debian"),
            ("DISTRO_VERSION", "13"),
        ] {
            command.env(format!("CNB_TARGET_{name}"), value);
        }
        command.env("CNB_BUILDPACK_DIR", buildpack());
        command.env("SERVICE_BINDING_ROOT", path.join("bindings"));
        // In qemu, the server seems to be far away.
        command.env("BPL_PHP_SESSION_PROXY", "off");
        command
    }

    fn detect(&self) -> Output {
        let mut detect = self.program(&buildpack().join("bin/detect"));
        detect.args(["platform", "build-plan.toml"]).output().unwrap()
    }

    fn build(&self) -> Output {
        let mut build = self.program(&buildpack().join("bin/build"));
        build
            .arg(self.folder.path().join("layers"))
            .args(["platform", "plan.toml"])
            .output()
            .unwrap()
    }

    fn session_layer(&self) -> PathBuf {
        self.folder.path().join("layers/session")
    }

    /// The ini folders as the launcher sets them.
    fn scan_dirs(&self) -> String {
        fs::read_to_string(self.session_layer().join("env.launch/PHP_INI_SCAN_DIR.append")).unwrap()
    }

    /// What the exec.d program sets. It writes to descriptor 3, which a shell opens.
    fn launch(&self) -> BTreeMap<String, String> {
        let program = self.program(&self.session_layer().join("exec.d/session_env"));
        let words: Vec<&str> = [program.get_program()]
            .into_iter()
            .chain(program.get_args())
            .map(|it| it.to_str().unwrap())
            .collect();
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec \"$@\" 3>variables.toml", "sh"]).args(words);
        shell.current_dir(self.folder.path()).env_clear();
        shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = shell.env("PHP_INI_SCAN_DIR", self.scan_dirs()).output().unwrap();
        assert!(output.status.success(), "{}", both(&output));
        assert_log_is_clean("launch log", &both(&output));
        toml::from_str(&fs::read_to_string(self.folder.path().join("variables.toml")).unwrap())
            .unwrap()
    }

    fn check(&self, variables: &BTreeMap<String, String>) -> Output {
        let mut check = self.program(&self.session_layer().join("bin/session-check"));
        check.env("PHP_INI_SCAN_DIR", self.scan_dirs()).envs(variables).output().unwrap()
    }
}

/// The buildpack for arm64, as `make platforms` packages it.
fn buildpack() -> PathBuf {
    let path = root().join("packaged/arm64");
    assert!(
        path.is_dir(),
        "{} is not there: run `make platforms`, which packages it",
        path.display()
    );
    path
}

#[test]
fn detect_build_launch_and_session_check() {
    let redis = Redis::start(MARKER);
    let machine = Machine::new(&redis);
    let output = machine.detect();
    assert!(output.status.success(), "{}", both(&output));
    let output = machine.build();
    let log = both(&output);
    assert_log_is_clean("build log", &log);
    assert!(output.status.success(), "{log}");
    assert_contains!(log, "Using phpredis 6.2.0 from the image");

    let variables = machine.launch();
    assert!(variables["PHP_SESSION_SAVE_PATH"].contains(&redis.host()), "{:?}", variables.keys());
    let output = machine.check(&variables);
    assert!(output.status.success(), "{}", both(&output));
    assert!(both(&output).contains("are kept"), "{}", both(&output));

    redis.stop_listening(MARKER);
    let output = machine.check(&variables);
    assert!(!output.status.success(), "{}", both(&output));
    assert!(both(&output).contains("are NOT kept"), "{}", both(&output));
}
