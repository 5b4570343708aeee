//! Which servers are trusted.

use super::date::Date;
use super::distrust::Distrust;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use std::sync::Arc;

/// Which servers are trusted. Their signatures are checked in any case.
#[derive(Debug)]
pub(super) struct Trust {
    /// Only servers with a certificate from these CAs; `None` for any, which the user allowed with `verify_peer=off`.
    cas: Option<(Arc<WebPkiServerVerifier>, Vec<CertificateDer<'static>>)>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Trust {
    pub(super) fn cas(certificates: Vec<CertificateDer<'static>>) -> Result<Self, String> {
        Ok(Self { cas: Some((verifier(&certificates)?, certificates)), ..Self::anything() })
    }

    pub(super) fn anything() -> Self {
        Self { cas: None, algorithms: ring::default_provider().signature_verification_algorithms }
    }
}

fn verifier(cas: &[CertificateDer<'static>]) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for ca in cas {
        roots.add(ca.clone()).map_err(|error| error.to_string())?;
    }
    WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::new(ring::default_provider()))
        .build()
        .map_err(|error| error.to_string())
}

/// The day on which a CA expired, if it has. webpki does not look at the dates of a CA, but OpenSSL does; so here the CA takes
/// the place of a server.
pub(super) fn expired(ca: &CertificateDer<'static>) -> Option<Date> {
    let verifier = verifier(std::slice::from_ref(ca)).ok()?;
    let name = ServerName::try_from("ca").ok()?;
    match verifier.verify_server_cert(ca, &[], &name, &[], UnixTime::now()) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Some(Date::of(not_after.as_secs()))
        }
        _ => None,
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some((webpki, cas)) = &self.cas else { return Ok(ServerCertVerified::assertion()) };
        let verified = webpki.verify_server_cert(server, intermediates, name, ocsp, now);
        let Err(Error::InvalidCertificate(why)) = &verified else { return verified };
        match why {
            _ if !cas.contains(server) => verified,
            // A self-signed server certificate that the credentials contain as the CA is trusted if the bytes are
            // equal.
            CertificateError::Other(_) => {
                let parsed = rustls::server::ParsedCertificate::try_from(server)?;
                rustls::client::verify_server_name(&parsed, name)?;
                Ok(ServerCertVerified::assertion())
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                let why = OtherError(Arc::new(Distrust::NotItsCa));
                Err(Error::InvalidCertificate(CertificateError::Other(why)))
            }
            _ => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
