//! Servers in threads, which say what a test has them say.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// What a server says to what it has read; empty for silence.
pub(crate) type Answer = fn(&str) -> &'static str;

pub(crate) fn answer(mut stream: impl Read + Write, answer: Answer) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        let text = answer(&String::from_utf8_lossy(&buffer[..length]));
        if text == "close" || stream.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

pub(crate) fn plain_server(text: Answer) -> u16 {
    serve(move |stream| answer(stream, text))
}

pub(crate) fn tls_server(config: ServerConfig) -> u16 {
    let config = Arc::new(config);
    serve(move |stream| {
        let tls = ServerConnection::new(config.clone()).unwrap();
        answer(StreamOwned::new(tls, stream), |_| "+PONG\r\n");
    })
}

/// A server that says this to whoever comes, and closes the connection.
pub(crate) fn turning_away(said: &'static str) -> u16 {
    serve(move |mut stream| drop(stream.write_all(said.as_bytes())))
}

/// The same with TLS.
pub(crate) fn turning_away_after_handshake(config: ServerConfig, said: &'static str) -> u16 {
    let config = Arc::new(config);
    serve(move |mut stream| {
        let mut tls = ServerConnection::new(config.clone()).unwrap();
        while tls.is_handshaking() && tls.complete_io(&mut stream).is_ok() {}
        let _ = StreamOwned::new(tls, stream).write_all(said.as_bytes());
    })
}

pub(crate) fn serve(mut each: impl FnMut(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // As Redis does: a small write that waits for the last one's confirmation is lost where the connection is
            // closed.
            stream.set_nodelay(true).unwrap();
            each(stream);
        }
    });
    port
}

pub(crate) struct Authority {
    pub(crate) issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::of(CertificateParams::new(Vec::new()).unwrap())
    }

    /// With a name that its certificates do not have: to OpenSSL, they would have signed themselves.
    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        Self::of(params)
    }

    fn of(mut params: CertificateParams) -> Self {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub(crate) fn identity(&self, name: &str) -> (String, String) {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

pub(crate) fn server_config(
    (certificate, key): &(String, String),
    clients: Option<&str>,
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    builder.with_single_cert(chain, key).unwrap()
}
