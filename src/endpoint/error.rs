//! Why credentials make no endpoint.

use crate::services::ServicesError;

/// Why a service's credentials make no endpoint. Shows no value: any of them may be a password.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The credentials cannot be read.
    #[error(transparent)]
    Services(#[from] ServicesError),
    /// A credential is missing.
    #[error("The service {service} has no {missing}.\nIt has: {present}.\nExpected {expected}.")]
    Missing {
        /// The service.
        service: String,
        /// What is missing.
        missing: &'static str,
        /// The names of the credentials that are there.
        present: String,
        /// What would be right.
        expected: &'static str,
    },
    /// No password is known, and a credential looks like one.
    #[error(
        "The service {service} has no credential that is known to be its password, but {secrets} looks like one.\nRename it to password, or remove it if the server needs no login."
    )]
    UnknownPassword {
        /// The service.
        service: String,
        /// The names of the credentials.
        secrets: String,
    },
    /// The service is of a kind that PHP's extension cannot use.
    #[error("The service {service} {what}.\n{instead}")]
    Unsupported {
        /// The service.
        service: String,
        /// What it is.
        what: &'static str,
        /// What would work.
        instead: &'static str,
    },
    /// A credential is there, and is not what it should be.
    #[error(
        "The service {service} cannot be used: its credential \"{key}\" {problem}.\nExpected {expected}."
    )]
    Unusable {
        /// The service.
        service: String,
        /// The credential's name, as the service has it.
        key: String,
        /// What is wrong with it.
        problem: String,
        /// What would be right.
        expected: &'static str,
    },
}
