//! Which servers are trusted.

use super::distrust::Distrust;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use std::sync::Arc;

/// Which servers are trusted. Their signatures are checked in any case.
#[derive(Debug)]
pub(super) struct Trust {
    whom: Whom,
    algorithms: WebPkiSupportedAlgorithms,
}

/// Servers with a certificate from the service's CAs; if these vouch for everybody, any server at all.
#[derive(Debug)]
enum Whom {
    /// Only servers with a certificate from these CAs.
    Cas { verifier: Arc<WebPkiServerVerifier>, certificates: Vec<CertificateDer<'static>> },
    /// Any certificate, which the user allowed with `verify_peer=off`.
    Anything,
}

impl Trust {
    pub(super) fn cas(
        certificates: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(|error| error.to_string())?;
        }
        let algorithms = provider.signature_verification_algorithms;
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { whom: Whom::Cas { verifier, certificates }, algorithms })
    }

    pub(super) fn anything(provider: &CryptoProvider) -> Self {
        Self { whom: Whom::Anything, algorithms: provider.signature_verification_algorithms }
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
        let Whom::Cas { verifier, certificates } = &self.whom else {
            return Ok(ServerCertVerified::assertion());
        };
        match verifier.verify_server_cert(server, intermediates, name, ocsp, now) {
            // A self-signed server certificate that the credentials contain as the CA is trusted if the bytes are
            // equal.
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if certificates.iter().any(|known| known == server) =>
            {
                let parsed = rustls::server::ParsedCertificate::try_from(server)?;
                rustls::client::verify_server_name(&parsed, name)?;
                Ok(ServerCertVerified::assertion())
            }
            Err(Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            )) if certificates.iter().any(|known| known == server) => {
                let why = OtherError(Arc::new(Distrust::NotItsCa));
                Err(Error::InvalidCertificate(CertificateError::Other(why)))
            }
            result => result,
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
