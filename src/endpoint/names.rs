//! The names that brokers and operators give to credentials, as data. A name counts by its [words](super::words):
//! neither case nor separators matter, words that only say which store or which connection is meant are left out,
//! and a word may stand for another. A name with any other word in it (`reader_endpoint`, `admin_port`,
//! `sentinel_password`) belongs to something else, and is never used.

use crate::store::Store;

/// What a credential is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Host,
    Port,
    TlsPort,
    /// Whether the server has a port without TLS.
    PlainPortEnabled,
    User,
    Password,
    Uri,
    Scheme,
    Database,
    /// A cluster's nodes.
    Nodes,
    /// Several servers: Memcached's, or those of a cluster or of a primary and its replicas.
    Hosts,
    ClusterMode,
    Tls,
    Ca,
    /// The client's if there is a key, else the CA's.
    Certificate,
    ClientCertificate,
    ClientKey,
    /// What Sentinels call the primary and its replicas.
    SentinelMaster,
    SentinelNodes,
    SentinelPort,
    SentinelUser,
    SentinelPassword,
    SentinelTls,
    SentinelCa,
}

/// The words of each meaning, likelier ones first, after [`SYNONYMS`] and without [`NEUTRAL`] words.
pub(super) const PHRASES: [(Meaning, &[&str]); 24] = [
    // IBM Cloud: `connection.rediss.hosts.0.hostname`.
    (Meaning::Host, &["host", "host name", "hosts host name", "hosts host"]),
    (Meaning::Port, &["port", "host port", "hosts port"]),
    (Meaning::TlsPort, &["tls port", "port tls", "host tls port"]),
    // Azure: `non_ssl_port_enabled`, `enableNonSslPort`.
    (Meaning::PlainPortEnabled, &["non tls port enabled", "enabled non tls port"]),
    (Meaning::User, &["user name", "user", "acl user", "auth user", "auth user name"]),
    // Azure: `primaryKey`, `primary_access_key`. AWS: `auth_token`. Google: `auth_string`.
    (
        Meaning::Password,
        &[
            "password",
            "auth password",
            "access password",
            "user password",
            "host password",
            "auth string",
            "auth key",
            "access key",
            "account key",
            "password key",
            "required password",
            "primary key",
            "auth",
        ],
    ),
    // IBM Cloud: `composed`. Render: `connectionString`.
    (Meaning::Uri, &["tls uri", "uri", "composed", "string"]),
    // OVHcloud: `endpoints.0.scheme`. Azure: `clientProtocol`.
    (Meaning::Scheme, &["scheme", "hosts scheme", "client scheme"]),
    (Meaning::Database, &["database", "database number", "database index"]),
    // Spring: `cluster.nodes`. AWS: `configuration_endpoint_address`.
    (Meaning::Nodes, &["cluster hosts", "configuration host"]),
    (Meaning::Hosts, &["hosts"]),
    (Meaning::ClusterMode, &["cluster mode", "cluster mode enabled", "cluster enabled"]),
    // AWS: `transit_encryption_enabled`. Google: `transit_encryption_mode`.
    (
        Meaning::Tls,
        &[
            "tls",
            "tls enabled",
            "enabled tls",
            "tls required",
            "required tls",
            "use tls",
            "is tls",
            "tls mode",
            "transit tls",
            "transit tls enabled",
            "transit tls mode",
            "tls in transit",
            "in transit tls",
            "hosts tls",
        ],
    ),
    // Google: `server_ca_certs.0.cert`.
    (
        Meaning::Ca,
        &[
            "ca",
            "ca cert",
            "tls ca",
            "tls ca cert",
            "host ca",
            "host ca cert",
            "root ca",
            "root cert",
            "ca file",
            "tls ca file",
        ],
    ),
    (Meaning::Certificate, &["cert"]),
    (Meaning::ClientCertificate, &["tls cert", "client cert", "tls cert file"]),
    (
        Meaning::ClientKey,
        &["tls key", "client key", "private key", "client private key", "tls key file"],
    ),
    // Spring: `sentinel.master`. a9s: `sentinel_master_name`, `sentinel.master_name`.
    (
        Meaning::SentinelMaster,
        &["sentinel master name", "sentinel master", "sentinel primary", "sentinel service name"],
    ),
    (Meaning::SentinelNodes, &["sentinel hosts", "sentinels", "sentinel host"]),
    (Meaning::SentinelPort, &["sentinel port"]),
    (Meaning::SentinelUser, &["sentinel user name", "sentinel user"]),
    (Meaning::SentinelPassword, &["sentinel password", "sentinel auth password", "sentinel auth"]),
    (Meaning::SentinelTls, &["sentinel tls", "sentinel tls enabled"]),
    (Meaning::SentinelCa, &["sentinel ca", "sentinel ca cert", "sentinel tls ca"]),
];

