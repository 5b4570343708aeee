//! Recognises a cause in the words of a server, and in those of PHP.

use super::causes::CauseKind;

/// An error's code, as an upper-case word (a script's error has it in the middle), or a part of its text, without case; and
/// what it means. The first that fits counts. The texts are from Redis 5 to 8, Valkey, Envoy and twemproxy.
const REPLIES: [(Sign, CauseKind); 33] = [
    (Code("WRONGPASS"), CauseKind::WrongPassword),
    (Text("invalid password"), CauseKind::WrongPassword),
    (Code("NOAUTH"), CauseKind::PasswordMissing),
    // Its text says that there is no password, too.
    (Code("DENIED"), CauseKind::ProtectedMode),
    (Text("without any password configured"), CauseKind::PasswordNotWanted),
    (Text("no password is set"), CauseKind::PasswordNotWanted),
    (Text("wrong number of arguments for 'auth'"), CauseKind::UserNotKnown),
    (Code("NOPERM"), CauseKind::NoPermission),
    // In a script: Redis 7, then Redis 8 and Valkey.
    (Text("user executing the script can't"), CauseKind::NoPermission),
    (Text("acl failure in script"), CauseKind::NoPermission),
    (Code("READONLY"), CauseKind::ReadOnlyReplica),
    (Code("OOM"), CauseKind::OutOfMemory),
    (Code("MISCONF"), CauseKind::NotSaved),
    (Code("NOREPLICAS"), CauseKind::ReplicasMissing),
    (Code("CLUSTERDOWN"), CauseKind::ClusterDown),
    (Code("MOVED"), CauseKind::IsCluster),
    (Code("ASK"), CauseKind::IsCluster),
    (Code("CROSSSLOT"), CauseKind::IsCluster),
    (Text("cluster support disabled"), CauseKind::IsNoCluster),
    (Text("not allowed in cluster mode"), CauseKind::DatabaseMissing),
    (Text("db index"), CauseKind::DatabaseMissing),
    (Text("invalid db"), CauseKind::DatabaseMissing),
    (Code("LOADING"), CauseKind::Busy),
    (Code("BUSY"), CauseKind::Busy),
    (Code("TRYAGAIN"), CauseKind::Busy),
    (Text("max number of clients"), CauseKind::TooManyClients),
    // Google's limit on logins with a token.
    (Text("iam_exhausted"), CauseKind::TooManyClients),
    (Code("MASTERDOWN"), CauseKind::UpstreamDown),
    // What Envoy and twemproxy say while their servers are down.
    (Text("no upstream host"), CauseKind::UpstreamDown),
    (Text("upstream failure"), CauseKind::UpstreamDown),
    (Text("connection refused"), CauseKind::UpstreamDown),
    (Text("connection timed out"), CauseKind::UpstreamDown),
    (Text("server closed connection"), CauseKind::UpstreamDown),
];

/// Parts of what PHP, phpredis, libmemcached and OpenSSL say (without case) where our own client may succeed: PHP has its
/// own TLS, resolver, files, locks and timeouts. Every match counts, and the order ranks them.
const PHP: [(&str, CauseKind); 15] = [
    ("unable to find the socket transport", CauseKind::PhpWithoutTls),
    ("failed to send authentication", CauseKind::MechanismsMissing),
    ("failed loading cafile", CauseKind::TlsFile),
    ("unable to set local cert", CauseKind::TlsFile),
    ("unable to set private key", CauseKind::TlsFile),
    ("did not match expected", CauseKind::TlsOtherName),
    ("certificate verify failed", CauseKind::TlsNotTrusted),
    // What the server does not accept in a handshake is mostly the client's certificate.
    (" alert ", CauseKind::TlsClientCertificate),
    // By a mechanism that the probe does not know.
    ("authentication failure", CauseKind::WrongPassword),
    ("getaddrinfo", CauseKind::NameNotResolved),
    ("session lock", CauseKind::Locked),
    // The session proxy's socket.
    ("connection refused", CauseKind::ConnectionRefused),
    ("no such file or directory", CauseKind::ConnectionRefused),
    ("timed out", CauseKind::NoAnswer),
    ("read error on connection", CauseKind::NoAnswer),
];

