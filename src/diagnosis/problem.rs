//! What is wrong if our own client meets a problem with a server.

use super::doubt::doubt_of;
use super::recognise::kind_of_reply;
use super::{Cause, CauseKind};
use rustls::AlertDescription;
use std::io::ErrorKind;
use store_client::{
    Distrust, ErrorReply, Host, Login, NoToken, Problem, ProtocolError, RedisEndpoint, Secret, Tls,
};

impl Cause {
    /// Why a Redis server cannot be reached or does not let us in.
    pub(crate) fn of_problem(problem: &Problem, endpoint: &RedisEndpoint) -> Self {
        if let Some(error) = problem.reply() {
            return Self::of_reply_to(error, endpoint);
        }
        Self::of_server(problem, endpoint.tls(), endpoint.first_address().map(|it| &it.host))
    }

    /// Why any server cannot be reached, with TLS or without.
    pub(crate) fn of_server(problem: &Problem, tls: Option<&Tls>, host: Option<&Host>) -> Self {
        match problem {
            Problem::NoToken(NoToken { what, advice, passes }) => {
                let kind = if *passes { CauseKind::NoTokenYet } else { CauseKind::NoToken };
                Self::seen(kind, what).with_advice(advice)
            }
            Problem::Certificates(text) => Self::seen(CauseKind::TlsFile, text),
            Problem::NotTrusted(distrust) => of_distrust(distrust, tls),
            Problem::TlsRefused(alert) => of_alert(*alert, tls),
            Problem::Tls(text) => Self::seen(CauseKind::TlsFailed, text),
            Problem::Unnamed { said, is_final: true } => {
                Self::seen(CauseKind::PrimaryUnknown, said)
            }
            Problem::NoTls => Self::of(CauseKind::TlsNotSpoken),
            Problem::Protocol(ProtocolError::IsTls) => Self::of(CauseKind::TlsExpected),
            Problem::Protocol(error) => Self::seen(CauseKind::OtherService, error),
            other => Self::of_connection(other, host),
        }
    }

    /// An error reply to any command.
    pub(crate) fn of_reply_to(error: &ErrorReply, endpoint: &RedisEndpoint) -> Self {
        let cause = match kind_of_reply(error.text()) {
            Some(kind) => Self::seen(kind, error),
            None => Self::seen(CauseKind::Unknown, error).with_advice(
                "This is not an error that is known to pass. The server's own log may say more.",
            ),
        };
        match &endpoint.auth {
            Some(Login::Issued(issued))
                if cause.kind == CauseKind::WrongPassword || error.is_limit_of_logins() =>
            {
                cause.with_advice(issued.advice_on(error))
            }
            _ => cause.with_doubt(endpoint.fixed().map(|auth| &auth.password)),
        }
    }

    /// With a common mistake that explains why this password is refused, if it is that.
    pub(crate) fn with_doubt(mut self, password: Option<&Secret>) -> Self {
        if self.kind == CauseKind::WrongPassword
            && let Some(doubt) = password.and_then(doubt_of)
        {
            self.advice = format!("{} {doubt}", self.advice);
        }
        self
    }

    /// Why any server cannot be reached.
    fn of_connection(problem: &Problem, host: Option<&Host>) -> Self {
        let kind = match problem {
            Problem::Resolve(_) => CauseKind::NameNotResolved,
            Problem::Refused | Problem::Connect(_) if host.is_some_and(Host::is_loopback) => {
                return Self::of(CauseKind::Loopback);
            }
            Problem::Refused => CauseKind::ConnectionRefused,
            // No such socket; localhost as IPv6, in a network without it.
            Problem::Connect(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AddrNotAvailable) =>
            {
                CauseKind::ConnectionRefused
            }
            Problem::Closed(_) | Problem::Broken { .. } => CauseKind::ConnectionClosed,
            other => return Self::seen(CauseKind::NoAnswer, other),
        };
        let text = problem.to_string();
        let (first, rest) = text.split_at(1);
        Self::new(kind, format!("{}{rest}.", first.to_ascii_uppercase()))
    }
}

fn of_distrust(distrust: &Distrust, tls: Option<&Tls>) -> Cause {
    let advice = match distrust {
        Distrust::OtherName { .. } => return Cause::seen(CauseKind::TlsOtherName, distrust),
        Distrust::Expired(_) => "Renew the server's certificate.",
        Distrust::NotYetValid(_) => {
            "Check the clock of this machine, and the server's certificate."
        }
        Distrust::UnknownCa if tls.is_some_and(|tls| tls.ca.is_some()) => {
            "The CA in the credentials (ca.crt) is another one. Put there the certificate of the CA that signed the server's certificate."
        }
        Distrust::UnknownCa | Distrust::NotItsCa => {
            "Add the certificate of the CA that signed the server's certificate (not the server's own) to the credentials as ca.crt."
        }
        Distrust::Other(_) => {
            "Check the server's certificate, and the CA in the credentials (ca.crt)."
        }
    };
    Cause::seen(CauseKind::TlsNotTrusted, distrust).with_advice(advice)
}

fn of_alert(alert: AlertDescription, tls: Option<&Tls>) -> Cause {
    use AlertDescription as Alert;
    let seen = |kind| Cause::seen(kind, format!("it refuses the TLS connection ({alert:?})"));
    let is_about_certificates = matches!(
        alert,
        Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::CertificateExpired
            | Alert::UnknownCA
    );
    let has_client = tls.is_some_and(|tls| tls.client.is_some());
    let advice = match alert {
        _ if !has_client && is_about_certificates => return seen(CauseKind::TlsClientCertificate),
        _ if !has_client => return seen(CauseKind::TlsFailed),
        Alert::CertificateExpired => {
            "The client's certificate in the credentials has expired: renew tls.crt and tls.key."
        }
        Alert::UnknownCA => {
            "The server does not know the CA of the client's certificate. Put a certificate into the credentials (tls.crt, tls.key) that the server's CA signed."
        }
        _ => {
            "The server may not accept the client's certificate in the credentials (tls.crt, tls.key)."
        }
    };
    seen(CauseKind::TlsClientCertificate).with_advice(advice)
}
