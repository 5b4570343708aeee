//! Why a service's credentials cannot be used.

use crate::services::ServicesError;

/// Why a service's credentials cannot be used. Shows no value: any of them may be a password.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error(transparent)]
    Services(#[from] ServicesError),
    #[error("The service {service} has no {missing}.\nIt has: {present}.\nExpected {expected}.")]
    Missing { service: String, missing: &'static str, present: String, expected: &'static str },
    #[error(
        "The service {service} has no credential that we know as a password, but {secrets} looks like one.\nRename it to password, or remove it if the server needs no login."
    )]
    UnknownPassword { service: String, secrets: String },
    #[error("The service {service} {what}.\n{instead}")]
    Unsupported { service: String, what: &'static str, instead: &'static str },
    #[error(
        "The service {service} cannot be used: its credential \"{key}\" {problem}.\nExpected {expected}."
    )]
    Unusable { service: String, key: String, problem: String, expected: &'static str },
}
