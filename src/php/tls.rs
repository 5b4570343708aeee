//! The certificate files for PHP's TLS.

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

/// The service wants TLS, and PHP has none.
pub(crate) const NO_OPENSSL: &str = "The service needs TLS, but this PHP has no OpenSSL extension, so every request would fail.\nUse a PHP that has openssl (openssl.so in PHP's extension folder is enough), or a service without TLS.";
