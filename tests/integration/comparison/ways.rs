//! The three ways to keep sessions: an instance of the app for each, and a look at what it stores.

use super::cases::{Case, How, Request};
use super::server::{Item, Look, Server};
use crate::support::app::{App, Instance};
use crate::support::docker::{docker, wait_until};
use crate::support::http_client::{Answer, HttpClient};
use base64::prelude::{BASE64_STANDARD, Engine};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// What stands for a lock in what is stored.
pub(crate) const A_LOCK: &str = "a lock";

/// How PHP keeps its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With the store's handler, connected to the server.
    Direct,
    /// With the store's handler, connected to the session proxy.
    Proxy,
    /// With PHP's `files` handler.
    Files,
}

/// An instance that keeps its sessions in one way.
pub(crate) struct Way {
    kind: Kind,
    pub(crate) instance: Instance,
    address: SocketAddr,
    server: Box<dyn Look>,
    /// Requests so far.
    count: u32,
    /// What stands for `visitor` in ids: another one in each case, as a lock may outlive its case.
    visitor: String,
}

impl Way {
    /// Starts an instance. Its keys have a prefix of their own.
    pub(crate) fn start(kind: Kind, app: &App, server: &Server) -> Self {
        let bound = format!("VCAP_SERVICES={}", server.bound());
        let with_server = |proxy: &str, further: &str| {
            let options = format!("lock_timeout=2&prefix={}{further}", prefix(kind));
            let options = format!("BPL_PHP_SESSION_OPTIONS={options}");
            let proxy = format!("BPL_PHP_SESSION_PROXY={proxy}");
            app.start(&["--env", &bound, "--env", &options, "--env", &proxy])
        };
        let instance = match kind {
            // A page that spoils its connection must not spoil the next one.
            Kind::Direct => with_server("off", "&persistent=off"),
            Kind::Proxy => with_server("on", ""),
            Kind::Files => app.start(&["--env", "BPL_PHP_SESSION_MISSING=files"]),
        };
        let address = instance.address();
        Self { kind, instance, address, server: server.look(), count: 0, visitor: String::new() }
    }

    /// What comes of a case, beginning with nothing stored: the answers, and what is stored in the end.
    pub(crate) fn observe(&mut self, case: &Case) -> Value {
        self.clear();
        self.visitor = format!("visitor{}x", self.count);
        let mut visitor = match &case.cookie {
            Some(id) => HttpClient::of_session(&self.named(id)),
            None => HttpClient::new(),
        };
        let answers: Vec<Value> =
            case.requests.iter().map(|request| self.request(&mut visitor, request)).collect();
        let observed = json!({"answers": answers, "stored": self.stored()}).to_string();
        name_new_ids(&observed.replace(&self.visitor, "visitor"))
    }

    fn named(&self, text: &str) -> String {
        text.replace("visitor", &self.visitor)
    }

    fn request(&mut self, visitor: &mut HttpClient, request: &Request) -> Value {
        let mut other;
        let visitor = match &request.cookie {
            Some(id) => {
                other = HttpClient::of_session(&self.named(id));
                &mut other
            }
            None => visitor,
        };
        self.count += 2;
        let (id, address) = (self.count, self.address);
        let code = self.named(&request.code);
        let of_code = query(id, &code);
        match &request.how {
            How::Page => self.with_log(id, &visitor.get(address, &format!("/page.php{of_code}"))),
            How::AutoStart => self.with_log(id, &visitor.get(address, &format!("/auto/{of_code}"))),
            How::Upload => {
                self.with_log(id, &visitor.upload(address, &format!("/page.php{of_code}")))
            }
            How::CommandLine => self.command_line(id, &code),
            How::Gone => {
                let mut stream = TcpStream::connect(address).expect("a server");
                let cookie = visitor.cookie_header();
                write!(
                    stream,
                    "GET /page.php{of_code} HTTP/1.1\r\nHost: app\r\nCookie: {cookie}\r\n\r\n"
                )
                .expect("a server");
                self.wait_until_held();
                Value::Null
            }
            How::During(meanwhile) => thread::scope(|scope| {
                let mut twin = visitor.twin();
                let path = format!("/page.php{of_code}");
                let held = scope.spawn(move || twin.get(address, &path));
                self.wait_until_held();
                let path = format!("/page.php{}", query(id + 1, &self.named(meanwhile)));
                let meanwhile = visitor.get(address, &path);
                self.ask("go_on", 0);
                let meanwhile = self.with_log(id + 1, &meanwhile);
                json!([self.with_log(id, &held.join().expect("an answer")), meanwhile])
            }),
        }
    }

    fn command_line(&self, id: u32, code: &str) -> Value {
        let page = "/workspace/htdocs/page.php";
        let id_text = id.to_string();
        let php =
            ["exec", &self.instance.container.name, "launcher", "--", "php", page, &id_text, code];
        let output = docker(&php);
        let body = String::from_utf8_lossy(&output.stdout).into_owned();
        // Children answer as well.
        let mut lines: Vec<&str> = body.lines().collect();
        lines.sort_unstable();
        let status = output.status.code().and_then(|code| code.try_into().ok()).expect("a status");
        self.with_log(id, &Answer { status, body: lines.join("\n") })
    }

