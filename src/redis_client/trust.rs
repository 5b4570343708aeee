//! Which server is trusted.

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

/// Which server is trusted, whose signatures are checked in any case.
#[derive(Debug)]
pub(super) struct Trust {
    whom: Whom,
    algorithms: WebPkiSupportedAlgorithms,
}

/// Whoever the service's authorities vouch for; where they vouch for all, it is any server at all.
#[derive(Debug)]
enum Whom {
    /// Only what these vouch for.
    Authorities { verifier: Arc<WebPkiServerVerifier>, certificates: Vec<CertificateDer<'static>> },
    /// Whatever the server shows, as the user asked for with `verify_peer=off`.
    Anything,
}

/// A common mistake: a server's certificate, which an authority has signed, stands where the authority's belongs.
#[derive(Debug, thiserror::Error)]
#[error(
    "what the credentials give as its CA is this certificate itself, and it was signed by another one"
)]
struct NotItsAuthority;

impl Trust {
    pub(super) fn authorities(
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
        Ok(Self { whom: Whom::Authorities { verifier, certificates }, algorithms })
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
        let Whom::Authorities { verifier, certificates } = &self.whom else {
            return Ok(ServerCertVerified::assertion());
        };
        match verifier.verify_server_cert(server, intermediates, name, ocsp, now) {
            // A server that signed its own certificate, which the service gives as the authority: it is
            // trusted by its bytes.
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
                let why = OtherError(Arc::new(NotItsAuthority));
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
