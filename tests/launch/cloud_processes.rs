//! The session proxy's processes with a login that a cloud issues: what they need of the machine, and what their log says.

use crate::cloud_site::{CloudSite, Kind};
use crate::fake_cloud::{Asked, ok, refusal, serve as serve_http};
use crate::fake_server;
use crate::proxy_harness::{Proxy, wait_until};
use crate::proxy_site::{Php, command};
use crate::servers::{Authority, serve, server_config};
use rustls::{ServerConnection, StreamOwned};
use serde_json::json;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use store_client::{
    Auth, Client, Command, Date, Deadline, IssuedLogin, Login, NoToken, RedisEndpoint, Secret,
    Target, Token, Tokens,
};
use tempfile::TempDir;

const STS: &str = "sts.eu-west-1.amazonaws.com";
const IDENTITY: &str = "hunter2-of-the-service-account";
/// Of keys: another token is asked for after two seconds.
const LIFETIME: Duration = Duration::from_secs(4);

/// Where the processes write.
struct Log {
    _folder: TempDir,
    path: PathBuf,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { path: folder.path().join("log"), _folder: folder }
    }

    fn file(&self) -> File {
        File::create(&self.path).unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    fn wait_for(&self, part: &str) {
        wait_until(part, || self.text().contains(part));
    }
}

/// The answers of AWS STS, as long as it does not fail.
fn sts(fails: Arc<AtomicBool>) -> String {
    let count = AtomicU32::new(0);
    serve_http(move |asked: &Asked| {
        if fails.load(Ordering::SeqCst) {
            return refusal(500, "<Error><Code>InternalFailure</Code></Error>");
        }
        assert_eq!(asked.line, "POST /");
        assert_eq!(asked.header("host"), STS);
        assert_eq!(asked.field("Action"), "AssumeRoleWithWebIdentity");
        assert_eq!(asked.field("RoleArn"), "arn:aws:iam::1:role/web");
        assert_eq!(asked.field("WebIdentityToken"), IDENTITY);
        let number = count.fetch_add(1, Ordering::SeqCst);
        let end = SystemTime::now() + LIFETIME;
        let seconds = end.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let Date { year, month, day } = Date::of(seconds);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let end = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
        let keys = format!(
            "<AccessKeyId>id</AccessKeyId><SecretAccessKey>key</SecretAccessKey>\
             <SessionToken>session-{number}-hunter2</SessionToken><Expiration>{end}</Expiration>"
        );
        ok(&*keys)
    })
}

/// A proxy for HTTPS (`CONNECT`), which leads to what answers by HTTP, with TLS in front of it.
fn https_proxy(authority: &Authority, to: String) -> u16 {
    let config = Arc::new(server_config(&authority.identity(STS), None));
    serve(move |mut stream| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        assert!(head.starts_with(format!("CONNECT {STS}:443 ").as_bytes()));
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        // A client that does not trust us hangs up.
        let _ = pass_on(BufReader::new(StreamOwned::new(tls, stream)), &to);
    })
}

/// Passes a request on, and the answer back.
fn pass_on<S: Read + Write>(mut client: BufReader<S>, to: &str) -> io::Result<()> {
    let (mut request, mut length) = (String::new(), 0);
    while !request.ends_with("\r\n\r\n") {
        let from = request.len();
        client.read_line(&mut request)?;
        if let Some(value) = request[from..].to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body)?;
    let mut server = TcpStream::connect(to)?;
    server.write_all(&[request.as_bytes(), &body].concat())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    client.get_mut().write_all(&answer)
}

