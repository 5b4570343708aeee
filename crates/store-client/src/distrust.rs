//! Why a server's certificate is not trusted, in words for people.

use super::date::Date;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, OtherError};

/// Why a server's certificate is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    #[error("it expired on {0}")]
    Expired(Date),
    #[error("it is valid from {0} on")]
    NotYetValid(Date),
    #[error("it is for {presented}, not for {expected}")]
    OtherName { expected: String, presented: String },
    #[error("no CA that we trust signed it")]
    UnknownCa,
    /// A common mistake: the credentials contain the server's certificate instead of that of the CA that signed it.
    #[error("the credentials contain this very certificate as the CA, but another one signed it")]
    NotItsCa,
    #[error("{0}")]
    Other(String),
}

impl From<&CertificateError> for Distrust {
    fn from(error: &CertificateError) -> Self {
        match error {
            CertificateError::ExpiredContext { not_after, .. } => {
                Self::Expired(Date::of(not_after.as_secs()))
            }
            CertificateError::NotValidYetContext { not_before, .. } => {
                Self::NotYetValid(Date::of(not_before.as_secs()))
            }
            CertificateError::NotValidForNameContext { expected, presented } => Self::OtherName {
                expected: match expected {
                    ServerName::IpAddress(ip) => std::net::IpAddr::from(*ip).to_string(),
                    name => name.to_str().into_owned(),
                },
                presented: names(presented),
            },
            // A CA of the same name with another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownCa,
            // Our own error: rustls would show its type's name around it.
            CertificateError::Other(OtherError(why)) => match why.downcast_ref::<Self>() {
                Some(ours) => ours.clone(),
                None => Self::Other(why.to_string()),
            },
            other => Self::Other(other.to_string()),
        }
    }
}

/// webpki writes them as `DnsName("redis.example")` and `IpAddress(10.0.0.1)`.
fn names(presented: &[String]) -> String {
    let plain = |name: &String| {
        let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        inner.unwrap_or(name).trim_matches('"').to_owned()
    };
    match presented {
        [] => "no name at all (among its alternative names)".to_owned(),
        names => names.iter().map(plain).collect::<Vec<_>>().join(", "),
    }
}
