//! The kinds of causes: their names in JSON, their texts, and what to do.

use serde::Serialize;
use std::fmt;

/// One table of all kinds: what is wrong, and what to do.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident: $what:literal, $advice:literal;)*) => {
        /// The kinds of causes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub(crate) enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// Every kind.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$kind,)*];

            /// What to do.
            #[must_use]
            pub(crate) fn advice(self) -> &'static str {
                match self {
                    $(Self::$kind => $advice,)*
                }
            }
        }

        impl fmt::Display for Kind {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(match self {
                    $(Self::$kind => $what,)*
                })
            }
        }
    };
}

kinds! {
    /// PHP has no extension for the store.
    ExtensionMissing: "The extension is missing",
        "Rebuild the image. If PHP has changed since the build (a different run image), go back to the PHP it was built with.";
    /// PHP's settings are not the buildpack's.
    SettingsOverridden: "The settings are overridden",
        "Remove the setting from that ini file, or from the app's own places (listed below if any were found): .user.ini, .htaccess, php_admin_value in php-fpm's pool, ini_set().";
    /// The app's framework keeps its own sessions, not in the service.
    FrameworkKeepsItsOwn: "The framework keeps its sessions elsewhere",
        "Configure the framework to keep sessions in the service: docs/frameworks.md.";
    /// A page keeps its session elsewhere.
    PageElsewhere: "The page keeps its session elsewhere",
        "Check which of the places below overrides the settings, and whether the launcher started the web server with this service bound.";
    /// No service is bound, which the settings allow.
    LocalFiles: "Sessions are in local files",
        "Bind a session service. Local files are lost with the container, and other instances cannot see them (BPL_PHP_SESSION_MISSING=files).";
    /// The host name does not resolve.
    NameNotResolved: "The host name cannot be resolved",
        "Check the host name in the service's credentials, and that the container is in a network that can resolve it.";
    /// Nothing listens there.
    ConnectionRefused: "The connection is refused",
        "Check that the server runs, that the port in the credentials is right, and that the server listens on more than loopback.";
    /// Nothing listens there, and the host is the container itself.
    Loopback: "Nothing listens in the container itself",
        "In a container, localhost is the container itself. Unless the server is a sidecar, use its name in the network.";
    /// The server does not reply.
    NoAnswer: "The server does not answer",
        "Check that the server is not overloaded or stopped, and that no firewall or network policy blocks the connection.";
    /// The certificate's CA is not trusted, or the certificate has expired.
    TlsNotTrusted: "The server's certificate is not trusted",
        "Add the CA's certificate to the credentials (ca.crt, or BPL_PHP_SESSION_OPTIONS=ca=/FILE), and check that the server's certificate has not expired.";
    /// The certificate is for another name.
    TlsOtherName: "The server's certificate is for another name",
        "Use the host name in the certificate, or a certificate with this name (or address) among its alternative names.";
    /// The server requires a client certificate.
    TlsClientCertificate: "The server requires a client certificate",
        "The server requires a client certificate, or does not accept this one. Add tls.crt and tls.key to the credentials.";
    /// A file with a certificate or key cannot be used.
    TlsFile: "A certificate or key cannot be used",
        "Check that the certificates and the key in the credentials are PEM and belong together, and that PHP's user may read their files.";
    /// The server does not speak TLS.
    TlsNotSpoken: "The server does not speak TLS there",
        "The port is not for TLS. Use the TLS port, or set ssl to false in the credentials (or BPL_PHP_SESSION_OPTIONS=tls=off).";
    /// The server accepts only TLS.
    TlsExpected: "The server may accept only TLS",
        "The port may be for TLS only. Set ssl to true in the credentials (or BPL_PHP_SESSION_OPTIONS=tls=on), or use a port without TLS (Memcached).";
    /// PHP has no TLS.
    PhpWithoutTls: "PHP has no TLS",
        "Use a PHP with its openssl extension, or a service without TLS.";
    /// The password or the user is wrong.
    WrongPassword: "The password or the user is wrong",
        "Check user and password in the credentials. If the password has changed, restart the container.";
    /// The server requires a password.
    PasswordMissing: "The server requires a password",
        "The server requires a password. Add it to the credentials.";
    /// The server has no password.
    PasswordNotWanted: "The server has no password",
        "The server has no password. Remove user and password from the credentials, or set one on the server.";
    /// The server is older than users.
    UserNotKnown: "The server is older than Redis 6 and knows no users",
        "Remove the user from the credentials: the server takes the password alone.";
    /// The server may not speak the binary protocol.
    TextProtocolOnly: "The server may speak only the text protocol",
        "A login needs Memcached's binary protocol, which many proxies and compatible servers don't speak. If the server needs no login, remove user and password from the credentials.";
    /// libsasl2 has no mechanism.
    MechanismsMissing: "SASL has no mechanism to log in with",
        "libsasl2 finds no mechanism for the login. Install libsasl2-modules in the run image, or build again with a network. If php-fpm runs as root, set env[SASL_PATH] = $SASL_PATH in the pool.";
    /// The user lacks a right.
    NoPermission: "The user lacks a right",
        "Grant the user the rights that sessions need: ~PHPREDIS_SESSION:* +get +setex +expire +del +exists +set +evalsha +eval +select +echo +cluster|slots (with your prefix, if you have set one).";
    /// The server does not know a command, or a proxy does not let it through.
    UnknownCommand: "The server does not know a command",
        "The command was disabled or renamed, or a proxy blocks it: allow it. Without EVAL, set BPL_PHP_SESSION_OPTIONS=locking=off, which lets concurrent requests of one session overwrite each other's changes. Without ECHO, set persistent=off. Without SELECT, use database 0.";
    /// The server accepts only local connections.
    ProtectedMode: "The server accepts only local connections",
        "The server has no password and is in protected mode. Set a password (requirepass), or protected-mode no in a network that you trust.";
    /// The server cannot save its data.
    NotSaved: "The server cannot save its data, and refuses to write",
        "The server's own log says why its last snapshot failed: a full disk, a folder without write permission, too little memory.";
    /// The server has too few replicas.
    ReplicasMissing: "The server has too few replicas, and refuses to write",
        "Restore its replicas, or lower min-replicas-to-write.";
    /// The server is a read-only replica.
    ReadOnlyReplica: "The server is a read-only replica",
        "Use the host name of the master, not of a replica (a reader endpoint).";
    /// The server's memory is full.
    OutOfMemory: "The server's memory is full",
        "Give the server more memory, or an eviction policy for keys with an expiry: maxmemory-policy volatile-lru.";
    /// The server is a cluster node.
    IsCluster: "The server is part of a cluster",
        "The server is a cluster node. Add cluster.nodes or cluster_mode to the credentials.";
    /// The server is not a cluster node.
    IsNoCluster: "The server is not a cluster",
        "The server is not a cluster. Remove cluster.nodes or cluster_mode from the credentials.";
    /// A cluster lacks nodes.
    ClusterDown: "The cluster lacks nodes",
        "Restore the cluster's missing nodes.";
    /// The server is starting, or runs a script that does not end.
    Busy: "The server is busy",
        "Wait until the server has started. If a script runs for too long, use SCRIPT KILL.";
    /// The server has reached its maximum number of clients.
    TooManyClients: "The server accepts no more clients",
        "Raise the server's maxclients, use a bigger plan, or use fewer workers (php-fpm's pm.max_children, replicas).";
    /// The session's id makes keys that Memcached refuses.
    KeyTooLong: "The session's id is too long for Memcached",
        "Set session.sid_length in the app's ini file, or leave PHP's default, 32.";
    /// Another request holds the session's lock.
    Locked: "The session is locked",
        "Another request holds the session for a long time, or the server does not allow the lock. See the other messages.";
    /// None of these.
    Unknown: "Unknown cause",
        "See the messages of the failed step, and the server's own log.";
}

