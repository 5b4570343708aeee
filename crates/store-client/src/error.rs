//! Why a server cannot be used, classified by what to do about it.

use super::address::Address;
use super::distrust::Distrust;
use super::login::{IssuedLogin, NoToken};
use super::reply::{ErrorReply, Reply};
use super::resp::ProtocolError;
use rustls::AlertDescription;
use std::io;
use std::sync::Arc;

/// What failed with which server. Shows no secret.
#[derive(Debug, thiserror::Error)]
#[error("{server}: {problem}")]
pub struct RedisError {
    /// The server, as users write it.
    pub server: String,
    pub problem: Problem,
}

/// What is wrong with a connection.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("the name cannot be resolved ({0})")]
    Resolve(io::Error),
    #[error("nothing listens there (connection refused)")]
    Refused,
    #[error("timed out {0}")]
    Timeout(Activity),
    #[error("cannot connect ({0})")]
    Connect(io::Error),
    #[error("{0}")]
    Certificates(String),
    #[error("the server's certificate is not trusted: {0}")]
    NotTrusted(Distrust),
    #[error("the server does not speak TLS")]
    NoTls,
    #[error("the server refuses the TLS connection: {0:?}")]
    TlsRefused(AlertDescription),
    #[error("TLS failed: {0}")]
    Tls(String),
    /// There is no token to log in with.
    #[error("no login: {0}")]
    NoToken(NoToken),
    #[error("the server refuses the login: {0}")]
    Login(ErrorReply),
    /// A token, which is perhaps for another server.
    #[error("the server refuses the token of {}: {error}. {}", .login.issuer, .login.advice_on(.error))]
    Token { error: ErrorReply, login: Arc<IssuedLogin> },
    #[error("the server refuses the database: {0}")]
    Database(ErrorReply),
    /// The server said why before it closed the connection.
    #[error("the server says {0}, and closes the connection")]
    TurnedAway(ErrorReply),
    #[error("the server closed the connection {0}")]
    Closed(Activity),
    #[error("the connection broke {step} ({error})")]
    Broken { step: Activity, error: io::Error },
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// What each Sentinel said.
    #[error("no Sentinel names the primary ({said})")]
    Unnamed {
        said: String,
        /// Whether all of them answered, and none knows a primary or lets us ask.
        is_final: bool,
    },
    /// What each Sentinel said.
    #[error("Sentinel is choosing another primary ({0})")]
    Choosing(String),
    #[error("Sentinel names {0} as the primary, which is not ready as one: it says {1}")]
    NotPrimary(Address, String),
    #[error("the server refuses the command ROLE, which tells a primary from a replica: {0}")]
    Role(ErrorReply),
    #[error("{0} is no longer the primary: Sentinel names {1}")]
    Replaced(Address, Address),
}

/// What we were doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Activity {
    #[error("resolving the name")]
    Resolving,
    #[error("connecting")]
    Connecting,
    #[error("during the TLS handshake")]
    Handshake,
    #[error("waiting for the reply")]
    Answer,
}

impl Problem {
    /// Interprets a system error while connecting.
    pub(super) fn connecting(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::Timeout(Activity::Connecting),
            _ => Self::Connect(error),
        }
    }

    /// Interprets a stream error on an established connection.
    #[must_use]
    pub fn of_stream(error: io::Error, step: Activity) -> Self {
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Self::of_tls(tls);
        }
        match error.kind() {
            io::ErrorKind::TimedOut => Self::Timeout(step),
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Self::Closed(step),
            _ => Self::Broken { step, error },
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(why) => Self::NotTrusted(why.into()),
            rustls::Error::InvalidMessage(_) => Self::NoTls,
            rustls::Error::AlertReceived(alert) => Self::TlsRefused(*alert),
            other => Self::Tls(other.to_string()),
        }
    }

    /// A lost connection, explained by the last reply before: a server with no room for a client, say, tells it so.
    /// A proxy that does not know a command may say so and close, but that is about the command.
    pub(super) fn explained_by(self, last: Option<Reply>) -> Self {
        match last {
            Some(Reply::Error(error)) if self.is_lost() && !error.is_unknown_command() => {
                Self::TurnedAway(error)
            }
            _ => self,
        }
    }

    /// The server's own words, if it refuses the connection with some.
    #[must_use]
    pub fn reply(&self) -> Option<&ErrorReply> {
        match self {
            Self::Login(error)
            | Self::Token { error, .. }
            | Self::Database(error)
            | Self::TurnedAway(error)
            | Self::Role(error) => Some(error),
            _ => None,
        }
    }

    /// Whether server and client were in contact, and one of them refuses the other, or there is no token: there will be no
    /// new connection, but open ones may go on.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NoToken(_)
                | Self::Login(_)
                | Self::Token { .. }
                | Self::Database(_)
                | Self::TurnedAway(_)
                | Self::NotTrusted(_)
                | Self::Certificates(_)
                | Self::TlsRefused(_)
                | Self::NoTls
                | Self::Protocol(_)
                | Self::Role(_)
        )
    }

    /// Whether the connection ended early, so that a new one may work.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Closed(_) | Self::Broken { .. })
    }
}
