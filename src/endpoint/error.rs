//! Why a service's credentials cannot be used.

use crate::config::variables::OPTIONS;

/// Why a service's credentials cannot be used. Shows no value: any of them may be a password.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error(transparent)]
    Services(#[from] anyhow::Error),
    #[error("The service {service} has no {missing}.\nIt has: {present}.\nExpected {expected}.")]
    Missing { service: String, missing: &'static str, present: String, expected: &'static str },
    #[error(
        "The service {service} has no credential that we know as a password, but {secrets} looks like one.\nBound and not used: {unused}.\nRename it to password, or remove it if the server needs no login."
    )]
    UnknownPassword { service: String, secrets: String, unused: String },
    #[error(
        "The service {service} has {names}, which looks like TLS, but no credential that we know says whether to use TLS.\nSet the option tls ({OPTIONS}=tls=on, or tls=off), or rename the credential: ssl for a flag, ca.crt for the CA's certificate."
    )]
    UnknownTls { service: String, names: String },
    #[error(
        "The service {service} has a certificate in {names}, and no credential that we know as the CA's.\nRename it to ca.crt, or set the option ca to the file with the CA's certificate ({OPTIONS}=ca=/PATH; with the system's CAs, ca=/etc/ssl/certs/ca-certificates.crt)."
    )]
    UnknownCa { service: String, names: String },
    #[error("The service {service} {what}.\n{instead}")]
    Unsupported { service: String, what: &'static str, instead: &'static str },
    #[error(
        "The service {service} cannot be used: its credential \"{key}\" {problem}.\nExpected {expected}."
    )]
    Unusable { service: String, key: String, problem: String, expected: &'static str },
    #[error(
        "The option ca of {OPTIONS} names the file {path}, which {problem}.\nExpected {expected}."
    )]
    CaOption { path: String, problem: String, expected: &'static str },
}
