//! A cloud in this process: a source of tokens that live for a quarter of an hour of a fast clock, and before a real Redis a
//! door that lets in whoever has one, and closes a connection when the token it logged in with ends.

mod clock;
mod signature;
pub(crate) mod signed;
mod source;

use crate::redis_process::{Redis, run};
use clock::FastClock;
use cloud_login::{Azure, Cloud, CloudVariables};
use signature::{cache, is_signed, signed_at};
pub(crate) use source::Fault;
use source::Source;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, SystemTime};
use store_client::IssuedLogin;

const LIFETIME: Duration = Duration::from_mins(15);
const ADMIN: &str = "admin-of-the-test";

/// A source, a door and the server behind it, which ends with this.
pub(crate) struct CloudSite {
    pub(crate) redis: Redis,
    inner: Arc<Inner>,
}

impl Deref for CloudSite {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

/// Who has a token, until when, and what went through the door.
pub(crate) struct Inner {
    port: u16,
    pub(crate) clock: Arc<FastClock>,
    kind: Kind,
    /// By token: whose it is, and its end.
    issued: Mutex<BTreeMap<String, (String, SystemTime)>>,
    source: Source,
    /// Logins over a connection that had one already.
    pub(crate) renewals: AtomicU32,
    /// Connections that were closed because their token had ended.
    pub(crate) closed: AtomicU32,
    pub(crate) refused: AtomicU32,
    /// How many logins are still refused because there are too many.
    pub(crate) too_many: AtomicU32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Aws,
    Azure,
    Google,
}

impl CloudSite {
    pub(crate) fn new(kind: Kind, factor: u32) -> Self {
        let redis = Redis::start(&["--requirepass", ADMIN]);
        let inner = Arc::new(Inner {
            port: redis.port,
            clock: Arc::new(FastClock::new(factor)),
            kind,
            issued: Mutex::default(),
            source: Source::new(),
            renewals: AtomicU32::new(0),
            closed: AtomicU32::new(0),
            refused: AtomicU32::new(0),
            too_many: AtomicU32::new(0),
        });
        Self { redis, inner }
    }

    pub(crate) fn login(&self) -> IssuedLogin {
        let source = self.source();
        let variables: CloudVariables =
            source.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let cloud = match self.kind {
            Kind::Aws => Cloud::Aws(cache()),
            Kind::Azure => Cloud::Azure(Azure::default()),
            Kind::Google => Cloud::Google,
        };
        let clock = self.clock.clone();
        cloud.login_by(Arc::new(move || clock.now()), variables)
    }

    /// The port to connect to.
    pub(crate) fn open_door(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let site = Arc::clone(&self.inner);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let site = Arc::clone(&site);
                thread::spawn(move || site.pass(client));
            }
        });
        let site = Arc::clone(&self.inner);
        thread::spawn(move || {
            // Until the server is gone.
            while TcpStream::connect(("127.0.0.1", site.port)).is_ok() {
                site.withdraw_ended();
                sleep(Duration::from_millis(20));
            }
        });
        port
    }
}

impl Inner {
    fn admin(&self) -> redis::Connection {
        let client = redis::Client::open(("127.0.0.1", self.port)).unwrap();
        let mut connection = client.get_connection().unwrap();
        run(&mut connection, &["AUTH", ADMIN]);
        connection
    }

    /// All tokens end now, before their time, and the server closes all connections.
    pub(crate) fn withdraw_all(&self) {
        for (_, end) in self.issued.lock().unwrap().values_mut() {
            *end = self.clock.now();
        }
        self.withdraw_ended();
        self.close_all();
    }

    /// The server closes all connections.
    pub(crate) fn close_all(&self) {
        run(&mut self.admin(), &["CLIENT", "KILL", "TYPE", "normal"]);
    }

    /// The server's user gets the token.
    fn register(&self, token: &str, user: &str) -> SystemTime {
        let end = self.clock.now() + LIFETIME;
        self.issued.lock().unwrap().insert(token.to_owned(), (user.to_owned(), end));
        let password = format!(">{token}");
        run(&mut self.admin(), &["ACL", "SETUSER", user, "on", &password, "~*", "+@all"]);
        end
    }

    /// Takes it away again, once it has ended.
    fn withdraw_ended(&self) {
        let now = self.clock.now();
        let mut issued = self.issued.lock().unwrap();
        let ended: Vec<String> =
            issued.iter().filter(|(_, (_, end))| *end <= now).map(|(it, _)| it.clone()).collect();
        for token in ended {
            let (user, _) = issued.remove(&token).unwrap();
            run(&mut self.admin(), &["ACL", "SETUSER", &user, &format!("<{token}")]);
        }
    }

    /// The end of the token that a client logs in with, if it is valid.
    fn end_of(&self, user: &str, token: &str) -> Option<SystemTime> {
        let known = self.issued.lock().unwrap().get(token).cloned();
        match (self.kind, known) {
            (_, Some((of, end))) => (of == user && end > self.clock.now()).then_some(end),
            (Kind::Aws, None) if is_signed(token) => {
                let age = self.clock.now().duration_since(signed_at(token)?).ok()?;
                (age < LIFETIME).then(|| self.register(token, user))
            }
            _ => None,
        }
    }

    /// Passes on what a client says, and looks at its logins.
    fn pass(&self, mut client: TcpStream) {
        let mut server = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        let (mut replies, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut replies, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
        let mut end: Option<SystemTime> = None;
        let mut bytes = vec![0; 1 << 16];
        loop {
            if end.is_some_and(|end| end <= self.clock.now()) {
                self.closed.fetch_add(1, Ordering::SeqCst);
                break;
            }
            match client.read(&mut bytes) {
                Ok(0) => break,
                Ok(length) if self.is_too_many(&bytes[..length]) => {
                    let _ = client.write_all(b"-ERR_IAM_EXHAUSTED too many logins\r\n");
                }
                Ok(length) => {
                    self.look_at(&bytes[..length], &mut end);
                    if server.write_all(&bytes[..length]).is_err() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        let _ = server.shutdown(Shutdown::Both);
    }

    /// Whether this is a login over the limit, as Google has one.
    fn is_too_many(&self, said: &[u8]) -> bool {
        let less = |left: u32| left.checked_sub(1);
        login_in(said).is_some()
            && self.too_many.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
    }

    fn look_at(&self, said: &[u8], end: &mut Option<SystemTime>) {
        let Some((user, token)) = login_in(said) else { return };
        match self.end_of(&user, &token) {
            None => self.refused.fetch_add(1, Ordering::SeqCst),
            new if end.is_some() => {
                *end = new;
                self.renewals.fetch_add(1, Ordering::SeqCst)
            }
            new => {
                *end = new;
                0
            }
        };
    }
}

/// The user and the password of a login at the beginning of what a client says.
fn login_in(bytes: &[u8]) -> Option<(String, String)> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split("\r\n");
    let count = lines.next()?.to_owned();
    let words: Vec<&str> = lines.skip(1).step_by(2).collect();
    match (&*count, &*words) {
        ("*2", ["AUTH", password, ..]) => Some(("default".to_owned(), (*password).to_owned())),
        ("*3", ["AUTH", user, password, ..]) => Some(((*user).to_owned(), (*password).to_owned())),
        _ => None,
    }
}
