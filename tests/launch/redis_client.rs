//! The client for Redis, against servers that speak, lie, hang and close.

use crate::servers::{Authority, answer, plain_server, server_config, tls_server};
use php_session_store::endpoint::{self, Endpoint};
use php_session_store::services::{Origin, Services};
use php_session_store::store::Store;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant};
use store_client::{Activity, Client, Command, Connection, Deadline, Problem, RedisError, Reply};

const PASSWORD: &str = "hunter2";

pub(crate) fn client(credentials: &Value) -> Client {
    let vcap = json!({"redis": [{"label": "redis", "name": "cache", "credentials": credentials}]});
    let services = Services::parse(&vcap.to_string(), Origin::Vcap).unwrap();
    let reading = endpoint::read(Store::Redis, services.iter().next().unwrap()).unwrap();
    let Endpoint::Redis(redis) = reading.endpoint else { panic!("not Redis") };
    let verify = credentials.get("verify").is_none();
    Client::new(&redis, verify).unwrap()
}

pub(crate) fn connect(credentials: &Value) -> Result<Connection, RedisError> {
    client(credentials).connect(Deadline::after(Duration::from_secs(5)))
}

pub(crate) fn problem(credentials: &Value) -> Problem {
    let error = connect(credentials).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(PASSWORD), "{shown}");
    error.problem
}

fn ping(connection: &mut Connection) -> Result<Reply, Problem> {
    connection.command(&[b"PING"], Deadline::after(Duration::from_secs(5)))
}

#[test]
fn it_logs_in_selects_the_database_and_sends_commands_together() {
    fn server(text: &str) -> &'static str {
        match text {
            "*3\r\n$4\r\nAUTH\r\n$4\r\nshop\r\n$7\r\nhunter2\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n" => {
                "+OK\r\n+OK\r\n"
            }
            "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n" => "+PONG\r\n-WRONGTYPE no\r\n",
            _ => "-ERR unexpected\r\n",
        }
    }
    let port = plain_server(server);
    let mut connection = connect(&json!({
        "host": "localhost", "port": port, "username": "shop", "password": PASSWORD, "database": 3
    }))
    .unwrap();
    let commands = [Command::new(&[b"PING"]), Command::new(&[b"GET", b"k"])];
    let replies = connection.send(&commands, Deadline::after(Duration::from_secs(5))).unwrap();
    assert_eq!(replies[0], Reply::Status("PONG".into()));
    assert!(matches!(&replies[1], Reply::Error(error) if error.code() == "WRONGTYPE"));
}

#[test]
fn a_socket_file_and_an_ipv6_address_lead_to_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("redis.sock");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        listener.incoming().flatten().for_each(|stream| answer(stream, |_| "+PONG\r\n"));
    });
    let uri = format!("unix://{}", path.display());
    let mut connection = connect(&json!({ "uri": uri })).unwrap();
    assert_eq!(ping(&mut connection).unwrap(), Reply::Status("PONG".into()));

    let listener = TcpListener::bind("[::1]:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        listener.incoming().flatten().for_each(|stream| answer(stream, |_| "+PONG\r\n"));
    });
    let mut connection = connect(&json!({ "host": "::1", "port": port })).unwrap();
    assert_eq!(ping(&mut connection).unwrap(), Reply::Status("PONG".into()));
}

#[test]
fn a_refused_login_says_so_without_the_password() {
    let port = plain_server(
        |_| "-ERR unknown command 'AUTH', with args beginning with: 'hunter2' \r\n-NOAUTH x\r\n",
    );
    let problem =
        problem(&json!({"host": "127.0.0.1", "port": port, "password": PASSWORD, "database": 1}));
    assert!(matches!(&problem, Problem::Login(_)), "{problem:?}");
    let port = plain_server(|_| "+OK\r\n-ERR DB index is out of range\r\n");
    let credentials =
        json!({"host": "127.0.0.1", "port": port, "password": PASSWORD, "database": 99});
    assert!(matches!(self::problem(&credentials), Problem::Database(_)));
}

#[test]
fn a_name_without_address_and_a_port_without_server_are_told_apart() {
    let credentials = json!({"host": "no-such-host.invalid", "port": 6379});
    assert!(matches!(problem(&credentials), Problem::Resolve(_)));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert!(matches!(problem(&json!({"host": "127.0.0.1", "port": port})), Problem::Refused));
}

