//! A session proxy of real processes, as the launch and platforms start them, before a service that says `OK`.

use crate::harness::Harness;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{what} did not come");
        sleep(Duration::from_millis(10));
    }
}

/// A session layer with the program, and a folder with the proxy's socket.
pub(crate) struct Proxy {
    _harness: Harness,
    program: PathBuf,
    folder: TempDir,
    /// What the service was told.
    pub(crate) heard: Arc<Mutex<Vec<String>>>,
    /// More variables of its processes.
    pub(crate) environment: Vec<(&'static str, String)>,
}

impl Proxy {
    pub(crate) fn new() -> Self {
        let harness = Harness::new(Store::Redis, "6.2.0");
        let program = harness.layer.path().join("bin/session-proxy");
        fs::create_dir(program.parent().unwrap()).unwrap();
        // A process finds its layer by its path.
        let built = env!("CARGO_BIN_EXE_php-session-store");
        fs::hard_link(built, &program).or_else(|_| fs::copy(built, &program).map(drop)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let heard = serve_redis(&folder.path().join("service.sock"));
        let proxy = Self { _harness: harness, program, folder, heard, environment: Vec::new() };
        let uri = format!("unix://{}", proxy.folder.path().join("service.sock").display());
        proxy.bind(&json!({ "uri": uri }));
        proxy
    }

    /// Binds a service in place of the one that says `OK`, also while it runs.
    pub(crate) fn bind(&self, credentials: &Value) {
        let service = json!({"redis": [{"name": "redis-sessions", "credentials": credentials}]});
        let file = self.services();
        fs::write(file.with_extension("new"), service.to_string()).unwrap();
        fs::rename(file.with_extension("new"), file).unwrap();
    }

    fn services(&self) -> PathBuf {
        self.folder.path().join("services.json")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg0("session-proxy").env_clear().env("VCAP_SERVICES_FILE_PATH", self.services());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Starts it as the launch does.
    pub(crate) fn supervise(&self, log: impl Into<Stdio>) {
        // The fourth descriptor is the launcher's.
        let mut shell = Command::new("sh");
        let command = self.command();
        shell.args(["-c", "exec 3>/dev/null; exec \"$0\" supervise \"$1\""]);
        shell.arg(&self.program).arg(self.place()).env_clear();
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut child =
            shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        thread::spawn(move || child.wait());
        wait_until("the proxy", || self.answers());
    }

    /// Starts it as a platform does.
    pub(crate) fn foreground(&self, log: impl Into<Stdio>) -> Sidecar {
        let mut command = self.command();
        command.env("BPL_PHP_SESSION_PROXY_FOLDER", self.folder.path());
        let sidecar = Sidecar(command.stderr(log).spawn().unwrap());
        wait_until("the proxy", || self.answers());
        sidecar
    }

    /// What it says if it cannot use a folder.
    pub(crate) fn refusal_of(&self, folder: &Path) -> String {
        let output = self.command().env("BPL_PHP_SESSION_PROXY_FOLDER", folder).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }

    pub(crate) fn place(&self) -> PathBuf {
        self.folder.path().join(format!("php-session-store-{}", geteuid()))
    }

    pub(crate) fn connect(&self) -> Option<UnixStream> {
        let stream = UnixStream::connect(self.place().join("redis.sock")).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Some(stream)
    }

    pub(crate) fn answers(&self) -> bool {
        self.connect().is_some_and(|mut stream| echo(&mut stream))
    }

    /// The processes that do this task for this folder.
    pub(crate) fn processes(&self, task: &str) -> Vec<i32> {
        let folder = self.place();
        let is_one = |pid: &i32| {
            let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = line.split('\0').skip(1);
            words.next() == Some(task) && words.next().map(Path::new) == Some(&folder)
        };
        let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter(is_one).collect()
    }

    pub(crate) fn only(&self, task: &str) -> i32 {
        let mut found = Vec::new();
        wait_until(task, || {
            found = self.processes(task);
            found.len() == 1
        });
        found[0]
    }

    /// Kills the one process with this task and waits for the next.
    pub(crate) fn kill_and_wait(&self, task: &str) -> i32 {
        let killed = self.only(task);
        signal(killed, Signal::SIGKILL);
        wait_until("another one", || self.processes(task).iter().any(|pid| *pid != killed));
        killed
    }
}

/// A proxy in the foreground.
pub(crate) struct Sidecar(pub(crate) Child);

impl Drop for Sidecar {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Some start others meanwhile, which have no command line while they begin: none may be seen for a while.
        let mut last_seen = Instant::now();
        while last_seen.elapsed() < Duration::from_millis(300) {
            for pid in [self.processes("supervise"), self.processes("work")].concat() {
                signal(pid, Signal::SIGKILL);
                last_seen = Instant::now();
            }
            sleep(Duration::from_millis(20));
        }
    }
}

/// What comes of something, and how long it takes.
pub(crate) fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    (run(), begun.elapsed())
}

pub(crate) fn signal(pid: i32, signal: Signal) {
    // It may have ended meanwhile.
    let _ = kill(Pid::from_raw(pid), signal);
    if signal == Signal::SIGSTOP {
        // Until then, one of its threads may still reply.
        wait_until("it has stopped", || {
            thread_states(pid).iter().all(|state| "TZX".contains(*state))
        });
    }
}

/// What Linux says of a process's threads (`proc_pid_stat(5)`).
fn thread_states(pid: i32) -> Vec<char> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let stats = tasks.filter_map(|task| fs::read_to_string(task.path().join("stat")).ok());
    stats.filter_map(|stat| stat.rsplit_once(") ")?.1.chars().next()).collect()
}

/// Whether the proxy answers over a connection, and keeps it.
pub(crate) fn echo(stream: &mut UnixStream) -> bool {
    let mut answer = [0; 11];
    stream.write_all(b"*2\r\n$4\r\nECHO\r\n$5\r\nready\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && &answer == b"$5\r\nready\r\n"
}

/// A service that answers every command with `OK`, and keeps in mind what they were.
fn serve_redis(socket: &Path) -> Arc<Mutex<Vec<String>>> {
    let listener = UnixListener::bind(socket).unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = heard.clone();
    thread::spawn(move || {
        for mut stream in listener.incoming().filter_map(Result::ok) {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                told.lock().unwrap().push(text);
                let _ = stream.write_all(b"+OK\r\n");
            }
        }
    });
    heard
}

/// What the proxy's metrics say.
pub(crate) fn scrape(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET /metrics HTTP/1.1\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}