/// Words that mean the same as the first one.
pub(super) const SYNONYMS: [(&str, &[&str]); 11] = [
    ("host", &["address", "addr", "domain", "endpoint", "server", "fqdn", "ip"]),
    ("hosts", &["addresses", "endpoints", "servers", "nodes"]),
    ("user", &["login"]),
    ("password", &["passwd", "pass", "pwd", "passphrase", "secret", "token"]),
    ("uri", &["url", "dsn"]),
    ("scheme", &["protocol"]),
    ("database", &["db"]),
    ("tls", &["ssl", "secure", "encryption", "encrypted"]),
    ("cert", &["certificate", "certificates", "certs", "crt", "pem", "base64", "bundle"]),
    ("enabled", &["enable"]),
    ("required", &["require"]),
];

/// Words that say nothing about what a credential is for. `0` is the first of a list.
pub(super) const NEUTRAL: [&str; 15] = [
    "0",
    "attribute",
    "authentication",
    "cache",
    "connection",
    "credentials",
    "elasticache",
    "instance",
    "leader",
    "main",
    "master",
    "primary",
    "service",
    "write",
    "writer",
];

/// The words that name a store. Each store has its own, because one Secret may hold the credentials of both.
pub(super) fn store_words(store: Store) -> &'static [&'static str] {
    store.choose(
        &["redis", "rediss", "valkey", "valkeys"],
        &["memcached", "memcache", "memcachedcloud", "memcachier", "sasl"],
    )
}

/// Entries that describe a service rather than how to reach it. We don't use them, and don't report them as unused.
pub(super) const METADATA: [&str; 18] = [
    "binding guid",
    "binding name",
    "instance guid",
    "instance name",
    "label",
    "load balanced host",
    "memory size gb",
    "name",
    "plan",
    "provider",
    "reader endpoint",
    "redis version",
    "service tier",
    "status",
    "tags",
    "tls versions",
    "type",
    "version",
];

/// Words of a secret, even of one that is for something else.
pub(super) const SECRET: [&str; 3] = ["password", "auth", "credential"];

/// A key is a secret after one of these words; others are names.
pub(super) const OF_KEY: [&str; 8] =
    ["access", "account", "api", "auth", "master", "primary", "secondary", "shared"];

/// Words of TLS and of certificates.
pub(super) const OF_TLS: [&str; 3] = ["tls", "cert", "ca"];

/// With one of these words, a name is not that of a secret, of TLS or of a certificate, whatever its other words:
/// `key_prefix`, `access_key_id`, `minimum_tls_version`, `at_rest_encryption_enabled`, Sentinel's own password.
pub(super) const HARMLESS: [&str; 14] = [
    "arn",
    "id",
    "name",
    "path",
    "prefix",
    "public",
    "rest",
    "rotation",
    "sentinel",
    "sentinels",
    "size",
    "type",
    "version",
    "versions",
];

/// With one of these words, a name is that of another server, whoever owns it.
pub(super) const OF_OTHERS: [&str; 16] = [
    "admin",
    "balanced",
    "console",
    "dashboard",
    "exporter",
    "http",
    "management",
    "metrics",
    "proxy",
    "read",
    "reader",
    "readonly",
    "replica",
    "replicas",
    "secondary",
    "slave",
];