/// STS has its own address, which the machine's proxy and its CAs lead to.
#[test]
fn keys_of_sts_come_by_https_and_its_outage_is_said_while_the_token_is_valid() {
    let (site, authority) = (CloudSite::new(Kind::Aws, 1), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    let fails = Arc::new(AtomicBool::new(false));
    let port = https_proxy(&authority, sts(Arc::clone(&fails)));
    let mut proxy = Proxy::new();
    proxy.environment = vec![
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file("token", IDENTITY)),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/web".to_owned()),
        ("SSL_CERT_FILE", file("ca.pem", &authority.pem)),
        ("HTTPS_PROXY", format!("http://127.0.0.1:{port}")),
    ];
    proxy.bind(&json!({
        "host": "127.0.0.1", "port": site.open_door(), "tls": false, "auth": "aws-iam",
        "cache-name": "shop", "region": "eu-west-1", "user-id": "web",
    }));
    let log = Log::new();
    proxy.supervise(log.file());
    let mut php = Php::new(proxy.connect().unwrap(), 1);
    assert_eq!(php.count("x"), 1, "{}", log.text());
    fails.store(true, Ordering::SeqCst);
    log.wait_for("no new login token; the present one is valid for another");
    log.wait_for(&format!("AWS STS (https://{STS}/) says HTTP 500: InternalFailure"));
    assert_eq!(php.count("x"), 2);
    assert!(!log.text().contains("hunter2"), "{}", log.text());
}

#[test]
fn a_token_that_the_server_refuses_is_said_with_its_source_and_the_usual_mistake() {
    let (site, other) = (CloudSite::new(Kind::Google, 1), CloudSite::new(Kind::Google, 1));
    let mut proxy = Proxy::new();
    proxy.environment = site.source();
    let port = other.redis.port;
    proxy.bind(&json!({"host": "127.0.0.1", "port": port, "tls": false, "auth": "google-iam"}));
    let log = Log::new();
    proxy.supervise(log.file());
    let mut page = proxy.connect().unwrap();
    page.write_all(command(&["GET", "PHPREDIS_SESSION:x"]).as_bytes()).unwrap();
    log.wait_for("the server refuses the token of google-iam: WRONGPASS");
    log.wait_for("roles/redis.dbConnectionUser");
    assert!(!log.text().contains("hunter2"), "{}", log.text());
}

/// Two, of which the second one is there as soon as the first one is used.
struct TwoTokens {
    first: Arc<Token>,
    second: Arc<Token>,
    said: Mutex<Vec<String>>,
}

impl TwoTokens {
    fn new() -> Self {
        let token = |secret| {
            let auth = Auth::new(None, Secret::new(secret));
            Arc::new(Token { auth, expires: SystemTime::now() + LIFETIME })
        };
        Self { first: token("first"), second: token("second"), said: Mutex::default() }
    }
}

impl Tokens for TwoTokens {
    fn token(&self, _: Deadline) -> Result<Arc<Token>, NoToken> {
        Ok(Arc::clone(&self.first))
    }

    fn newer(&self, than: &Token) -> Option<Arc<Token>> {
        (*than == *self.first).then(|| Arc::clone(&self.second))
    }

    fn in_place_of(&self, _: &Token, _: Deadline) -> Option<Arc<Token>> {
        None
    }

    fn start(&self, _: fn(&str)) {}

    fn report(&self, text: &str) {
        self.said.lock().unwrap().push(text.to_owned());
    }
}

#[test]
fn a_renewed_login_that_is_refused_is_said() {
    let port = fake_server::plain(|words| match words {
        ["AUTH", "second"] => Some("-WRONGPASS no\r\n"),
        _ => Some("+OK\r\n"),
    });
    let tokens = Arc::new(TwoTokens::new());
    let login = IssuedLogin {
        issuer: "azure-entra",
        user: None,
        advice: "Add the member.".to_owned(),
        identity: Secret::new(""),
        tokens: Arc::clone(&tokens) as Arc<dyn Tokens>,
    };
    let address = store_client::Address::parse("127.0.0.1", port).unwrap();
    let endpoint = RedisEndpoint {
        target: Target::Tcp { address, tls: None },
        auth: Some(Login::Issued(Arc::new(login))),
        database: None,
    };
    let deadline = Deadline::after(Duration::from_secs(5));
    let mut connection = Client::new(&endpoint, true).unwrap().connect(deadline).unwrap();
    for _ in 0..2 {
        connection.send(&[Command::new(&[b"GET", b"x"])], deadline).unwrap();
    }
    assert_eq!(
        *tokens.said.lock().unwrap(),
        [
            "an open connection keeps its old login: the server refuses the token of azure-entra: WRONGPASS no. Add the member."
        ]
    );
}
