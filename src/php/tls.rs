//! The certificate files for PHP's TLS.

use crate::endpoint::Endpoint;
use std::path::PathBuf;

/// The files that PHP is given.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The service's CA; a bundle includes the system's CAs.
    pub(crate) ca: Option<PathBuf>,
    /// The client's certificate and key.
    pub(crate) client: Option<ClientFiles>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl TlsFiles {
    /// The files that the launch will write, with placeholder paths.
    pub(crate) fn planned(endpoint: &Endpoint) -> Self {
        let Endpoint::Redis(redis) = endpoint else { return Self::default() };
        let Some(tls) = redis.tls() else { return Self::default() };
        let client = tls.client.as_ref().map(|_| ClientFiles {
            certificate: PathBuf::from("certificate.pem"),
            key: PathBuf::from("key.pem"),
        });
        Self { ca: tls.ca.as_ref().map(|_| PathBuf::from("ca.pem")), client }
    }
}

/// The service wants TLS, and PHP has none.
pub(crate) const NO_OPENSSL: &str = "The service needs TLS, but this PHP has no OpenSSL extension, so every request would fail.\nUse a PHP that has openssl (openssl.so in PHP's extension folder is enough), or a service without TLS.";
