//! TLS for an endpoint: whom to trust, and the client's certificate.

use super::date::Date;
use super::error::Problem;
use super::secret::Secret;
use super::trust::{Trust, expired};
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ALL_VERSIONS, ClientConfig, Error, InconsistentKeys};
use rustls_platform_verifier::Verifier;
use std::path::PathBuf;
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
    pub text: Secret,
    /// The file with exactly this text, if there is one.
    pub file: Option<PathBuf>,
}

/// The configuration that all connections to an endpoint share; the error says which certificate is invalid.
pub(super) fn client_config(
    tls: Option<&Tls>,
    verify: bool,
) -> Result<Option<Arc<ClientConfig>>, Problem> {
    tls.map(|tls| config(tls, verify)).transpose().map_err(Problem::Certificates)
}

fn config(tls: &Tls, verify: bool) -> Result<Arc<ClientConfig>, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(ALL_VERSIONS)
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier(tls, verify)?);
    let config = match &tls.client {
        None => builder.with_no_client_auth(),
        Some(ClientIdentity { certificate, key }) => {
            let chain = certificates(certificate, "the client's certificate")?;
            let key = PrivateKeyDer::from_pem_slice(key.text.expose().as_bytes())
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

fn verifier(tls: &Tls, verify: bool) -> Result<Arc<dyn ServerCertVerifier>, String> {
    Ok(match &tls.ca {
        _ if !verify => Arc::new(Trust::anything()),
        Some(ca) => {
            let trust = Trust::cas(certificates(ca, "the service's CA")?);
            Arc::new(trust.map_err(|error| format!("the service's CA cannot be used ({error})"))?)
        }
        None => {
            let system = Verifier::new(Arc::new(ring::default_provider()));
            Arc::new(system.map_err(|error| format!("the system's CAs cannot be used ({error})"))?)
        }
    })
}

/// The day on which one of the service's CAs expired, if any has.
#[must_use]
pub fn expired_ca(tls: &Tls) -> Option<Date> {
    certificates(tls.ca.as_ref()?, "").ok()?.iter().filter_map(expired).min()
}

fn certificates(pem: &Pem, what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let parsed: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(pem.text.expose().as_bytes()).collect();
    match parsed {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(format!("{what} is not a certificate in PEM")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

    #[test]
    fn a_ca_has_expired_after_its_last_day() {
        let key = KeyPair::generate().unwrap();
        for is_ca in [IsCa::Ca(BasicConstraints::Unconstrained), IsCa::NoCa] {
            for (year, last) in
                [(1999, Some("1999-12-31")), (2024, Some("2024-12-31")), (2999, None)]
            {
                let mut params = CertificateParams::new(Vec::new()).unwrap();
                params.not_before = date_time_ymd(1980, 1, 1);
                params.not_after = date_time_ymd(year, 12, 31);
                params.is_ca = is_ca;
                let text = Secret::new(params.self_signed(&key).unwrap().pem());
                let tls = Tls { ca: Some(Pem { text, file: None }), client: None };
                assert_eq!(expired_ca(&tls).map(|date| date.to_string()).as_deref(), last);
            }
        }
    }
}
