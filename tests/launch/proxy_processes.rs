//! The session proxy's processes, as the launch and platforms start them: who is there when others are killed, stopped, or
//! have a log that is stuck.

use crate::harness::Harness;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use php_session_store::store::Store;
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{what} did not come");
        sleep(Duration::from_millis(10));
    }
}

/// A session layer with the program, and a folder with the proxy's socket.
struct Proxy {
    _harness: Harness,
    program: PathBuf,
    folder: TempDir,
    /// What the service was told.
    heard: Arc<Mutex<Vec<String>>>,
    metrics: Option<u16>,
}

impl Proxy {
    fn new() -> Self {
        let harness = Harness::new(Store::Redis, "6.2.0");
        let program = harness.layer.path().join("bin/session-proxy");
        fs::create_dir(program.parent().unwrap()).unwrap();
        // A process finds its layer by its path.
        let built = env!("CARGO_BIN_EXE_php-session-store");
        fs::hard_link(built, &program).or_else(|_| fs::copy(built, &program).map(drop)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let heard = serve_redis(&folder.path().join("service.sock"));
        Self { _harness: harness, program, folder, heard, metrics: None }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        let uri = format!("unix://{}", self.folder.path().join("service.sock").display());
        let service = json!({"redis": [{"name": "redis-sessions", "credentials": {"uri": uri}}]});
        command.arg0("session-proxy").env_clear().env("VCAP_SERVICES", service.to_string());
        if let Some(port) = self.metrics {
            command.env("BPL_PHP_SESSION_METRICS", format!("127.0.0.1:{port}"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Starts it as the launch does.
    fn supervise(&self, log: impl Into<Stdio>) {
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
    fn foreground(&self, log: impl Into<Stdio>) -> Sidecar {
        let mut command = self.command();
        command.env("BPL_PHP_SESSION_PROXY_FOLDER", self.folder.path());
        let sidecar = Sidecar(command.stderr(log).spawn().unwrap());
        wait_until("the proxy", || self.answers());
        sidecar
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join(format!("php-session-store-{}", geteuid()))
    }

    fn connect(&self) -> Option<UnixStream> {
        let stream = UnixStream::connect(self.place().join("redis.sock")).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Some(stream)
    }

    fn answers(&self) -> bool {
        self.connect().is_some_and(|mut stream| echo(&mut stream))
    }

    /// The processes that do this task for this folder.
    fn processes(&self, task: &str) -> Vec<i32> {
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

    fn only(&self, task: &str) -> i32 {
        let mut found = Vec::new();
        wait_until(task, || {
            found = self.processes(task);
            found.len() == 1
        });
        found[0]
    }

    /// Kills the one process with this task and waits for the next.
    fn kill_and_wait(&self, task: &str) -> i32 {
        let killed = self.only(task);
        signal(killed, Signal::SIGKILL);
        wait_until("another one", || self.processes(task).iter().any(|pid| *pid != killed));
        killed
    }
}

struct Sidecar(Child);

impl Drop for Sidecar {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Some start others meanwhile.
        loop {
            let all = [self.processes("supervise"), self.processes("work")].concat();
            if all.is_empty() {
                break;
            }
            for pid in all {
                signal(pid, Signal::SIGKILL);
            }
        }
    }
}

fn signal(pid: i32, signal: Signal) {
    // It may have ended meanwhile.
    let _ = kill(Pid::from_raw(pid), signal);
}

/// Whether the proxy answers over a connection, and keeps it.
fn echo(stream: &mut UnixStream) -> bool {
    let mut answer = [0; 11];
    stream.write_all(b"*2\r\n$4\r\nECHO\r\n$5\r\nready\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && &answer == b"$5\r\nready\r\n"
}

/// A service that answers every command with `OK`, and keeps in mind what they were.
fn serve_redis(socket: &Path) -> Arc<Mutex<Vec<String>>> {
    let listener = UnixListener::bind(socket).unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = heard.clone();
    thread::spawn(move || {
        for mut stream in listener.incoming().filter_map(Result::ok) {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                hears.lock().unwrap().push(text);
                let _ = stream.write_all(b"+OK\r\n");
            }
        }
    });
    heard
}

#[test]
fn a_retired_worker_takes_no_connection() {
    let proxy = Proxy::new();
    proxy.supervise(Stdio::inherit());
    for _ in 0..3 {
        proxy.kill_and_wait("work");
        let worker = proxy.only("work");
        proxy.kill_and_wait("supervise");
        wait_until("another worker", || proxy.processes("work").iter().any(|pid| *pid != worker));
        let mut page = proxy.connect().unwrap();
        assert!(echo(&mut page));
        // Longer than a worker without clients needs to end.
        sleep(Duration::from_millis(300));
        assert!(echo(&mut page));
        assert!(!proxy.processes("work").contains(&worker), "the retired worker is still there");
    }
}

#[test]
fn somebody_is_always_left_to_start_the_others() {
    let proxy = Proxy::new();
    proxy.supervise(Stdio::inherit());
    let mut page = proxy.connect().unwrap();
    assert!(echo(&mut page));
    let first = proxy.only("work");
    for _ in 0..3 {
        proxy.kill_and_wait("supervise");
        wait_until("the next worker", || proxy.processes("work").len() == 2);
        // Both of them at once: the first worker has a client, and is still there.
        let supervisor = proxy.only("supervise");
        let workers = proxy.processes("work").into_iter().filter(|pid| *pid != first);
        let both: Vec<i32> = workers.chain([supervisor]).collect();
        both.iter().for_each(|pid| signal(*pid, Signal::SIGKILL));
        wait_until("the next proxy", || proxy.answers());
        assert!(echo(&mut page));
        assert_ne!(proxy.only("supervise"), supervisor);
    }
    drop(page);
    wait_until("the end of the first worker", || !proxy.processes("work").contains(&first));
    assert!(proxy.answers());
}

#[test]
fn a_folder_has_one_proxy_though_it_was_removed_and_made_again() {
    let proxy = Proxy::new();
    proxy.supervise(Stdio::inherit());
    let mut page = proxy.connect().unwrap();
    assert!(echo(&mut page));
    let first = proxy.only("supervise");
    fs::remove_dir_all(proxy.place()).unwrap();
    // A launch finds nothing, and starts another one.
    proxy.supervise(Stdio::inherit());
    proxy.only("supervise");
    // The old worker serves its client, and ends with it.
    wait_until("two workers", || proxy.processes("work").len() == 2);
    assert!(echo(&mut page) && proxy.answers());
    drop(page);
    proxy.only("work");
    assert!(proxy.answers());
    // With nobody else, the same supervisor makes it again.
    let present = proxy.only("supervise");
    assert!(present == first || !proxy.processes("supervise").contains(&first));
    fs::remove_file(proxy.place().join("redis.sock")).unwrap();
    wait_until("the socket", || proxy.answers());
    assert_eq!(proxy.only("supervise"), present);
    proxy.only("work");
}

#[test]
fn a_platform_that_tells_all_processes_to_end_ends_the_app_and_not_its_sessions() {
    let proxy = Proxy::new();
    proxy.supervise(Stdio::inherit());
    let all = [proxy.processes("supervise"), proxy.processes("work")].concat();
    for told in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        all.iter().for_each(|pid| signal(*pid, told));
        assert!(proxy.answers());
    }
    sleep(Duration::from_millis(300));
    assert_eq!([proxy.processes("supervise"), proxy.processes("work")].concat(), all);
}

#[test]
fn a_sidecar_that_is_told_to_end_says_so_and_waits_for_phps_connections() {
    let proxy = Proxy::new();
    let (mut log, written) = UnixStream::pair().unwrap();
    log.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut sidecar = proxy.foreground(OwnedFd::from(written));
    let mut page = proxy.connect().unwrap();
    assert!(echo(&mut page));
    signal(sidecar.0.id().cast_signed(), Signal::SIGTERM);
    let mut said = String::new();
    wait_until("a line", || {
        let mut bytes = [0; 500];
        let length = log.read(&mut bytes).unwrap();
        said += &String::from_utf8_lossy(&bytes[..length]);
        said.contains("told to end; serving until PHP's connections are gone: 1")
    });
    // A stopping app still writes.
    assert!(echo(&mut page) && proxy.answers());
    assert!(sidecar.0.try_wait().unwrap().is_none());
    drop(page);
    wait_until("its end", || sidecar.0.try_wait().unwrap().is_some_and(|how| how.success()));
}

/// A log that nobody reads, with no room left.
fn stuck() -> (UnixStream, OwnedFd) {
    let (reader, writer) = UnixStream::pair().unwrap();
    let mut filler = UnixStream::from(writer.as_fd().try_clone_to_owned().unwrap());
    filler.set_nonblocking(true).unwrap();
    while filler.write(&[b'\n'; 4096]).is_ok() {}
    filler.set_nonblocking(false).unwrap();
    (reader, writer.into())
}

#[test]
fn a_log_that_is_stuck_or_gone_stops_nobody() {
    for reads in [true, false] {
        let proxy = Proxy::new();
        let (mut reader, log) = stuck();
        if !reads {
            drop(reader);
            proxy.supervise(log);
            for task in ["work", "supervise", "work"] {
                proxy.kill_and_wait(task);
                wait_until("an answer", || proxy.answers());
            }
            continue;
        }
        proxy.supervise(log);
        for task in ["work", "supervise", "work"] {
            proxy.kill_and_wait(task);
            wait_until("an answer", || proxy.answers());
        }
        // When it takes something again, the lines come.
        reader.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut said = String::new();
        wait_until("the lines", || {
            let mut bytes = [0; 65536];
            let length = reader.read(&mut bytes).unwrap();
            said += &String::from_utf8_lossy(&bytes[..length]);
            said.contains("the worker ended")
        });
    }
}

fn scrape(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET /metrics HTTP/1.1\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

#[test]
fn metrics_ask_the_service_for_nothing_and_are_the_present_workers() {
    let mut proxy = Proxy::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    proxy.metrics = Some(free);
    proxy.supervise(Stdio::inherit());
    let mut page = proxy.connect().unwrap();
    assert!(echo(&mut page));
    let clients = |count: u32| {
        let line = format!("php_session_proxy_clients {count}\n");
        move || scrape(free).is_some_and(|text| text.contains(&line))
    };
    wait_until("the metrics", clients(1));
    let text = scrape(free).unwrap();
    assert!(text.contains(r#"role="unknown""#), "{text}");
    assert!(text.contains("php_session_proxy_round_trip_seconds_count 0\n"), "{text}");
    assert_eq!(*proxy.heard.lock().unwrap(), [] as [String; 0]);
    // The worker that has the client retires, and leaves the port to the next one.
    proxy.kill_and_wait("supervise");
    wait_until("the metrics of the next worker", clients(0));
    assert!(echo(&mut page));
}
