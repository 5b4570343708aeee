//! What is wrong with TLS, in words for the launch and for `session-check`.

use super::TIMEOUT;
use rustls::AlertDescription;
use store_client::{Client, Deadline, Distrust, Problem, RedisEndpoint, Tls, expired_ca};

/// A problem with TLS, and what to do.
pub(super) fn text(problem: &Problem, endpoint: &RedisEndpoint) -> String {
    format!("TLS fails: {problem}.\n{}", advice(problem, endpoint))
}

/// What our own TLS says to the server, and what to do: PHP's OpenSSL often says only that a certificate is not valid.
pub(crate) fn diagnosis(endpoint: &RedisEndpoint, verify_peer: bool) -> Option<(String, String)> {
    let connected = Client::new(endpoint, verify_peer)
        .and_then(|client| client.connect(Deadline::after(TIMEOUT)));
    match connected.map_err(|error| error.problem) {
        Err(
            problem @ (Problem::Certificates(_) | Problem::NotTrusted(_) | Problem::TlsRefused(_)),
        ) => Some((problem.to_string(), advice(&problem, endpoint).to_owned())),
        _ if verify_peer => expired_ca_of(endpoint).map(|what| (what, RENEWED_CA.to_owned())),
        _ => None,
    }
}

/// What to say of a CA whose dates OpenSSL may refuse.
pub(super) fn expired_ca_of(endpoint: &RedisEndpoint) -> Option<String> {
    let date = expired_ca(endpoint.tls()?)?;
    Some(format!("a CA in the credentials expired on {date}"))
}

pub(super) const RENEWED_CA: &str = "Put its renewed certificate into the credentials (ca.crt).";

fn advice(problem: &Problem, endpoint: &RedisEndpoint) -> &'static str {
    let has = |part: fn(&Tls) -> bool| endpoint.tls().is_some_and(part);
    match problem {
        Problem::NotTrusted(Distrust::Expired(_)) => "Renew the server's certificate.",
        Problem::NotTrusted(Distrust::NotYetValid(_)) => {
            "Check the clock of this machine, and the server's certificate."
        }
        Problem::NotTrusted(Distrust::OtherName { .. }) => {
            "Use a name of the certificate as the host, or add this name (or address) to the alternative names of the server's certificate."
        }
        Problem::NotTrusted(Distrust::UnknownCa) if has(|tls| tls.ca.is_some()) => {
            "The CA in the credentials (ca.crt) is another one. Put there the certificate of the CA that signed the server's certificate."
        }
        Problem::NotTrusted(Distrust::UnknownCa | Distrust::NotItsCa) => {
            "Add the certificate of the CA that signed the server's certificate (not the server's own) to the credentials as ca.crt."
        }
        Problem::NotTrusted(Distrust::Other(_)) => {
            "Check the server's certificate, and the CA in the credentials (ca.crt)."
        }
        Problem::Certificates(_) => {
            "Check ca.crt, tls.crt and tls.key in the credentials: PEM, and the key of this very certificate."
        }
        Problem::TlsRefused(alert) if has(|tls| tls.client.is_some()) => match *alert {
            AlertDescription::CertificateExpired => {
                "The client's certificate in the credentials has expired: renew tls.crt and tls.key."
            }
            AlertDescription::UnknownCA => {
                "The server does not know the CA of the client's certificate. Put a certificate into the credentials (tls.crt, tls.key) that the server's CA signed."
            }
            _ => {
                "The server may not accept the client's certificate in the credentials (tls.crt, tls.key)."
            }
        },
        Problem::TlsRefused(AlertDescription::CertificateRequired) => {
            "The server requires a client certificate: add tls.crt and tls.key to the credentials."
        }
        _ => {
            "If the server requires a client certificate, add tls.crt and tls.key to the credentials."
        }
    }
}
