//! The files that PHP's TLS is told of.

use crate::endpoint::Endpoint;
use crate::endpoint::tls::Tls;
use std::path::PathBuf;

/// The files that PHP is told of.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authority, and in a bundle the system's as well.
    pub(crate) ca: Option<PathBuf>,
    /// The client's certificate and key.
    pub(crate) client: Option<ClientFiles>,
}

/// A client's certificate and key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl TlsFiles {
    /// The files that there will be, before there are any.
    #[must_use]
    pub(crate) fn planned(tls: &Tls) -> Self {
        let client = tls.client.as_ref().map(|_| ClientFiles {
            certificate: PathBuf::from("certificate.pem"),
            key: PathBuf::from("key.pem"),
        });
        Self { ca: tls.ca.as_ref().map(|_| PathBuf::from("ca.pem")), client }
    }
}

/// The service wants TLS, and PHP has none.
#[derive(Debug, thiserror::Error)]
#[error(
    "The service is reached with TLS, but this PHP has no OpenSSL extension, so each request would fail.\nUse a PHP that has openssl (its openssl.so in PHP's extension folder is enough), or a service without TLS."
)]
pub(crate) struct NoOpenSsl;

/// Makes sure that PHP can reach an endpoint that wants TLS.
///
/// # Errors
///
/// Fails if PHP's streams cannot be encrypted, and the endpoint's must be.
pub(crate) fn require_tls(endpoint: &Endpoint, knows_tls: bool) -> Result<(), NoOpenSsl> {
    match endpoint {
        Endpoint::Redis(redis) if redis.tls().is_some() && !knows_tls => Err(NoOpenSsl),
        _ => Ok(()),
    }
}
