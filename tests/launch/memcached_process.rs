//! A real Memcached as a child process, on a port of loopback.

use crate::proxy_harness::PATIENCE;
use crate::redis_process::free_port;
use nix::sys::signal::Signal;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A server that ends when it is dropped.
pub(crate) struct Memcached {
    process: Child,
    pub(crate) port: u16,
    options: Vec<String>,
    folder: TempDir,
    /// With SASL: the password of every user.
    pub(crate) password: Arc<Mutex<String>>,
}

impl Memcached {
    /// Starts a server with these options.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), options)
    }

    /// Starts a server that asks for a login by SASL. It asks us, as it would ask `saslauthd`, whether a password is right.
    pub(crate) fn with_sasl(password: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("mux");
        let configuration = format!(
            "mech_list: plain\npwcheck_method: saslauthd\nsaslauthd_path: {}\n",
            socket.display()
        );
        fs::write(folder.path().join("memcached.conf"), configuration).unwrap();
        let right = Arc::new(Mutex::new(password.to_owned()));
        let listener = UnixListener::bind(socket).unwrap();
        let known = right.clone();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut field = || {
                    let mut length = [0; 2];
                    stream.read_exact(&mut length).unwrap();
                    let mut text = vec![0; usize::from(u16::from_be_bytes(length))];
                    stream.read_exact(&mut text).unwrap();
                    String::from_utf8(text).unwrap()
                };
                let [_user, password, _service, _realm] = [(); 4].map(|()| field());
                let is_right = password == *known.lock().unwrap();
                stream.write_all(if is_right { b"\0\x02OK" } else { b"\0\x02NO" }).unwrap();
            }
        });
        let mut server = Self::start_in(folder, &["-S"]);
        server.password = right;
        server
    }

    fn start_in(folder: TempDir, options: &[&str]) -> Self {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let begun = Instant::now();
        // Another process may take the port meanwhile.
        while begun.elapsed() < PATIENCE {
            let port = free_port();
            let mut process = spawn(port, &folder, &options);
            if is_up(&mut process, port) {
                let password = Arc::default();
                return Self { process, port, options, folder, password };
            }
        }
        panic!("memcached {options:?} does not start");
    }

    /// Ends the process, and with it all that it keeps.
    pub(crate) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it on the same port.
    pub(crate) fn start_again(&mut self) {
        self.process = spawn(self.port, &self.folder, &self.options);
        assert!(is_up(&mut self.process, self.port), "the port is somebody else's");
    }

    /// It no longer answers, or does again.
    pub(crate) fn signal(&self, signal: Signal) {
        crate::proxy_harness::signal(i32::try_from(self.process.id()).unwrap(), signal);
    }

    /// Says something in the text protocol; returns the reply up to this end.
    pub(crate) fn say(&self, text: &str, end: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut said = Vec::new();
        while !said.ends_with(end.as_bytes()) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            said.push(byte[0]);
        }
        String::from_utf8(said).unwrap()
    }

    /// What it has under a key.
    pub(crate) fn stored(&self, key: &str) -> Option<String> {
        let said = self.say(&format!("get {key}\r\n"), "END\r\n");
        said.lines().nth(1).map(str::to_owned)
    }

    pub(crate) fn set(&self, key: &str, data: &str) {
        let length = data.len();
        assert_eq!(
            self.say(&format!("set {key} 0 60 {length}\r\n{data}\r\n"), "\r\n"),
            "STORED\r\n"
        );
    }

    pub(crate) fn delete(&self, key: &str) {
        assert_eq!(self.say(&format!("delete {key}\r\n"), "\r\n"), "DELETED\r\n");
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(port: u16, folder: &TempDir, options: &[String]) -> Child {
    Command::new("memcached")
        .args(["-u", "root", "-l", "127.0.0.1", "-p", &port.to_string()])
        .args(options)
        .env("SASL_CONF_PATH", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("memcached is on the PATH: `make setup` installs it")
}

/// Waits until it listens; false if it has ended.
fn is_up(process: &mut Child, port: u16) -> bool {
    let begun = Instant::now();
    while process.try_wait().unwrap().is_none() {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        assert!(begun.elapsed() < PATIENCE, "memcached does not listen");
        sleep(Duration::from_millis(5));
    }
    false
}
