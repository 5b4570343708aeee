//! The kinds of causes: the words by which they are known, and those in which people are told.

use serde::Serialize;
use std::fmt;

/// One table of all kinds: what it is, and what to do.
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
        "Build the image again. If PHP has changed since the build (another run image), use the PHP that was built with.";
    /// PHP has other settings than the buildpack's.
    SettingsOverridden: "The settings are overridden",
        "Remove the setting from that ini file, or from the app's own places (listed below, if any were found): .user.ini, .htaccess, php_admin_value of php-fpm's pool, ini_set().";
    /// The app's framework keeps its sessions by itself, and not in the service.
    FrameworkKeepsItsOwn: "The framework keeps its sessions elsewhere",
        "Tell the framework where sessions are: docs/frameworks.md.";
    /// A page keeps its session elsewhere.
    PageElsewhere: "The page keeps its session elsewhere",
        "See which of the places below sets another one, and whether the web server was started by the launcher, with this service bound.";
    /// No service is bound, and that is allowed.
    LocalFiles: "Sessions are in local files",
        "Bind a session service. Local files are lost with the container, and other instances don't see them (BPL_PHP_SESSION_MISSING=files).";
    /// The host's name leads nowhere.
    NameNotResolved: "The host's name is not known",
        "Check the host's name in the service's credentials, and that the container is in a network where it is known.";
    /// Nobody listens.
    ConnectionRefused: "The connection is refused",
        "Check that the server runs, the port in the credentials, and that the server listens on more than loopback.";
    /// Nobody listens, and the host is the container itself.
    Loopback: "Nothing listens in the container itself",
        "In a container, localhost is the container itself: give the name under which the server is known in the network, unless it is a sidecar.";
    /// Nobody answers.
    NoAnswer: "The server does not answer",
        "Check that the server is not overloaded or stopped, and the firewall or network policy between the two.";
    /// The certificate's authority is not trusted, or the certificate is out of date.
    TlsNotTrusted: "The server's certificate is not trusted",
        "Give the certificate of the authority in the credentials (ca.crt), and check that the server's certificate is not out of date.";
    /// The certificate is for another name.
    TlsOtherName: "The server's certificate is for another name",
        "Use the host's name that the certificate has, or a certificate with this name (or address) among its alternative names.";
    /// The server wants a client's certificate.
    TlsClientCertificate: "The server asks for a client's certificate",
        "The server asks for a client's certificate, or does not take this one: give tls.crt and tls.key in the credentials.";
    /// A file with a certificate or key cannot be used.
    TlsFile: "A certificate or key cannot be used",
        "Check that the certificates and the key in the credentials are PEM, belong together, and that PHP's user may read their files.";
    /// The server does not speak TLS.
    TlsNotSpoken: "The server does not speak TLS there",
        "The port is not for TLS: use the TLS port, or set ssl to false in the credentials.";
    /// The server speaks TLS only.
    TlsExpected: "The server may speak TLS only",
        "The port may be for TLS only: set ssl to true in the credentials (Redis), or use a port without TLS (Memcached).";
    /// PHP has no TLS.
    PhpWithoutTls: "PHP has no TLS",
        "Use a PHP with its openssl extension, or a service without TLS.";
    /// The password or the user is wrong.
    WrongPassword: "The password or the user is wrong",
        "Check user and password in the credentials. After a change of the password, restart the container.";
    /// The server wants a password.
    PasswordMissing: "The server asks for a password",
        "The server asks for a password: add it to the credentials.";
    /// The server has no password.
    PasswordNotWanted: "The server does not take a password",
        "The server has no password: remove user and password from the credentials, or set one at the server.";
    /// The server may not speak the binary protocol.
    TextProtocolOnly: "The server may speak the text protocol only",
        "A login takes Memcached's binary protocol, which many proxies and compatible servers don't speak: remove user and password from the credentials, if the server needs none.";
    /// libsasl2 has no mechanism.
    MechanismsMissing: "SASL has no mechanism to log in with",
        "libsasl2 finds no mechanism for the login: install libsasl2-modules in the run image, or build again with a network. Under php-fpm as root, set env[SASL_PATH] = $SASL_PATH in the pool.";
    /// The user may not do it.
    NoPermission: "The user is not allowed to do it",
        "Give the user the rights that sessions take: ~PHPREDIS_SESSION:* +get +setex +expire +del +exists +set +evalsha +eval +select +echo (with your prefix, if you have set one).";
    /// The server does not know a command, or a proxy does not let it through.
    UnknownCommand: "The server does not know a command",
        "The command was forbidden or renamed, or a proxy does not let it through: allow it. Without EVAL sessions are kept with BPL_PHP_SESSION_OPTIONS=locking=off, where concurrent requests of one session overwrite each other's changes; without ECHO with persistent=off; without SELECT in database 0.";
    /// The server only talks to its own machine.
    ProtectedMode: "The server only talks to its own machine",
        "The server has no password and is in protected mode: give it a password (requirepass), or set protected-mode no in a network that you trust.";
    /// The server cannot save its data.
    NotSaved: "The server cannot save its data, and refuses to write",
        "See why its last snapshot failed in the server's own log: a full disk, a folder without write permission, too little memory.";
    /// The server's replicas are gone.
    ReplicasMissing: "The server has too few replicas, and refuses to write",
        "Bring its replicas back, or lower min-replicas-to-write.";
    /// The server is a read-only replica.
    ReadOnlyReplica: "The server is a read-only replica",
        "Use the host's name that leads to the master, not to a replica (a reader endpoint).";
    /// The server's memory is full.
    OutOfMemory: "The server's memory is full",
        "Give the server more memory, or an eviction policy for keys with a lifetime: maxmemory-policy volatile-lru.";
    /// The server is a cluster's node.
    IsCluster: "The server is part of a cluster",
        "The server is a node of a cluster: say so in the credentials, by cluster.nodes or cluster_mode.";
    /// The server is no cluster's node.
    IsNoCluster: "The server is no cluster",
        "The server is no cluster: remove cluster.nodes or cluster_mode from the credentials.";
    /// A cluster lacks nodes.
    ClusterDown: "The cluster lacks nodes",
        "Bring the missing nodes of the cluster back.";
    /// The server is starting, or runs a script that does not end.
    Busy: "The server is busy",
        "Wait until the server has started. Where a script runs for too long: SCRIPT KILL.";
    /// The server has all the clients that it takes.
    TooManyClients: "The server takes no more clients",
        "Raise the server's maxclients, take a greater plan, or use fewer workers (php-fpm's pm.max_children, replicas).";
    /// Another request has the session.
    Locked: "The session is locked",
        "Another request has the session for a long time, or the server does not let the lock be set: see what else was said.";
    /// None of these.
    Unknown: "Something else",
        "See what was said, and the server's own log.";
}

/// Texts, part of a message in any case, and what they mean. The first that fits counts; the texts are
/// those of PHP, phpredis 5.3 and 6.2, libmemcached, OpenSSL and Redis.
pub(crate) const TEXTS: [(&str, Kind); 50] = [
    ("unable to find the socket transport", Kind::PhpWithoutTls),
    ("getaddrinfo", Kind::NameNotResolved),
    ("name or service not known", Kind::NameNotResolved),
    ("name resolution", Kind::NameNotResolved),
    ("hostname lookup failure", Kind::NameNotResolved),
    ("did not match expected name", Kind::TlsOtherName),
    ("certificate verify failed", Kind::TlsNotTrusted),
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
    ("called without any password configured", Kind::PasswordNotWanted),
    ("auth, but no password is set", Kind::PasswordNotWanted),
    ("noauth", Kind::PasswordMissing),
    ("denied redis is running in protected mode", Kind::ProtectedMode),
    ("failed to send authentication", Kind::MechanismsMissing),
    ("authentication failure", Kind::WrongPassword),
    ("noperm", Kind::NoPermission),
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
    // localhost as IPv6, where there is none.
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
