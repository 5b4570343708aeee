//! A Redis server with TLS.

use super::certificates::Authority;
use super::docker::Container;
use serde_json::{Value, json};

pub(crate) const SERVICES: &str = "php-session-store/services";
/// Without the marker of the other tests: when PHP cannot reach the server, its warning shows the save
/// path, password and all.
pub(crate) const PASSWORD: &str = "a-password-that-PHP-may-show";

/// A server with TLS and a private authority.
pub(crate) struct TlsServer {
    pub(crate) authority: Authority,
    pub(crate) container: Container,
}

impl TlsServer {
    /// `clients` says whether clients must show a certificate: `yes` or `no`. The server's own
    /// certificate is for these names, or for its address if there are none.
    pub(crate) fn start(clients: &str, names: &[&str]) -> Self {
        let server = Self::without_identity(clients, "");
        let ip = server.container.ip();
        let address = [ip.as_str()];
        server.authority.give_identity(if names.is_empty() { &address } else { names });
        server.container.wait_for_port(6380);
        server
    }

    /// A server whose certificate, for its address, is of this authority.
    pub(crate) fn start_with_authority(authority: Authority) -> Self {
        let server = Self::of(authority, "no", "");
        server.authority.give_identity(&[&server.container.ip()]);
        server.container.wait_for_port(6380);
        server
    }

    /// A cluster's node that owns every slot: one address, which refuses commands with keys of two slots.
    pub(crate) fn start_with_all_slots() -> Self {
        let server = Self::without_identity("no", "--cluster-enabled yes");
        server.authority.give_identity(&[&server.container.ip()]);
        server.container.wait_for_port(6380);
        let ask = format!(
            "redis-cli -p 6380 --tls --cacert /tls/ca.pem --no-auth-warning -a {PASSWORD} cluster"
        );
        let script = format!(
            "{ask} addslotsrange 0 16383; until {ask} info | grep cluster_state:ok; do sleep 0.1; done"
        );
        server.container.exec(&["sh", "-c", &script]);
        server
    }

    /// A server whose certificate has this name in its subject only.
    pub(crate) fn start_with_subject(name: &str) -> Self {
        let server = Self::without_identity("no", "");
        server.authority.give_identity_of_subject(name);
        server.container.wait_for_port(6380);
        server
    }

    fn without_identity(clients: &str, more: &str) -> Self {
        Self::of(Authority::new(), clients, more)
    }

    fn of(authority: Authority, clients: &str, more: &str) -> Self {
        let script = format!(
            "{}; exec redis-server --protected-mode no --requirepass {PASSWORD} --port 0 --tls-port 6380 \
             --tls-cert-file /tls/cert.pem --tls-key-file /tls/key.pem --tls-ca-cert-file /tls/ca.pem \
             --tls-auth-clients {clients} {more} --bind '*' '-::*'",
            Authority::wait_command()
        );
        let tls = format!("{}:/tls:ro", authority.folder().display());
        let container = Container::start(&["--volume", &tls], SERVICES, &["sh", "-c", &script]);
        Self { authority, container }
    }

    /// All that a client needs, but for a certificate of its own.
    pub(crate) fn credentials(&self) -> Value {
        json!({
            "host": self.container.ip(), "tls_port": 6380, "password": PASSWORD,
            "cacrt": self.authority.certificate,
        })
    }
}
