//! TLS for an endpoint: whom to trust, and the client's certificate.

use super::certificate::{Date, expired};
use super::error::Problem;
use super::secret::Secret;
use super::trust::Trust;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ALL_VERSIONS, ClientConfig, Error, InconsistentKeys};
use rustls_platform_verifier::Verifier;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The TLS settings of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// The CA of the server's certificate; `None` means the system's CAs.
    pub ca: Option<Pem>,
    /// The client's certificate, for servers that ask for one.
    pub client: Option<ClientIdentity>,
}

/// A client's certificate and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    pub certificate: Pem,
    pub key: Pem,
}

/// A certificate or a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pem {
    text: Secret,
    file: Option<PathBuf>,
}

impl Pem {
    /// The text, and the file that holds exactly this text, if there is one.
    #[must_use]
    pub fn new(text: String, file: Option<PathBuf>) -> Self {
        Self { text: Secret::new(text), file }
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.expose()
    }

    /// The file with exactly this text, if there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

/// The configuration that all connections to an endpoint share; the error says which certificate is invalid.
pub(super) fn client_config(
    tls: Option<&Tls>,
    verify: bool,
) -> Result<Option<Arc<ClientConfig>>, Problem> {
    tls.map(|tls| config(tls, verify)).transpose().map_err(Problem::Certificates)
}

fn config(tls: &Tls, verify: bool) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(ALL_VERSIONS)
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier(tls, verify, provider)?);
    let config = match &tls.client {
        None => builder.with_no_client_auth(),
        Some(ClientIdentity { certificate, key }) => {
            let chain = certificates(certificate.text(), "the client's certificate")?;
            let key = PrivateKeyDer::from_pem_slice(key.text().as_bytes())
                .map_err(|_| "the client's key is not a private key in PEM".to_owned())?;
            builder.with_client_auth_cert(chain, key).map_err(|error| match error {
                Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                    "the client's key is not that of the client's certificate".to_owned()
                }
                error => format!("the client's certificate and key cannot be used ({error})"),
            })?
        }
    };
    Ok(Arc::new(config))
}

fn verifier(
    tls: &Tls,
    verify: bool,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    if !verify {
        return Ok(Arc::new(Trust::anything(&provider)));
    }
    if let Some(ca) = &tls.ca {
        let cas = certificates(ca.text(), "the service's CA")?;
        let trust = Trust::cas(cas, provider)
            .map_err(|error| format!("the service's CA cannot be used ({error})"))?;
        return Ok(Arc::new(trust));
    }
    let system = Verifier::new(provider)
        .map_err(|error| format!("the system's CAs cannot be used ({error})"))?;
    Ok(Arc::new(system))
}

/// The day on which one of the service's CAs expired, if any has.
#[must_use]
pub fn expired_ca(tls: &Tls) -> Option<Date> {
    let cas = certificates(tls.ca.as_ref()?.text(), "").ok()?;
    cas.iter().filter_map(|ca| expired(ca)).min()
}

fn certificates(pem: &str, what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match parsed {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(format!("{what} is not a certificate in PEM")),
    }
}
