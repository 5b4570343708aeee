//! The session proxy in this process, before real Memcached servers; and what PHP's handler says to it.

use crate::proxy_site::{endless, settings};
use php_session_store::endpoint::{self, Endpoint};
use php_session_store::services::{Origin, Services};
use php_session_store::store::Store;
use serde_json::{Value, json};
use session_proxy::{Access, ProxyClient, Settings, Waits, Worker};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use store_client::MemcachedEndpoint;
use tempfile::TempDir;

pub(crate) const PREFIX: &str = "memc.sess.key.";

pub(crate) const SUCCESS: u16 = 0;
pub(crate) const NOT_FOUND: u16 = 1;
pub(crate) const EXISTS: u16 = 2;
pub(crate) const TOO_LARGE: u16 = 3;
pub(crate) const INVALID: u16 = 4;
pub(crate) const NOT_STORED: u16 = 5;
pub(crate) const UNKNOWN: u16 = 0x81;
pub(crate) const FAILED: u16 = 0x86;

const SET: u8 = 0x01;
const ADD: u8 = 0x02;
const DELETE: u8 = 0x04;
const GETK: u8 = 0x0c;
pub(crate) const GETKQ: u8 = 0x0d;
const TOUCH: u8 = 0x1c;

/// A proxy before a service.
pub(crate) struct Site {
    folder: TempDir,
    /// The service as the binding says.
    bound: Arc<Mutex<MemcachedEndpoint>>,
}

impl Site {
    /// A proxy with these credentials.
    pub(crate) fn new(credentials: &Value) -> Self {
        Self::waiting_for_locks(credentials, Duration::from_secs(30))
    }

    pub(crate) fn waiting_for_locks(credentials: &Value, lock_timeout: Duration) -> Self {
        let bound = Arc::new(Mutex::new(endpoint(credentials)));
        let site = Self { folder: tempfile::tempdir().unwrap(), bound: bound.clone() };
        let listener = UnixListener::bind(site.socket()).unwrap();
        let usual = settings(PREFIX);
        let settings = Settings {
            // Each stands for a container of its own.
            container: site.folder.path().display().to_string(),
            waits: Waits { lock: lock_timeout, ..usual.waits },
            connect_timeout: Duration::from_secs(1),
            ..usual
        };
        let read =
            move || Ok(Access { endpoint: bound.lock().unwrap().clone(), verify_peer: true });
        thread::spawn(move || {
            let worker = Worker::before_memcached(settings, Box::new(read)).unwrap();
            worker.serve(&listener, endless())
        });
        site
    }

    /// A proxy before servers at these ports.
    pub(crate) fn before(ports: &[u16]) -> Self {
        Self::new(&servers(ports))
    }

    pub(crate) fn bind(&self, credentials: &Value) {
        *self.bound.lock().unwrap() = endpoint(credentials);
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    pub(crate) fn php(&self) -> Php {
        Php(UnixStream::connect(self.socket()).unwrap())
    }

    pub(crate) fn status(&self) -> Value {
        let status = ProxyClient::new(&self.socket()).status().unwrap();
        serde_json::from_str(&status.json()).unwrap()
    }
}

pub(crate) fn servers(ports: &[u16]) -> Value {
    json!({"servers": ports.iter().map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>()})
}

fn endpoint(credentials: &Value) -> MemcachedEndpoint {
    let service = json!({"memcached": [{"name": "x", "credentials": credentials}]}).to_string();
    let services = Services::parse(&service, Origin::Vcap).unwrap();
    let reading = endpoint::read(Store::Memcached, services.iter().next().unwrap()).unwrap();
    let Endpoint::Memcached(endpoint) = reading.endpoint else { panic!("no Memcached") };
    endpoint
}

pub(crate) fn key(id: &str) -> String {
    format!("{PREFIX}{id}")
}

pub(crate) fn lock(id: &str) -> String {
    format!("{PREFIX}lock.{id}")
}

/// A process of PHP, with the requests that were seen of its handler. Sessions are named without their prefix.
pub(crate) struct Php(pub(crate) UnixStream);

impl Php {
    /// Sends a request; returns the response's status and value.
    pub(crate) fn say(
        &mut self,
        opcode: u8,
        extras: &[u8],
        key: &str,
        value: &[u8],
    ) -> (u16, Vec<u8>) {
        self.0.write_all(&request(opcode, extras, key, value)).unwrap();
        self.response(opcode, key)
    }