#[test]
fn a_silent_server_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for (credentials, step) in [
        (json!({"host": "127.0.0.1", "port": port, "password": PASSWORD}), Activity::Answer),
        (json!({"host": "127.0.0.1", "port": port, "tls": true}), Activity::Handshake),
    ] {
        // Reading the system's CAs takes its time.
        let client = client(&credentials);
        let started = Instant::now();
        let deadline = Deadline::after(Duration::from_millis(200));
        let error = client.connect(deadline).unwrap_err();
        assert!(matches!(error.problem, Problem::Timeout(at) if at == step), "{error}");
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
}

#[test]
fn a_closed_connection_a_web_server_and_a_tls_port_are_told_apart() {
    let port = plain_server(|_| "close");
    let mut connection = connect(&json!({"host": "127.0.0.1", "port": port})).unwrap();
    assert!(ping(&mut connection).unwrap_err().is_lost());
    let port = plain_server(|_| "HTTP/1.1 400 Bad Request\r\n\r\n");
    let mut connection = connect(&json!({"host": "127.0.0.1", "port": port})).unwrap();
    assert!(matches!(ping(&mut connection), Err(Problem::Protocol(_))));
    let port = tls_server(server_config(&Authority::new().identity("127.0.0.1"), None));
    let mut connection = connect(&json!({"host": "127.0.0.1", "port": port})).unwrap();
    let error = ping(&mut connection).unwrap_err();
    assert_eq!(error.to_string(), "it expects TLS");
    let port = plain_server(|_| "-ERR Protocol error\r\n");
    assert!(matches!(
        problem(&json!({"host": "127.0.0.1", "port": port, "tls": true})),
        Problem::NoTls
    ));
}

#[test]
fn tls_trusts_the_services_authority_for_its_own_name_only() {
    let authority = Authority::new();
    let port = tls_server(server_config(&authority.identity("127.0.0.1"), None));
    let here = json!({"host": "127.0.0.1", "port": port, "tls": true, "ca.crt": authority.pem});
    assert!(ping(&mut connect(&here).unwrap()).is_ok());
    // Another name than the certificate's, another authority, and the system's, which know neither.
    for credentials in [
        json!({"host": "localhost", "port": port, "tls": true, "ca.crt": authority.pem}),
        json!({"host": "127.0.0.1", "port": port, "tls": true, "ca.crt": Authority::new().pem}),
        json!({"host": "127.0.0.1", "port": port, "tls": true}),
    ] {
        assert!(matches!(problem(&credentials), Problem::NotTrusted(_)), "{credentials}");
    }
    let any = json!({"host": "localhost", "port": port, "tls": true, "verify": "off"});
    assert!(ping(&mut connect(&any).unwrap()).is_ok());
}

#[test]
fn a_server_that_signed_its_own_certificate_is_trusted_by_it() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.is_ca = is_ca;
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let port = tls_server(server_config(&(pem.clone(), key.serialize_pem()), None));
        let here = json!({"host": "127.0.0.1", "port": port, "tls": true, "ca.crt": pem});
        assert!(ping(&mut connect(&here).unwrap()).is_ok());
        let other = json!({"host": "localhost", "port": port, "tls": true, "ca.crt": pem});
        assert!(matches!(problem(&other), Problem::NotTrusted(_)));
    }
}

#[test]
fn a_servers_own_certificate_given_as_its_authority_is_named_as_what_it_is() {
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    for name in ["redis", "rcgen self signed cert"] {
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = Authority::new().issuer;
        let identity = (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem());
        assert_own_certificate_is_named(&identity);
    }
}

fn assert_own_certificate_is_named(identity: &(String, String)) {
    let port = tls_server(server_config(identity, None));
    let own = json!({"host": "127.0.0.1", "port": port, "tls": true, "ca.crt": identity.0});
    let problem = problem(&own).to_string();
    assert!(
        problem.ends_with("contain this very certificate as the CA, but another one signed it"),
        "{problem}"
    );
}

#[test]
fn a_client_certificate_is_shown_where_the_server_asks_for_it() {
    let authority = Authority::new();
    let config = server_config(&authority.identity("127.0.0.1"), Some(&authority.pem));
    let port = tls_server(config);
    let (certificate, key) = authority.identity("client");
    let mut credentials =
        json!({"host": "127.0.0.1", "port": port, "tls": true, "ca.crt": authority.pem});
    // In TLS 1.3 the server's refusal comes after the client's handshake.
    let refused = connect(&credentials)
        .map_err(|error| error.problem)
        .and_then(|mut connection| ping(&mut connection))
        .unwrap_err();
    assert!(matches!(refused, Problem::TlsRefused(_)), "{refused:?}");
    credentials["tls.crt"] = certificate.into();
    credentials["tls.key"] = key.into();
    assert!(ping(&mut connect(&credentials).unwrap()).is_ok());
}
