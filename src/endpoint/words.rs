//! Splits the names of credentials into words, and finds what they mean.

use super::names::{
    HARMLESS, Meaning, NEUTRAL, OF_KEY, OF_OTHERS, OF_TLS, PHRASES, SECRET, SYNONYMS, store_words,
};
use crate::store::Store;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The words of a name, in lower case: those of `primaryAccessKey`, `PRIMARY_ACCESS_KEY` and `primaryaccesskey` are
/// the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words(Vec<String>);

/// What a name means, and how much had to be left out or replaced to see it: less is likelier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) meaning: Meaning,
    pub(super) rank: (usize, usize),
}

impl Words {
    pub(super) fn of(name: &str) -> Self {
        let words = split(name).into_iter();
        Self(words.flat_map(|word| segments(&word).unwrap_or_else(|| vec![word])).collect())
    }

    /// The words that we don't know, if there are any and none of them says that another server is meant.
    pub(super) fn of_owner(&self) -> Option<Vec<String>> {
        let unknown = self.0.iter().filter(|word| !VOCABULARY.contains(word.as_str()));
        let owner: Vec<String> = unknown.cloned().collect();
        let is_other = owner.iter().any(|word| OF_OTHERS.contains(&word.as_str()));
        (!owner.is_empty() && !is_other).then_some(owner)
    }

    pub(super) fn without(&self, words: &[String]) -> Self {
        Self(self.0.iter().filter(|word| !words.contains(word)).cloned().collect())
    }

    /// The words with single blanks between them.
    pub(super) fn text(&self) -> String {
        self.0.join(" ")
    }

    pub(super) fn contain(&self, word: &str) -> bool {
        self.0.iter().any(|it| it == word)
    }

    /// Whether one of them names this store.
    pub(super) fn name(&self, store: Store) -> bool {
        store_words(store).iter().any(|word| self.contain(word))
    }

    /// The words that tell what is meant, with single blanks between them.
    pub(super) fn significant(&self, store: Store) -> String {
        self.canonical(store).join(" ")
    }

    /// What they mean for a store.
    pub(super) fn reading(&self, store: Store) -> Option<Reading> {
        if self.0.iter().any(|word| !VOCABULARY.contains(word.as_str())) {
            return None;
        }
        let words = self.canonical(store);
        let texts = [self.text(), words.join(" ")];
        let unchanged = self.0.iter().filter(|word| words.contains(&word.as_str())).count();
        PHRASES.iter().find_map(|(meaning, phrases)| {
            let index = phrases.iter().position(|phrase| texts.iter().any(|it| it == phrase))?;
            Some(Reading { meaning: *meaning, rank: (self.0.len() - unchanged, index) })
        })
    }

    /// Whether they are those of a password, a token or a key.
    pub(super) fn look_secret(&self) -> bool {
        let long = ["password", "passwd", "passphrase", "token", "secret"];
        let glued = |word: &String| long.iter().any(|part| word.contains(part));
        let is_key = self.contain("key") && OF_KEY.iter().any(|word| self.contain(word));
        self.look(&SECRET) || (!self.are_harmless() && (is_key || self.0.iter().any(glued)))
    }

    /// Whether they are those of TLS or of a certificate.
    pub(super) fn look_like_tls(&self) -> bool {
        self.look(&OF_TLS)
    }

    fn look(&self, like: &[&str]) -> bool {
        !self.are_harmless() && self.0.iter().any(|word| like.contains(&synonym(word)))
    }

    fn are_harmless(&self) -> bool {
        HARMLESS.iter().any(|word| self.contain(word))
    }

    /// With synonyms, without neutral words and without repetitions.
    fn canonical(&self, store: Store) -> Vec<&str> {
        let is_neutral = |word: &str| {
            VOCABULARY.contains(word)
                && (NEUTRAL.contains(&word) || store_words(store).contains(&word))
        };
        let mut words: Vec<&str> =
            self.0.iter().filter(|word| !is_neutral(word)).map(|word| synonym(word)).collect();
        words.dedup();
        words
    }
}

fn synonym(word: &str) -> &str {
    if !VOCABULARY.contains(word) {
        // Most of a service's names, where there are thousands.
        return word;
    }
    let canonical = SYNONYMS.iter().find(|(_, others)| others.contains(&word));
    canonical.map_or(word, |(canonical, _)| canonical)
}

/// Every word that we know.
static VOCABULARY: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let phrases = PHRASES.iter().flat_map(|(_, phrases)| phrases.iter());
    let synonyms = SYNONYMS.iter().flat_map(|(_, others)| others.iter());
    let stores = Store::ALL.into_iter().flat_map(store_words);
    let single =
        synonyms.chain(stores).chain(&NEUTRAL).chain(&SECRET).chain(&OF_KEY).chain(&HARMLESS);
    phrases.flat_map(|phrase| phrase.split(' ')).chain(single.copied()).collect()
});

static LONGEST: LazyLock<usize> =
    LazyLock::new(|| VOCABULARY.iter().map(|word| word.len()).max().unwrap_or_default());

/// Splits at separators and between `camelCase` words, but not a word that we know (`PassWord`).
fn split(name: &str) -> Vec<String> {
    let parts = name.split(|c: char| !c.is_alphanumeric());
    let words = parts.flat_map(|part| match part.to_lowercase() {
        lower if VOCABULARY.contains(lower.as_str()) => vec![lower],
        _ => camel_case_words(part),
    });
    words.filter(|word| !word.is_empty()).collect()
}

fn camel_case_words(part: &str) -> Vec<String> {
    let chars: Vec<char> = part.chars().collect();
    let mut words = vec![String::new()];
    for (index, c) in chars.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| chars[before]);
        let is_start = c.is_uppercase()
            && (before.is_some_and(|before| !before.is_uppercase())
                || chars.get(index + 1).is_some_and(|after| after.is_lowercase()));
        if is_start {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words
}

/// The known words of a text without separators (`sslport`, Railway's `REDISHOST`), if it consists of such.
fn segments(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    // The longest first: `hosts` is not `host` and an `s`.
    (1..=text.len().min(*LONGEST)).rev().find_map(|end| {
        let (word, rest) = text.split_at_checked(end)?;
        let mut words = vec![VOCABULARY.get(word)?.to_string()];
        words.extend(segments(rest)?);
        Some(words)
    })
}

#[cfg(test)]
mod tests {
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
            (
                Meaning::PlainPortEnabled,
                "non_ssl_port_enabled enableNonSslPort enable_non_ssl_port",
            ),
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
            (
                Meaning::Nodes,
                "cluster.nodes cluster_nodes clusterNodes configuration_endpoint_address",
            ),
            (Meaning::Database, "database db REDIS_DB database_number"),
            (Meaning::ClusterMode, "cluster_mode cluster-mode clusterModeEnabled"),
            (Meaning::Scheme, "scheme protocol REDIS_SCHEME"),
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
             metrics_port exporter-port sentinel.password sentinel_port sentinelNodes sentinel_master_name \
             cluster_bus_port http_port api_token client_secret MEMCACHED_HOST MYSQL_PASSWORD DB_PASSWORD \
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
        for name in
            ["key_prefix", "access_key_id", "color", "key-5", "sentinel_password", "token_type"]
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
}