/// Parts of messages (matched without case) and what they mean. Every match counts, and the order ranks them. The texts are from PHP,
/// phpredis 5.3 and 6.2, libmemcached, OpenSSL and Redis.
pub(crate) const TEXTS: [(&str, Kind); 56] = [
    ("unable to find the socket transport", Kind::PhpWithoutTls),
    ("getaddrinfo", Kind::NameNotResolved),
    ("name or service not known", Kind::NameNotResolved),
    ("name resolution", Kind::NameNotResolved),
    ("hostname lookup failure", Kind::NameNotResolved),
    ("did not match expected name", Kind::TlsOtherName),
    ("certificate verify failed", Kind::TlsNotTrusted),
    // The session proxy's.
    ("certificate is not trusted", Kind::TlsNotTrusted),
    ("certificaterequired", Kind::TlsClientCertificate),
    ("certificate expired", Kind::TlsClientCertificate),
    ("certificate required", Kind::TlsClientCertificate),
    ("unknown ca", Kind::TlsClientCertificate),
    ("bad certificate", Kind::TlsClientCertificate),
    ("failed loading cafile", Kind::TlsFile),
    ("unable to set local cert", Kind::TlsFile),
    ("unable to set private key", Kind::TlsFile),
    ("handshake timed out", Kind::TlsNotSpoken),
    ("wrong version number", Kind::TlsNotSpoken),
    ("packet length too long", Kind::TlsNotSpoken),
    ("record layer failure", Kind::TlsNotSpoken),
    ("wrongpass", Kind::WrongPassword),
    ("invalid password", Kind::WrongPassword),
    ("invalid username-password", Kind::WrongPassword),
    ("wrong number of arguments for 'auth'", Kind::UserNotKnown),
    ("called without any password configured", Kind::PasswordNotWanted),
    ("auth, but no password is set", Kind::PasswordNotWanted),
    ("noauth", Kind::PasswordMissing),
    // Valkey leaves out who.
    ("running in protected mode", Kind::ProtectedMode),
    ("failed to send authentication", Kind::MechanismsMissing),
    ("authentication failure", Kind::WrongPassword),
    ("noperm", Kind::NoPermission),
    // In a script: Redis 7, then Redis 8 and Valkey.
    ("the user executing the script can't", Kind::NoPermission),
    ("acl failure in script", Kind::NoPermission),
    ("unknown command", Kind::UnknownCommand),
    // Proxies have words of their own.
    ("unsupported command", Kind::UnknownCommand),
    ("err unknown", Kind::UnknownCommand),
    ("misconf", Kind::NotSaved),
    ("noreplicas", Kind::ReplicasMissing),
    ("readonly", Kind::ReadOnlyReplica),
    ("read only replica", Kind::ReadOnlyReplica),
    ("oom command not allowed", Kind::OutOfMemory),
    ("out of memory", Kind::OutOfMemory),
    ("moved ", Kind::IsCluster),
    ("cluster support disabled", Kind::IsNoCluster),
    ("clusterdown", Kind::ClusterDown),
    ("loading redis", Kind::Busy),
    ("busy redis is busy", Kind::Busy),
    ("max number of clients", Kind::TooManyClients),
    ("session lock", Kind::Locked),
    ("connection refused", Kind::ConnectionRefused),
    // localhost resolved to IPv6, in a network without it.
    ("cannot assign requested address", Kind::ConnectionRefused),
    ("timed out", Kind::NoAnswer),
    ("a timeout occurred", Kind::NoAnswer),
    ("no route to host", Kind::NoAnswer),
    ("network is unreachable", Kind::NoAnswer),
    ("no such file or directory", Kind::ConnectionRefused),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn schema_and_page_have_every_kind() {
        let schema: Value =
            serde_json::from_str(include_str!("../../docs/session-check.schema.json")).unwrap();
        let kinds = &schema["properties"]["causes"]["items"]["properties"]["kind"]["enum"];
        assert_eq!(*kinds, json!(Kind::ALL));
        let page = include_str!("../../docs/operations.md");
        for kind in Kind::ALL {
            let name = json!(kind);
            assert!(page.contains(&format!("`{}`", name.as_str().unwrap())), "{name}");
        }
    }
}
