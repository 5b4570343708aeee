//! Servers and Sentinels with TLS, whose certificates have names, while Sentinels announce addresses.

use crate::harness::Harness;
use crate::proxy_harness::wait_until;
use crate::proxy_site::PASSWORD;
use crate::redis_process::{Redis, free_port};
use crate::sentinel_site::{MASTER, Sentinel};
use crate::servers::Authority;
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

/// A primary with a Sentinel.
struct Encrypted {
    authority: Authority,
    /// Of the Sentinel.
    port: u16,
    _redis: Redis,
    _sentinel: Sentinel,
    _folder: TempDir,
}

impl Encrypted {
    /// With certificates for this name.
    fn start(name: &str) -> Self {
        let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
        let (certificate, key) = authority.identity(name);
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let options = [
            ("tls-cert-file", file("cert.pem", &certificate)),
            ("tls-key-file", file("key.pem", &key)),
            ("tls-ca-cert-file", file("ca.pem", &authority.pem)),
            ("tls-auth-clients", "no".to_owned()),
            ("tls-replication", "yes".to_owned()),
        ];
        let (of_server, port) = (free_port().to_string(), free_port());
        let mut words = vec!["--requirepass".to_owned(), PASSWORD.to_owned()];
        words.extend(["--tls-port".to_owned(), of_server.clone()]);
        words.extend(options.iter().flat_map(|(name, value)| [format!("--{name}"), value.clone()]));
        let redis = Redis::start(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let lines = options.map(|(name, value)| format!("{name} {value}\n")).concat();
        let more = format!("{lines}tls-port {port}\n");
        let sentinel = Sentinel::start(of_server.parse().unwrap(), 1, &more);
        wait_until("the Sentinel", || sentinel.named(None).is_some());
        Self { authority, port, _redis: redis, _sentinel: sentinel, _folder: folder }
    }

    fn said(&self, host: &str, more: &Value) -> String {
        let mut credentials = json!({"sentinel.master": MASTER, "password": PASSWORD, "tls": true,
            "sentinel.nodes": format!("{host}:{}", self.port), "ca.crt": self.authority.pem});
        credentials.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Harness::new(Store::Redis, "6.2.0").asked(&credentials, "auto").1
    }
}

#[test]
fn a_certificate_may_be_for_the_name_in_the_credentials() {
    let site = Encrypted::start("localhost");
    let said = site.said("localhost", &json!({}));
    assert!(said.contains("with TLS"), "{said}");
    assert!(!said.contains("warning"), "{said}");
    let said = site.said("127.0.0.1", &json!({}));
    assert!(said.contains("it is for localhost, not for 127.0.0.1"), "{said}");
    // Sentinels may have another CA, and this one is none of theirs.
    let said = site.said("localhost", &json!({"sentinel.ca.crt": Authority::new().pem}));
    assert!(said.contains("no CA that we trust signed it"), "{said}");
    assert!(said.starts_with("No session can be kept"), "{said}");
}

#[test]
fn a_certificate_may_be_for_the_address_that_is_announced() {
    let said = Encrypted::start("127.0.0.1").said("127.0.0.1", &json!({}));
    assert!(said.contains("with TLS"), "{said}");
    assert!(!said.contains("warning"), "{said}");
}