    /// An answer with what PHP said when the page was over.
    fn with_log(&self, id: u32, answer: &Answer) -> Value {
        let said_later = self.ask("log", id);
        let parsed = |line| serde_json::from_str(line).unwrap_or_else(|_| json!(line));
        let pages: Vec<Value> = answer.body.lines().map(parsed).collect();
        json!({"status": answer.status, "pages": pages, "said_later": said_later})
    }

    fn ask(&self, what: &str, id: u32) -> String {
        let path = format!("/page.php?id={id}&ask={what}");
        HttpClient::new().get(self.address, &path).body
    }

    fn wait_until_held(&self) {
        wait_until("a page that holds its session", || self.ask("held", 0) == "yes");
    }

    /// Removes all that is stored.
    pub(crate) fn clear(&mut self) {
        self.ask("clear", 0);
        for item in self.server.items(prefix(self.kind)) {
            self.server.remove(&item.key);
        }
    }

    /// The key of a session's lock, without the prefix.
    pub(crate) fn lock_of(&self, id: &str) -> String {
        let [before, after] = self.server.around_lock();
        format!("{before}{id}{after}")
    }

    /// Removes what is stored under a key without the prefix.
    pub(crate) fn forget(&mut self, key: &str) {
        self.server.remove(format!("{}{key}", prefix(self.kind)).as_bytes());
    }

    /// Goes on when these locks of a process that was killed are no more, for which the proxy must care.
    pub(crate) fn end_locks(&mut self, locks: &[String]) {
        if self.kind != Kind::Proxy {
            for lock in locks {
                self.forget(lock);
            }
        }
        let killed = Instant::now();
        let is_there = |way: &mut Self| {
            let stored = way.stored();
            locks.iter().any(|lock| stored[lock] == A_LOCK)
        };
        while is_there(self) {
            assert!(killed.elapsed() < Duration::from_secs(9), "{locks:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What is stored, by its key without the prefix.
    pub(crate) fn stored(&mut self) -> Value {
        if self.kind == Kind::Files {
            let stored = self.ask("stored", 0);
            let stored: BTreeMap<String, String> =
                serde_json::from_str(&stored).unwrap_or_else(|_| panic!("{stored}"));
            return stored.into_iter().map(|(key, data)| (key, json!({"data": data}))).collect();
        }
        let [before, after] = self.server.around_lock();
        let mut stored = Map::new();
        for Item { key, data, lifetime } in self.server.items(prefix(self.kind)) {
            let name = brief(&key[prefix(self.kind).len()..]);
            let is_lock = name.starts_with(before)
                && name.ends_with(after)
                && (data == b"1" || data.contains(&b'|'));
            // A lock's owner and its time are the handler's affair.
            let value = if is_lock {
                json!(A_LOCK)
            } else {
                // As it was given, which was a moment ago by a clock that may be a second ahead.
                let lifetime = if lifetime < 0 { lifetime } else { (lifetime + 90) / 100 * 100 };
                json!({"data": brief(&data), "lifetime": lifetime})
            };
            stored.insert(name, value);
        }
        stored.into()
    }
}

fn query(id: u32, code: &str) -> String {
    format!("?id={id}&code={}", utf8_percent_encode(code, NON_ALPHANUMERIC))
}

/// Whether php-memcached has reserved an id: nothing is in it, and it lives only as long as a lock.
pub(crate) fn is_reservation(item: &Value) -> bool {
    item["data"] == "" && item["lifetime"] == 100
}

/// Equally long, as a server limits the length of keys.
fn prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::Direct => "direct:",
        Kind::Proxy => "behind:",
        Kind::Files => "none:",
    }
}

/// As the page does it: a text as it is, or what tells it from others if it is long or binary.
fn brief(data: &[u8]) -> String {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t'..=b'\r');
    if data.len() <= 400 && data.iter().all(plain) {
        return String::from_utf8_lossy(data).into_owned();
    }
    let hash = BASE64_STANDARD.encode(Sha256::digest(data));
    format!("{} bytes, {hash}", data.len())
}

/// Names the ids that PHP has made, which are random, by the order in which they come.
fn name_new_ids(observed: &str) -> Value {
    let mut text = observed.to_owned();
    let is_of_id = |letter: char| matches!(letter, '0'..='9' | 'a'..='v');
    let is_id = |word: &&str| {
        (26..=32).contains(&word.len()) && word.chars().any(|letter| letter.is_ascii_digit())
    };
    let mut names = BTreeMap::new();

    for id in observed.split(|letter| !is_of_id(letter)).filter(is_id) {
        let next = names.len() + 1;
        let name = names.entry(id).or_insert_with(|| format!("new {next}"));
        text = text.replace(id, name);
    }
    serde_json::from_str(&text).expect("JSON as before")
}
