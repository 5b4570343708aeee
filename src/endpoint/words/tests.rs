use super::*;

fn meaning(name: &str) -> Option<Meaning> {
    Words::of(name).reading(Store::Redis).map(|reading| reading.meaning)
}

#[test]
fn neither_case_nor_separators_matter() {
    for name in [
        "primary_access_key",
        "primaryAccessKey",
        "PrimaryAccessKey",
        "PRIMARY-ACCESS-KEY",
        "primary.access.key",
        "primaryaccesskey",
        "primary access key",
    ] {
        assert_eq!(meaning(name), Some(Meaning::Password), "{name}");
    }
    assert_eq!(Words::of("TLSPort").text(), "tls port");
    assert_eq!(Words::of("ümläut_Ünd").text(), "ümläut ünd");
}

#[test]
fn names_of_the_field_mean_what_they_say() {
    for (expected, names) in [
        (
            Meaning::Host,
            "host hostname hostName HOST REDISHOST redis_server primary_endpoint address \
             attribute.primary_endpoint_address REDIS_MASTER_SERVICE_HOST master-host serverAddress \
             connection.rediss.hosts.0.hostname primaryEndpointAddress",
        ),
        (Meaning::Port, "port REDIS_PORT REDISPORT valkey.port host_port REDIS_SERVICE_PORT"),
        (Meaning::TlsPort, "tls_port sslPort ssl_port SSLPORT secure_port redis_tls_port"),
        (Meaning::PlainPortEnabled, "non_ssl_port_enabled enableNonSslPort enable_non_ssl_port"),
        (Meaning::User, "user username userName REDIS_USER login valkey.username acl_user"),
        (
            Meaning::Password,
            "password PASSWORD PassWord pass pwd passwd redis-password valkey-password service_password \
             auth_string authToken auth_token primaryKey host_password secret token access_key \
             REDIS_AUTH requirepass redisSecret REDISPASSWORD attribute.auth_token passphrase",
        ),
        (Meaning::Uri, "uri url REDIS_URL redis_tls_url connectionString dsn connection_uri"),
        (Meaning::Tls, "ssl tls tls_enabled useSSL transit_encryption_enabled ssl_mode isTls"),
        (
            Meaning::Ca,
            "ca cacrt ca.crt ca.pem ca-cert.pem ca_cert caCertificate server_ca_certs.0.cert",
        ),
        (
            Meaning::Certificate,
            "certificates certificate_base64 connection.rediss.certificate.certificate_base64",
        ),
        (Meaning::ClientCertificate, "tls.crt client.crt client_cert clientCertificate"),
        (Meaning::ClientKey, "tls.key client.key client_key private-key privateKey"),
        (Meaning::Nodes, "cluster.nodes cluster_nodes clusterNodes configuration_endpoint_address"),
        (Meaning::Database, "database db REDIS_DB database_number"),
        (Meaning::ClusterMode, "cluster_mode cluster-mode clusterModeEnabled"),
        (Meaning::Scheme, "scheme protocol REDIS_SCHEME"),
        (
            Meaning::SentinelMaster,
            "sentinel.master sentinel_master_name redis.sentinel.master REDIS_SENTINEL_MASTER sentinelMasterName",
        ),
        (
            Meaning::SentinelNodes,
            "sentinel.nodes sentinelNodes sentinels sentinel_hosts sentinel_host",
        ),
        (Meaning::SentinelPort, "sentinel_port sentinel.port REDIS_SENTINEL_PORT"),
        (Meaning::SentinelUser, "sentinel.username sentinel_user"),
        (Meaning::SentinelPassword, "sentinel.password sentinel_password redis.sentinel.password"),
        (Meaning::SentinelTls, "sentinel.ssl sentinel_tls sentinel_tls_enabled"),
        (Meaning::SentinelCa, "sentinel.ca.crt sentinel_ca"),
    ] {
        for name in names.split_whitespace() {
            assert_eq!(meaning(name), Some(expected), "{name}");
        }
    }
}

#[test]
fn what_belongs_to_something_else_means_nothing() {
    for name in "reader_endpoint read_endpoint replica_host readonlyHost load_balanced_host \
         secondary_access_key secondaryKey admin_port adminPassword management_url dashboard_url \
         metrics_port exporter-port sentinel.tls.key sentinel_quorum cluster_bus_port http_port api_token client_secret MEMCACHED_HOST MYSQL_PASSWORD DB_PASSWORD \
         proxy_host access_key_id key_prefix service_name instance_name role-arn user-id tls_versions \
         minimum_tls_version at_rest_encryption_enabled host1 name cluster"
        .split_whitespace()
    {
        assert_eq!(meaning(name), None, "{name}");
    }
}

#[test]
fn a_plain_name_is_likelier_than_one_with_more_words() {
    let rank = |name: &str| Words::of(name).reading(Store::Redis).map(|reading| reading.rank);
    for names in [
        ["host", "hostname"],
        ["hostname", "ip"],
        ["password", "redis_password"],
        ["password", "token"],
        ["redis_password", "redis_auth_token"],
    ] {
        assert!(rank(names[0]) < rank(names[1]), "{names:?}");
    }
}

#[test]
fn secrets_and_tls_are_smelt_under_any_name() {
    let words = |name: &str| Words::of(name);
    for name in
        ["api_token", "sessions-password", "mypassword", "shopSecretX", "auth_thing", "api_key"]
    {
        assert!(words(name).look_secret(), "{name}");
    }
    for name in ["key_prefix", "access_key_id", "color", "key-5", "sentinel_password", "token_type"]
    {
        assert!(!words(name).look_secret(), "{name}");
    }
    for name in ["ssl_thing", "my_certificate", "custom-ca", "encryptionPolicy"] {
        assert!(words(name).look_like_tls(), "{name}");
    }
    for name in ["minimum_tls_version", "at_rest_encryption_enabled", "location", "cat"] {
        assert!(!words(name).look_like_tls(), "{name}");
    }
}
