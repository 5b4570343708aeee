//! Containers that go away with the test, and the commands that libcnb-test does not have.

use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Runs `docker` and gives its output, whatever its status.
pub(crate) fn docker(args: &[&str]) -> Output {
    Command::new("docker").args(args).output().expect("docker is there")
}

/// Runs `docker`, which must succeed, and gives what it printed.
pub(crate) fn docker_ok(args: &[&str]) -> String {
    let output = docker(args);
    let text = both(&output);
    assert!(output.status.success(), "docker {} failed:\n{text}", args.join(" "));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Stdout and stderr as one text.
pub(crate) fn both(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A name that no other test has. What has it is gone when the tests have ended, in whatever way.
pub(crate) fn unique_name(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    static REMOVER: OnceLock<Child> = OnceLock::new();
    let ours = format!("pss-test-{}", std::process::id());
    REMOVER.get_or_init(|| remover(&ours));
    format!("{ours}-{what}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A shell that waits for the end of this process, and removes what is left then: images that tests share, and all that
/// tests could not remove, as they were killed.
fn remover(ours: &str) -> Child {
    let script = "cat
        docker ps --all --quiet --filter name=^$0- | xargs -r docker rm --force --volumes
        docker image ls --format '{{.Repository}}' --filter reference=$0-* | xargs -r docker rmi --force
        docker volume ls --quiet --filter name=^$0- | xargs -r docker volume rm
        docker network ls --quiet --filter name=^$0- | xargs -r docker network rm";
    let mut shell = Command::new("sh");
    // Not in our group, which an interrupt ends.
    shell.args(["-c", script, ours]).process_group(0);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().expect("a shell")
}

/// A running container; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) name: String,
    /// Its address, once somebody has asked for it: each call of `docker` costs what a page of PHP does.
    ip: Mutex<Option<String>>,
}

impl Container {
    /// Starts `image` with `docker run` options and a command.
    pub(crate) fn start(options: &[&str], image: &str, command: &[&str]) -> Self {
        let name = unique_name("c");
        let mut args = vec!["run", "--detach", "--name", &name];
        args.extend(options);
        args.push(image);
        args.extend(command);
        docker_ok(&args);
        Self { name, ip: Mutex::default() }
    }

    /// Starts the container again, after it has ended; its address may be another one then.
    pub(crate) fn start_again(&self) {
        docker_ok(&["start", &self.name]);
        *self.ip.lock().expect("nothing panics with it") = None;
    }

    /// Runs a command in the container, which must succeed, and gives what it printed.
    pub(crate) fn exec(&self, command: &[&str]) -> String {
        docker_ok(&[&["exec", &self.name], command].concat())
    }

    /// Runs a command in the container as root.
    pub(crate) fn exec_as_root(&self, command: &[&str]) -> String {
        docker_ok(&[&["exec", "--user", "0", &self.name], command].concat())
    }

    /// Runs a command in the container with something on its stdin; gives whether it succeeded, and
    /// what it printed.
    pub(crate) fn exec_with_input(&self, command: &[&str], input: &str) -> (bool, String) {
        let mut process = Command::new("docker")
            .args(["exec", "--interactive", &self.name])
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker is there");
        // A command that does not want its input may be gone before it has it.
        let _ = process.stdin.take().expect("a pipe").write_all(input.as_bytes());
        let output = process.wait_with_output().expect("docker exec ends");
        (output.status.success(), both(&output))
    }

    /// The address on the default bridge, for other containers.
    pub(crate) fn ip(&self) -> String {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let mut ip = self.ip.lock().expect("nothing panics with it");
        ip.get_or_insert_with(|| docker_ok(&["inspect", "--format", format, &self.name])).clone()
    }

    /// The IPv6 address, in a network that has them.
    pub(crate) fn ipv6(&self) -> String {
        let format = "{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}";
        docker_ok(&["inspect", "--format", format, &self.name])
    }

    /// Where the host reaches a port of the container: on the bridge, as other containers do, and not through a port that
    /// is published, as Docker's proxy would be on the way.
    pub(crate) fn address(&self, port: u16) -> SocketAddr {
        let ip: IpAddr = self.ip().parse().unwrap_or_else(|_| panic!("{} has ended", self.name));
        (ip, port).into()
    }

    /// Where the host has a published port on loopback, for programs that trust nothing else.
    pub(crate) fn published(&self, port: u16) -> SocketAddr {
        let output = docker_ok(&["port", &self.name, &port.to_string()]);
        output
            .lines()
            .next()
            .and_then(|line| line.parse().ok())
            .unwrap_or_else(|| panic!("{output}"))
    }

    /// Waits until something listens in the container.
    pub(crate) fn wait_for_port(&self, port: u16) {
        let address = self.address(port);
        let listens = || TcpStream::connect(address).is_ok();
        wait_until(&format!("port {port} of {}", self.name), listens);
    }

    /// Everything that the container has printed, once the engine has caught up with it: two looks see the same.
    pub(crate) fn logs(&self) -> String {
        let mut logs = self.logs_now();
        for _ in 0..20 {
            sleep(Duration::from_millis(200));
            let later = self.logs_now();
            if later.len() == logs.len() {
                break;
            }
            logs = later;
        }
        logs
    }

    fn logs_now(&self) -> String {
        both(&docker(&["logs", &self.name]))
    }

    /// Waits until the container prints a text.
    pub(crate) fn wait_for_log(&self, text: &str) {
        let what = format!("{text:?} in the log of {}", self.name);
        wait_until(&what, || self.logs_now().contains(text));
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "--force", "--volumes", &self.name]);
    }
}

/// A network of its own, with IPv6; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) name: String,
}

impl Network {
    /// Creates a network. The subnet is one of those that nobody routes (RFC 4193), of this process and network alone.
    pub(crate) fn with_ipv6() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = unique_name("net");
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let subnet = format!("fd00:5e55:{:x}:{:x}:{count:x}::/80", process >> 16, process & 0xffff);
        docker_ok(&["network", "create", "--ipv6", "--subnet", &subnet, &name]);
        Self { name }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        docker(&["network", "rm", &self.name]);
    }
}

/// Waits for a condition, 30 seconds at most. It is looked at often at first: what takes long may be seen a little later,
/// and each look may start a program.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
        let pause = start.elapsed() / 10;
        sleep(pause.clamp(Duration::from_millis(20), Duration::from_millis(250)));
    }
}