    /// The status and the value of a response to such a request for this key.
    pub(crate) fn response(&mut self, opcode: u8, key: &str) -> (u16, Vec<u8>) {
        let mut header = [0; 24];
        self.0.read_exact(&mut header).unwrap();
        assert_eq!((header[0], header[1], &header[12..16]), (0x81, opcode, &b"opaq"[..]));
        let length = u32::from_be_bytes(header[8..12].try_into().unwrap());
        let mut body = vec![0; length.try_into().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        let before = usize::from(header[4]) + usize::from(header[3]);
        if matches!(opcode, GETK | GETKQ) && header[7] == 0 {
            assert_eq!(&body[4..before], key.as_bytes());
        }
        (u16::from_be_bytes([header[6], header[7]]), body[before..].to_vec())
    }

    fn add(&mut self, key: &str, seconds: u32, value: &[u8]) -> u16 {
        self.say(ADD, &[[0; 4], seconds.to_be_bytes()].concat(), key, value).0
    }

    pub(crate) fn lock(&mut self, id: &str) -> u16 {
        self.add(&lock(id), 60, b"1")
    }

    /// Asks for a lock until it comes, as the handler does.
    pub(crate) fn wait_for_lock(&mut self, id: &str) {
        for _ in 0..30 {
            if self.lock(id) == SUCCESS {
                return;
            }
        }
        panic!("no lock of {id}");
    }

    pub(crate) fn create(&mut self, id: &str) -> u16 {
        self.add(&key(id), 60, b"")
    }

    /// In strict mode: `SUCCESS` means that there is none.
    pub(crate) fn exists(&mut self, id: &str) -> u16 {
        self.add(&key(id), 2_678_400, b"")
    }

    pub(crate) fn read(&mut self, id: &str) -> (u16, String) {
        let (status, value) = self.say(GETK, &[], &key(id), b"");
        (status, String::from_utf8(value).unwrap())
    }

    pub(crate) fn write(&mut self, id: &str, data: &str) -> u16 {
        self.say(SET, &[[0; 4], 1440_u32.to_be_bytes()].concat(), &key(id), data.as_bytes()).0
    }

    pub(crate) fn touch(&mut self, id: &str) -> u16 {
        self.say(TOUCH, &1440_u32.to_be_bytes(), &key(id), b"").0
    }

    pub(crate) fn delete(&mut self, id: &str) -> u16 {
        self.say(DELETE, &[], &key(id), b"").0
    }

    pub(crate) fn unlock(&mut self, id: &str) -> u16 {
        self.say(DELETE, &[], &lock(id), b"").0
    }

    /// A page that counts its visits, and says the last count.
    pub(crate) fn count(&mut self, id: &str) -> u32 {
        self.wait_for_lock(id);
        let count = self.read(id).1.parse().unwrap_or(0) + 1;
        assert_eq!(self.write(id, &count.to_string()), SUCCESS);
        assert_eq!(self.unlock(id), SUCCESS);
        count
    }
}

pub(crate) fn request(opcode: u8, extras: &[u8], key: &str, value: &[u8]) -> Vec<u8> {
    let body = u32::try_from(extras.len() + key.len() + value.len()).unwrap();
    let [extra_length, key_length] = [extras.len(), key.len()].map(|it| u8::try_from(it).unwrap());
    let mut bytes = vec![0x80, opcode, 0, key_length, extra_length, 0, 0, 0];
    bytes.extend_from_slice(&body.to_be_bytes());
    bytes.extend_from_slice(b"opaq\0\0\0\0\0\0\0\0");
    for part in [extras, key.as_bytes(), value] {
        bytes.extend_from_slice(part);
    }
    bytes
}
