//! Whether and how a connection uses TLS.

use super::error::EndpointError;
use super::fields::Fields;
use super::pem::{self, Pem};

/// The TLS settings of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tls {
    /// The CA of the server's certificate; `None` means the system's CAs.
    pub(crate) ca: Option<Pem>,
    /// The client's certificate, for servers that ask for one.
    pub(crate) client: Option<ClientIdentity>,
}

/// A client's certificate and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientIdentity {
    pub(crate) certificate: Pem,
    pub(crate) key: Pem,
}

/// Whether the connection uses TLS. A flag decides first, then the scheme if there is one. Without either, TLS is
/// on if the uri or a TLS port says so (`implied`), or if the credentials contain certificates.
pub(super) fn is_wanted(
    fields: &Fields<'_>,
    scheme: Option<bool>,
    implied: bool,
) -> Result<bool, EndpointError> {
    let has_material = has_material(fields);
    Ok(fields.flag(&FLAG)?.or(scheme).unwrap_or(implied || has_material))
}

/// Marks certificates and keys as unused, for services with TLS turned off.
pub(super) fn ignore_material(fields: &Fields<'_>) {
    for names in [&CA[..], &CLIENT_CERTIFICATE, &CLIENT_KEY] {
        fields.ignore(names);
    }
}

/// Whether the credentials contain certificates or keys, which make sense only with TLS (cert-manager, operators).
fn has_material(fields: &Fields<'_>) -> bool {
    [&CA[..], &CLIENT_CERTIFICATE, &CLIENT_KEY].iter().any(|names| fields.has(names))
}

pub(super) fn tls(fields: &Fields<'_>) -> Result<Tls, EndpointError> {
    let certificate = pem::read(fields, &CLIENT_CERTIFICATE)?;
    let key = pem::read(fields, &CLIENT_KEY)?;
    let expected = "both tls.crt and tls.key for a server that asks for a client certificate";
    let client = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(ClientIdentity { certificate, key }),
        (None, None) => None,
        (Some(_), None) => return Err(fields.missing("key for its client certificate", expected)),
        (None, Some(_)) => return Err(fields.missing("client certificate for its key", expected)),
    };
    Ok(Tls { ca: pem::read(fields, &CA)?, client })
}

pub(super) const FLAG: [&str; 3] = ["ssl", "tls", "tls_enabled"];

const CA: [&str; 8] = [
    "cacrt",
    "ca.crt",
    "ca.pem",
    "ca-cert.pem",
    "ca_cert",
    "certificates",
    "certificate_base64",
    "connection.rediss.certificate.certificate_base64",
];

const CLIENT_CERTIFICATE: [&str; 3] = ["tls.crt", "client.crt", "client_cert"];

const CLIENT_KEY: [&str; 4] = ["tls.key", "client.key", "client_key", "private-key"];
