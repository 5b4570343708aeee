//! What a server says before it closes the connection, and what it says that nobody has foreseen: the launch repeats
//! it, and never takes it for something that passes.

use crate::harness::Harness;
use crate::redis_client::connect;
use crate::servers::{
    Authority, plain_server, server_config, turning_away, turning_away_after_handshake,
};
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::time::Duration;
use store_client::{Command, Deadline, Problem};

const DENIED: &str =
    "-DENIED Redis is running in protected mode because it is and no password is set\r\n";
const FULL: &str = "-ERR max number of clients reached\r\n";

fn said(credentials: &Value) -> String {
    Harness::new(Store::Redis, "6.2.0").said_when_asked(credentials)
}

/// Credentials for a server on this port: without a login, with one, and with one and a database, which are sent together.
fn each_login(port: u16) -> [Value; 3] {
    let server = |more: Value| {
        let mut credentials = json!({"host": "127.0.0.1", "port": port});
        credentials.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        credentials
    };
    let password = "hunter2";
    [
        server(json!({})),
        server(json!({"password": password})),
        server(json!({"password": password, "database": 1})),
    ]
}

#[test]
fn a_server_that_turns_us_away_is_quoted() {
    for credentials in each_login(turning_away(DENIED)) {
        let said = said(&credentials);
        assert!(said.starts_with("No session can be kept"), "{said}");
        assert!(said.contains("accepts only local connections: DENIED"), "{said}");
    }
    for credentials in each_login(turning_away(FULL)) {
        let said = said(&credentials);
        assert!(said.contains("for now"), "{said}");
        assert!(said.contains("max number of clients"), "{said}");
    }
}

#[test]
fn a_server_with_tls_that_turns_us_away_is_quoted() {
    let authority = Authority::new();
    let config = || server_config(&authority.identity("127.0.0.1"), None);
    for (text, words) in
        [(DENIED, "accepts only local connections"), (FULL, "max number of clients")]
    {
        for mut credentials in each_login(turning_away_after_handshake(config(), text)) {
            credentials["tls"] = json!(true);
            credentials["ca.crt"] = json!(authority.pem);
            let said = said(&credentials);
            assert!(said.contains(words), "{words:?} is not in\n{said}");
        }
    }
}

/// The write fails, and what the server said is still there to be read.
#[test]
fn the_last_word_is_read_where_the_write_fails() {
    let authority = Authority::new();
    let config = server_config(&authority.identity("127.0.0.1"), None);
    let plain = json!({"host": "127.0.0.1", "port": turning_away(DENIED)});
    let port = turning_away_after_handshake(config, DENIED);
    let with_tls = json!({"host": "127.0.0.1", "port": port, "tls": true, "ca.crt": authority.pem});
    let session = vec![b'x'; 8 << 20];
    for credentials in [plain, with_tls] {
        let mut connection = connect(&credentials).unwrap();
        let commands = [Command::new(&[b"SET", b"k", &session])];
        let problem =
            connection.send(&commands, Deadline::after(Duration::from_secs(5))).unwrap_err();
        assert!(
            matches!(&problem, Problem::TurnedAway(error) if error.code() == "DENIED"),
            "{problem:?}"
        );
    }
}

/// The server asks for a certificate, says so after the handshake, and closes; the write may fail first.
#[test]
fn a_missing_client_certificate_is_named_however_much_is_sent() {
    let authority = Authority::new();
    let config = server_config(&authority.identity("127.0.0.1"), Some(&authority.pem));
    let port = crate::servers::tls_server(config);
    let credentials =
        json!({"host": "127.0.0.1", "port": port, "tls": true, "ca.crt": authority.pem});
    let mut connection = connect(&credentials).unwrap();
    let commands = [Command::new(&[b"SET", b"k", &vec![b'x'; 8 << 20]])];
    let problem = connection.send(&commands, Deadline::after(Duration::from_secs(5))).unwrap_err();
    assert!(matches!(problem, Problem::TlsRefused(_)), "{problem:?}");
}

#[test]
fn an_error_that_nobody_knows_never_counts_as_passing() {
    fn before_redis_6(text: &str) -> &'static str {
        if text.contains("AUTH") {
            "-ERR wrong number of arguments for 'auth' command\r\n"
        } else {
            "-NOAUTH Authentication required.\r\n"
        }
    }
    let strange = plain_server(|_| "-ERR out of cheese\r\n");
    let text = said(&json!({"host": "127.0.0.1", "port": strange}));
    assert!(text.starts_with("No session can be kept"), "{text}");
    assert!(text.contains("out of cheese"), "{text}");
    let old = plain_server(before_redis_6);
    let text =
        said(&json!({"host": "127.0.0.1", "port": old, "username": "shop", "password": "hunter2"}));
    assert!(text.starts_with("No session"), "{text}");
    assert!(text.contains("older than Redis 6"), "{text}");
}
