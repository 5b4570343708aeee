//! Commands in a container that runs already: they look at the route that the app took, however far the server seems now.

use crate::fake_server::{Answer, plain};
use crate::harness::Harness;
use crate::proxy_harness::signal;
use nix::sys::signal::Signal;
use php_session_store::store::Store;
use serde_json::json;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const FAR: Answer = |_| {
    sleep(Duration::from_millis(1));
    Some("+OK\r\n")
};
static IS_FAR: AtomicBool = AtomicBool::new(true);
const MOVES_CLOSER: Answer =
    |words| if IS_FAR.load(Ordering::SeqCst) { FAR(words) } else { Some("+OK\r\n") };

/// An image's session layer, and what its containers write.
struct Container {
    harness: Harness,
    tmp: TempDir,
    services: String,
}

impl Container {
    fn new(port: u16) -> Self {
        let harness = Harness::new(Store::Redis, "6.2.0");
        for program in ["exec.d/session_env", "bin/session-proxy"] {
            let program = harness.layer.path().join(program);
            fs::create_dir(program.parent().unwrap()).unwrap();
            let built = env!("CARGO_BIN_EXE_php-session-store");
            fs::hard_link(built, &program)
                .or_else(|_| fs::copy(built, &program).map(drop))
                .unwrap();
        }
        let credentials = json!({"host": "127.0.0.1", "port": port});
        let services = json!({"x": [{"name": "redis-sessions", "credentials": credentials}]});
        Self { harness, tmp: tempfile::tempdir().unwrap(), services: services.to_string() }
    }

    /// Launches a program; tells whether PHP goes through the session proxy.
    fn launch(&self, command: &[&str], environment: &[(&str, &str)]) -> bool {
        // The launcher's name, and a script that runs the exec.d program, as the launcher does.
        let script = self.tmp.path().join(command[0]);
        fs::write(&script, "\"$PROGRAM\" 3>\"$OUTPUT\"; exit $?").unwrap();
        let output = self.tmp.path().join("output");
        let mut launcher = Command::new("bash");
        launcher.arg0("launcher").args(command).current_dir(self.tmp.path()).env_clear();
        launcher.env("PROGRAM", self.harness.layer.path().join("exec.d/session_env"));
        launcher.env("OUTPUT", &output).envs(environment.iter().copied());
        launcher.env("TMPDIR", self.tmp.path()).env("VCAP_SERVICES", &self.services);
        let said = launcher.stdin(Stdio::null()).output().unwrap();
        let log = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "{command:?}: {log}");
        let variables = fs::read_to_string(output).unwrap();
        assert!(variables.contains("PHP_SESSION_SAVE_PATH"), "{command:?}: {variables}{log}");
        variables.contains("/redis.sock")
    }

    /// The numbers of the processes that the launch has started.
    fn processes(&self) -> Vec<i32> {
        let is_ours = |pid: &i32| {
            let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.contains(self.tmp.path().to_str().unwrap())
        };
        let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter(is_ours).collect()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // Each may start another one.
        let mut last_seen = Instant::now();
        while last_seen.elapsed() < Duration::from_millis(300) {
            for pid in self.processes() {
                signal(pid, Signal::SIGKILL);
                last_seen = Instant::now();
            }
            sleep(Duration::from_millis(20));
        }
    }
}

const LOOKS: [&[&str]; 2] = [&["session-proxy", "status"], &["session-check"]];

#[test]
fn a_later_command_looks_at_the_proxy_that_the_app_is_behind() {
    let app = Container::new(plain(MOVES_CLOSER));
    assert!(app.launch(&["web"], &[]), "a server that is far");
    IS_FAR.store(false, Ordering::SeqCst);
    for look in LOOKS {
        assert!(app.launch(look, &[]), "{look:?}");
    }
}

#[test]
fn a_later_command_starts_no_proxy_that_the_app_has_not() {
    let port = plain(FAR);
    let app = Container::new(port);
    // Asked for nothing, the start knew of no distance.
    assert!(!app.launch(&["web"], &[("BPL_PHP_SESSION_PROBE", "off")]));
    for look in LOOKS {
        assert!(!app.launch(look, &[]), "{look:?}");
    }
    assert_eq!(app.processes(), [0; 0]);
    // Where nothing has started before, it looks at what an app would take.
    assert!(Container::new(port).launch(&["session-check"], &[]));
}