enum Sign {
    Code(&'static str),
    Text(&'static str),
}
use Sign::{Code, Text};

/// What a server's error means, if it is known.
pub(super) fn kind_of_reply(text: &str) -> Option<CauseKind> {
    let lower = text.to_ascii_lowercase();
    let fits = |sign: &Sign| match sign {
        Code(code) => text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == *code),
        Text(part) => lower.contains(part),
    };
    REPLIES.iter().find(|(sign, _)| fits(sign)).map(|(_, kind)| *kind)
}

/// What PHP's messages mean, likeliest first.
pub(crate) fn kinds_in(messages: &[String]) -> Vec<CauseKind> {
    let lower = messages.join("; ").to_ascii_lowercase();
    let of_php = PHP.iter().filter(|(text, _)| lower.contains(text)).map(|(_, kind)| *kind);
    let of_server = messages.iter().filter_map(|message| kind_of_reply(message));
    let mut kinds: Vec<CauseKind> = Vec::new();
    for kind in of_php.chain(of_server) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_has_the_cause_that_its_code_or_its_text_names() {
        use CauseKind as Is;
        for (text, kind) in [
            ("WRONGPASS invalid username-password pair or user is disabled.", Is::WrongPassword),
            ("ERR invalid password", Is::WrongPassword),
            ("NOAUTH Authentication required.", Is::PasswordMissing),
            (
                "DENIED Redis is running in protected mode because protected mode is enabled and no password is set",
                Is::ProtectedMode,
            ),
            (
                "ERR AUTH <password> called without any password configured for the default user.",
                Is::PasswordNotWanted,
            ),
            ("ERR Client sent AUTH, but no password is set", Is::PasswordNotWanted),
            ("ERR wrong number of arguments for 'auth' command", Is::UserNotKnown),
            ("NOPERM No permissions to access a key", Is::NoPermission),
            (
                "ERR Error running script: @user_script:1: -READONLY You can't write",
                Is::ReadOnlyReplica,
            ),
            ("MOVED 1 10.0.0.1:6379", Is::IsCluster),
            ("ERR This instance has cluster support disabled", Is::IsNoCluster),
            ("ERR DB index is out of range", Is::DatabaseMissing),
            ("ERR SELECT is not allowed in cluster mode", Is::DatabaseMissing),
            ("LOADING Redis is loading the dataset in memory", Is::Busy),
            ("BUSY Redis is busy running a script.", Is::Busy),
            ("TRYAGAIN Multiple keys request during rehashing of slot", Is::Busy),
            ("OOM command not allowed when used memory > 'maxmemory'.", Is::OutOfMemory),
            ("MISCONF Redis is configured to save RDB snapshots", Is::NotSaved),
            ("NOREPLICAS Not enough good replicas to write.", Is::ReplicasMissing),
            ("MASTERDOWN Link with MASTER is down", Is::UpstreamDown),
            ("CLUSTERDOWN The cluster is down", Is::ClusterDown),
            ("ERR max number of clients reached", Is::TooManyClients),
            ("ERR_IAM_EXHAUSTED too many logins", Is::TooManyClients),
            ("no upstream host", Is::UpstreamDown),
        ] {
            assert_eq!(kind_of_reply(text), Some(kind), "{text}");
        }
        for text in ["ERR whatever", "WHATEVER", "BUSYGROUP Consumer Group name already exists"] {
            assert_eq!(kind_of_reply(text), None, "{text}");
        }
    }

    #[test]
    fn php_says_what_only_php_meets_and_repeats_what_a_server_says() {
        let kinds = |messages: &[&str]| {
            kinds_in(&messages.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
        };
        let tls =
            "SSL operation failed with code 1. OpenSSL Error messages: certificate verify failed";
        let peer = "Peer certificate CN=`a' did not match expected CN=`b'";
        assert_eq!(kinds(&[tls, peer]), [CauseKind::TlsOtherName, CauseKind::TlsNotTrusted]);
        assert_eq!(kinds(&["NOAUTH Authentication required."]), [CauseKind::PasswordMissing]);
        assert_eq!(kinds(&["something else"]), []);
    }
}
