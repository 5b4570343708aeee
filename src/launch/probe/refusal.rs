//! Explains a server's refusals, and tells those that may pass from those that never will.

use super::outcome::Outcome;
use crate::endpoint::Host;
use crate::endpoint::redis::{RedisEndpoint, Target};
use crate::redis_client::{ErrorReply, Problem, ProtocolError};

/// Explains why the server cannot be reached or does not let us in.
pub(super) fn of_problem(problem: &Problem, endpoint: &RedisEndpoint) -> Outcome {
    match problem {
        Problem::Login(error) | Problem::Database(error) => of_reply(error, endpoint),
        Problem::Protocol(ProtocolError::IsTls) => tls_only(),
        Problem::Protocol(error) => Outcome::Refused(format!(
            "Something listens there, but {error}.\nCheck the port in the credentials."
        )),
        Problem::NoTls => no_tls(),
        Problem::Certificates(_) | Problem::NotTrusted(_) | Problem::TlsRefused(_) | Problem::Tls(_) => {
            Outcome::Tls(tls_advice(problem))
        }
        Problem::Refused | Problem::Connect(_) if is_loopback(endpoint) => Outcome::Passing(
            "nothing listens there. In a container, localhost is the container itself, so only a sidecar can listen there"
                .to_owned(),
        ),
        other => Outcome::Passing(other.to_string()),
    }
}

pub(super) fn no_tls() -> Outcome {
    let text = "The server does not speak TLS on this port.\nUse its port with TLS, or set ssl to false in the credentials (or BPL_PHP_SESSION_OPTIONS=tls=off).";
    Outcome::Refused(text.to_owned())
}

pub(super) fn tls_only() -> Outcome {
    let text = "The server accepts only TLS.\nSet ssl to true in the credentials (or BPL_PHP_SESSION_OPTIONS=tls=on), or use its port without TLS.";
    Outcome::Refused(text.to_owned())
}

fn tls_advice(problem: &Problem) -> String {
    let advice = match problem {
        Problem::NotTrusted(_) => {
            "Add the certificate of the CA that signed the server's certificate (not the server's own) to the credentials as ca.crt, and check the host name and the dates in the server's certificate."
        }
        Problem::Certificates(_) => "Provide certificates and keys as PEM.",
        _ => {
            "If the server requires a client certificate, add tls.crt and tls.key to the credentials."
        }
    };
    format!("TLS fails: {problem}.\n{advice}")
}

/// Explains an error reply to any command.
pub(super) fn of_reply(error: &ErrorReply, endpoint: &RedisEndpoint) -> Outcome {
    let text = error.text().to_ascii_lowercase();
    let refused = |advice: &str| Outcome::Refused(format!("The server says: {error}\n{advice}"));
    match error.code() {
        "WRONGPASS" => refused(&format!(
            "Check user and password in the credentials.{}",
            password_hint(endpoint)
        )),
        "NOAUTH" => refused(
            "The server requires a password. Add the credential password (and username, for an ACL user).",
        ),
        "READONLY" => refused(
            "This is a read-only replica. Use the name of the primary, not a reader endpoint.",
        ),
        "DENIED" => refused(
            "The server is in protected mode and accepts only local connections. Set a password, or protected-mode no in a network that you trust.",
        ),
        "MOVED" | "ASK" | "CROSSSLOT" => refused(
            "The server is a cluster node. Add cluster.nodes or cluster_mode to the credentials.",
        ),
        "NOPERM" => refused("Grant the user this right."),
        "ERR" if text.contains("invalid password") => {
            refused(&format!("Check the password in the credentials.{}", password_hint(endpoint)))
        }
        "ERR"
            if text.contains("without any password configured")
                || text.contains("no password is set") =>
        {
            refused(
                "The server has no password. Remove user and password from the credentials, or set one on the server.",
            )
        }
        "ERR" if text.contains("db index") || text.contains("invalid db") => refused(
            "The server does not have this database. Use another one, or raise its number of databases.",
        ),
        "ERR" if text.contains("cluster support disabled") => refused(
            "The server is not a cluster. Remove cluster.nodes or cluster_mode from the credentials.",
        ),
        _ => Outcome::Passing(format!("the server says: {error}")),
    }
}

/// A common mistake that explains why a password is refused. Shows nothing of the password.
fn password_hint(endpoint: &RedisEndpoint) -> String {
    let doubt = endpoint.auth.as_ref().and_then(|auth| auth.password.doubt());
    doubt.map(|doubt| format!(" {doubt}")).unwrap_or_default()
}

fn is_loopback(endpoint: &RedisEndpoint) -> bool {
    match &endpoint.target {
        Target::Tcp { address, .. } => match &address.host {
            Host::Name(name) => name == "localhost",
            Host::Ip(ip) => ip.is_loopback(),
        },
        Target::Cluster { .. } | Target::Unix(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Address;
    use crate::endpoint::auth::Auth;
    use crate::system::secret::Secret;

    fn endpoint(password: &str) -> RedisEndpoint {
        let host = Host::Name("localhost".to_owned());
        RedisEndpoint {
            target: Target::Tcp { address: Address { host, port: 6379 }, tls: None },
            auth: Some(Auth { user: None, password: Secret::new(password) }),
            database: None,
        }
    }

    #[test]
    fn a_refusal_is_told_from_what_may_pass() {
        let is_refused = |text: &str| {
            matches!(of_reply(&ErrorReply::new(text), &endpoint("hunter2")), Outcome::Refused(_))
        };
        for text in [
            "WRONGPASS invalid username-password pair or user is disabled.",
            "ERR invalid password",
            "NOAUTH Authentication required.",
            "READONLY You can't write against a read only replica.",
            "DENIED Redis is running in protected mode",
            "MOVED 1 10.0.0.1:6379",
            "ERR AUTH <password> called without any password configured for the default user.",
            "ERR Client sent AUTH, but no password is set",
            "ERR DB index is out of range",
        ] {
            assert!(is_refused(text), "{text}");
        }
        for text in [
            "LOADING Redis is loading the dataset in memory",
            "OOM command not allowed when used memory > 'maxmemory'.",
            "MISCONF Redis is configured to save RDB snapshots",
            "NOREPLICAS Not enough good replicas to write.",
            "BUSY Redis is busy running a script.",
            "MASTERDOWN Link with MASTER is down",
            "CLUSTERDOWN The cluster is down",
            "ERR max number of clients reached",
            "ERR whatever",
        ] {
            assert!(!is_refused(text), "{text}");
        }
    }
}
