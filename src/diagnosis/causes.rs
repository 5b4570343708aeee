//! The kinds of causes: their names in JSON, what is wrong, and what to do. The launch and `session-check` say the same.

use serde::Serialize;
use std::fmt;

/// One table of all kinds: what is wrong, and what to do.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident: $what:literal, $advice:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub(crate) enum CauseKind {
            $($(#[$doc])* $kind,)*
        }

        impl CauseKind {
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$kind,)*];

            pub(crate) fn advice(self) -> &'static str {
                match self {
                    $(Self::$kind => $advice,)*
                }
            }
        }

        impl fmt::Display for CauseKind {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(match self {
                    $(Self::$kind => $what,)*
                })
            }
        }
    };
}

kinds! {
    ExtensionMissing: "The extension is missing",
        "Rebuild the image. If PHP has changed since the build (a different run image), go back to the PHP it was built with.";
    SettingsOverridden: "The settings are overridden",
        "Remove the setting from that ini file, or from the app's own places (listed below if any were found): .user.ini, .htaccess, php_admin_value in php-fpm's pool, ini_set().";
    FrameworkKeepsItsOwn: "The framework keeps its sessions elsewhere",
        "Configure the framework to keep sessions in the service: docs/frameworks.md.";
    PageElsewhere: "The page keeps its session elsewhere",
        "Check which of the places below overrides the settings, and whether the launcher started the web server with this service bound.";
    LocalFiles: "Sessions are in local files",
        "Bind a session service. Local files are lost with the container, and other instances cannot see them (BPL_PHP_SESSION_MISSING=files).";
    NameNotResolved: "The host name cannot be resolved",
        "Check the host name in the service's credentials, and that the container is in a network that can resolve it.";
    ConnectionRefused: "Nothing listens there",
        "Check that the server runs, that the port in the credentials is right, and that the server listens on more than loopback.";
    Loopback: "Nothing listens in the container itself",
        "In a container, localhost is the container itself. Unless the server is a sidecar, use its name in the network.";
    NoAnswer: "The server does not answer",
        "Check that the server is not overloaded or stopped, and that no firewall or network policy blocks the connection.";
    ConnectionClosed: "The server closes the connection",
        "Check host and port in the credentials, whether the server accepts only TLS, and its own log.";
    OtherService: "Something else listens there",
        "Check host and port in the credentials.";
    TlsNotTrusted: "The server's certificate is not trusted",
        "Add the CA's certificate to the credentials (ca.crt, or BPL_PHP_SESSION_OPTIONS=ca=/FILE), and check that the server's certificate has not expired.";
    TlsOtherName: "The server's certificate is for another name",
        "Use a name of the certificate as the host, or add this name (or address) to the alternative names of the server's certificate.";
    TlsClientCertificate: "The server requires a client certificate",
        "Add tls.crt and tls.key to the credentials, with a certificate that the server accepts.";
    TlsFile: "A certificate or key cannot be used",
        "Check ca.crt, tls.crt and tls.key in the credentials: PEM, and the key of this very certificate; and that PHP's user may read their files.";
    TlsNotSpoken: "The server does not speak TLS there",
        "Use its port with TLS, or set ssl to false in the credentials (or BPL_PHP_SESSION_OPTIONS=tls=off).";
    TlsExpected: "The server accepts only TLS",
        "Set ssl to true in the credentials (or BPL_PHP_SESSION_OPTIONS=tls=on), or use its port without TLS.";
    TlsFailed: "TLS fails",
        "If the server requires a client certificate, add tls.crt and tls.key to the credentials.";
    PhpWithoutTls: "PHP has no TLS",
        "Use a PHP with its openssl extension, or a service without TLS.";
    WrongPassword: "The password or the user is wrong",
        "Check user and password in the credentials. If the password has changed, restart the container.";
    NoToken: "The cloud issues no token to log in with",
        "Check the source that was asked, and what the container's role or identity may do.";
    NoTokenYet: "The cloud issues no token to log in with for now",
        "Check the source that was asked, and that the container can reach it.";
    PasswordMissing: "The server requires a password",
        "Add password (and username, for an ACL user or Memcached) to the credentials.";
    PasswordNotWanted: "The server has no password, or supports no logins",
        "Remove user and password from the credentials, or set a password on the server (Memcached: start it with SASL, -S). Redis Sentinel, usually on port 26379, says so too: use host and port of Redis itself.";
    UserNotKnown: "The server is older than Redis 6 and knows no users",
        "Remove the user from the credentials: the server takes the password alone.";
    TextProtocolOnly: "The server speaks only the text protocol",
        "A login needs Memcached's binary protocol, which many proxies and compatible servers don't speak. If the server needs no login, remove user and password from the credentials.";
    TextLogin: "The server requires a login in the text protocol",
        "PHP's extension supports only SASL. Start the server with SASL (-S), or without a login.";
    MechanismsMissing: "SASL has no mechanism to log in with",
        "libsasl2, through which PHP's own handler logs in, finds none of its plugins. Install them in the run image (Debian: libsasl2-modules), or set BPL_PHP_SESSION_PROXY=auto: the session proxy logs in, and needs none.";
    NoPermission: "The user lacks a right",
        "Grant the user the rights that sessions need: ~PHPREDIS_SESSION:* +get +setex +expire +del +exists +set +evalsha +eval +select +echo +cluster|slots +asking (with your prefix, if you have set one).";
    UnknownCommand: "The server does not know a command",
        "The command was disabled or renamed, or a proxy blocks it: allow it. Without EVAL, set BPL_PHP_SESSION_OPTIONS=locking=off, which lets concurrent requests of one session overwrite each other's changes. Without ECHO, set persistent=off. Without SELECT, use database 0.";
    ProtectedMode: "The server accepts only local connections",
        "It has no password and is in protected mode. Set a password (requirepass), or protected-mode no in a network that you trust.";
    NotSaved: "The server cannot save its data, and refuses to write",
        "The server's own log says why its last snapshot failed: a full disk, a folder without write permission, too little memory.";
    ReplicasMissing: "The server has too few replicas, and refuses to write",
        "Restore its replicas, or lower min-replicas-to-write.";
    ReadOnlyReplica: "The server is a read-only replica",
        "Use the host name of the primary, not of a replica (a reader endpoint).";
    OutOfMemory: "The server's memory is full",
        "Give the server more memory, or an eviction policy for keys with an expiry: maxmemory-policy volatile-lru.";
    IsCluster: "The server is part of a cluster",
        "Set BPL_PHP_SESSION_PROXY=auto, and the session proxy finds its nodes. For PHP's own handler, add cluster.nodes or cluster_mode to the credentials.";
    IsNoCluster: "The server is not a cluster",
        "Remove cluster.nodes or cluster_mode from the credentials.";
    IsSentinel: "The server may be Redis Sentinel",
        "Sentinel (usually on port 26379) only tells where Redis is: add sentinel.master and sentinel.nodes to the credentials in place of host and port.";
    PrimaryUnknown: "The Sentinels do not tell where the primary is",
        "Check sentinel.master in the credentials, which is the name in Sentinel's own configuration, and Sentinel's login: sentinel.username and sentinel.password.";
    DatabaseMissing: "The server does not have this database",
        "Use another one, or raise its number of databases. A Redis cluster has only database 0 (Valkey's may have more as of version 9): remove database from the credentials and from BPL_PHP_SESSION_OPTIONS.";
    ClusterDown: "The server is a node of a cluster in which nobody serves the slot of the session",
        "Restore the missing nodes, create the cluster, or give it all slots (redis-cli --cluster create, or fix).";
    UpstreamDown: "The server waits for another one",
        "Check the servers that it needs: its primary, or those behind a proxy.";
    Busy: "The server is busy",
        "Wait until the server has started. If a script runs for too long, use SCRIPT KILL.";
    TooManyClients: "The server accepts no more clients",
        "Raise the server's maxclients, use a bigger plan, or use fewer workers (php-fpm's pm.max_children, replicas).";
    KeyTooLong: "The session's id is too long for Memcached",
        "Set session.sid_length in the app's ini file, or leave PHP's default, 32.";
    Locked: "The session is locked",
        "Another request holds the session for a long time, or the server does not allow the lock. See the other messages.";
    Unknown: "Unknown cause",
        "See the messages of the failed step, and the server's own log.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn schema_and_page_have_every_kind() {
        let schema: Value =
            serde_json::from_str(include_str!("../../docs/session-check.schema.json")).unwrap();
        let kinds = &schema["properties"]["causes"]["items"]["properties"]["kind"]["enum"];
        assert_eq!(*kinds, json!(CauseKind::ALL));
        let page = include_str!("../../docs/operations.md");
        for kind in CauseKind::ALL {
            let name = json!(kind);
            assert!(page.contains(&format!("`{}`", name.as_str().unwrap())), "{name}");
        }
    }
}
