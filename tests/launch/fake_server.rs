//! A server that answers each command as a test wants, with or without TLS.

use rcgen::generate_simple_self_signed;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

/// The reply to a command's words, in RESP; `None` closes the connection.
pub(crate) type Answer = fn(&[&str]) -> Option<&'static str>;

/// Starts a server without TLS; gives its port.
pub(crate) fn plain(answer: Answer) -> u16 {
    serve(move |stream| talk(stream, answer))
}

/// Starts a server with TLS and a certificate that nobody trusts; gives its port.
pub(crate) fn with_tls(answer: Answer) -> u16 {
    let identity = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    serve(move |stream| {
        let tls = ServerConnection::new(config.clone()).unwrap();
        talk(StreamOwned::new(tls, stream), answer);
    })
}

fn serve(talk: impl Fn(std::net::TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || listener.incoming().flatten().for_each(talk));
    port
}

fn talk(mut stream: impl Read + Write, answer: Answer) {
    let mut received = String::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        received.push_str(&String::from_utf8_lossy(&buffer[..length]));
        if !received.starts_with('*') {
            // A TLS handshake.
            return;
        }
        while let Some((words, rest)) = command(&received) {
            let Some(reply) = answer(&words) else { return };
            if stream.write_all(reply.as_bytes()).is_err() {
                return;
            }
            received = rest.to_owned();
        }
    }
}

/// The words of the first command, and what follows it.
fn command(text: &str) -> Option<(Vec<&str>, &str)> {
    let (count, mut rest) = text.strip_prefix('*')?.split_once("\r\n")?;
    let mut words = Vec::new();
    for _ in 0..count.parse().ok()? {
        let (length, word) = rest.strip_prefix('$')?.split_once("\r\n")?;
        let length: usize = length.parse().ok()?;
        words.push(word.get(..length)?);
        rest = word.get(length + 2..)?;
    }
    Some((words, rest))
}
