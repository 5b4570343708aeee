//! Explains a server's refusals, and tells those that may pass from those that never will.

use super::outcome::Outcome;
use super::tls;
use crate::system::secret::doubt;
use store_client::{ErrorReply, Host, Problem, ProtocolError, RedisEndpoint, Target};

/// Errors that pass by themselves or by the operator's hand: the server starts, is busy or full, or waits for others. An
/// error that is neither here nor below never counts as passing.
const PASSING: [&str; 8] =
    ["LOADING", "MASTERDOWN", "BUSY", "OOM", "MISCONF", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN"];
/// The same without a code of their own: Redis' own, then what Envoy and twemproxy say while their servers are down.
const PASSING_TEXTS: [&str; 6] = [
    "max number of clients",
    "no upstream host",
    "upstream failure",
    "connection refused",
    "connection timed out",
    "server closed connection",
];

/// Explains why the server cannot be reached or does not let us in.
pub(super) fn of_problem(problem: &Problem, endpoint: &RedisEndpoint) -> Outcome {
    if let Some(error) = problem.reply() {
        return of_reply(error, endpoint);
    }
    match problem {
        Problem::Protocol(ProtocolError::IsTls) => tls_only(),
        Problem::Protocol(error) => Outcome::Refused(format!(
            "Something listens there, but {error}.\nCheck the port in the credentials."
        )),
        Problem::NoTls => no_tls(),
        Problem::Certificates(_) | Problem::NotTrusted(_) | Problem::TlsRefused(_) | Problem::Tls(_) => {
            Outcome::Tls(tls::text(problem, endpoint))
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
        // In a script: Redis 7, then Redis 8 and Valkey.
        "ERR"
            if text.contains("user executing the script can't")
                || text.contains("acl failure in script") =>
        {
            refused("Grant the user this right.")
        }
        "ERR" if text.contains("invalid password") => {
            refused(&format!("Check the password in the credentials.{}", password_hint(endpoint)))
        }
        "ERR"
            if text.contains("without any password configured")
                || text.contains("no password is set") =>
        {
            refused(
                "The server has no password. Remove user and password from the credentials, or set one on the server. (Redis Sentinel, usually on port 26379, says so too: use the port of Redis itself.)",
            )
        }
        "ERR" if text.contains("db index") || text.contains("invalid db") => refused(
            "The server does not have this database. Use another one, or raise its number of databases.",
        ),
        "ERR" if text.contains("not allowed in cluster mode") => refused(
            "A cluster has only database 0: remove database from the credentials and from BPL_PHP_SESSION_OPTIONS.",
        ),
        "ERR" if text.contains("cluster support disabled") => refused(
            "The server is not a cluster. Remove cluster.nodes or cluster_mode from the credentials.",
        ),
        "ERR" if text.contains("wrong number of arguments for 'auth'") => refused(
            "The server is older than Redis 6 and knows no users. Remove the user from the credentials: it takes the password alone.",
        ),
        "CLUSTERDOWN" => Outcome::Passing(format!(
            "the server says: {error}. It is a node of a cluster in which nobody serves the slot of the session: create the cluster, or give it all slots (redis-cli --cluster create, or fix)"
        )),
        code if PASSING.contains(&code) || PASSING_TEXTS.iter().any(|it| text.contains(it)) => {
            Outcome::Passing(format!("the server says: {error}"))
        }
        _ => refused(
            "This is not an error that is known to pass. The server's own log may say more.",
        ),
    }
}

/// A common mistake that explains why a password is refused. Shows nothing of the password.
fn password_hint(endpoint: &RedisEndpoint) -> String {
    let doubt = endpoint.auth.as_ref().and_then(|auth| doubt(&auth.password));
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
    use store_client::{Address, Auth, Secret};

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
            "ERR SELECT is not allowed in cluster mode",
            "ERR This instance has cluster support disabled",
            "ERR wrong number of arguments for 'auth' command",
            // What nobody has foreseen.
            "ERR whatever",
            "WHATEVER",
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
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "no upstream host",
        ] {
            assert!(!is_refused(text), "{text}");
        }
    }
}
