//! Credentials under names that nobody has told us, but that look like a password, like TLS or like a CA. Starting
//! without what they hold would be worse than not starting: in clear text, or with an error on each page.

use super::Endpoint;
use super::entries::Entry;
use super::fields::Fields;
use super::names::Meaning;
use super::pem;
use crate::config::variables::OPTIONS;
use crate::store::Store;
use anyhow::ensure;
use store_client::{RedisEndpoint, Target};

/// Fails, with the names, if the endpoint lacks something that such credentials may hold.
pub(super) fn require_known(fields: &Fields<'_>, endpoint: &Endpoint) -> anyhow::Result<()> {
    let service = fields.service;
    let names = |look: fn(&Entry) -> bool| {
        let is_ours = |entry: &&Entry| {
            Store::ALL.into_iter().all(|it| it == fields.store || !entry.words.name(it))
        };
        let found = fields.not_understood().filter(is_ours).filter(|entry| look(entry));
        found.map(|entry| format!("{:?}", entry.key)).collect::<Vec<_>>().join(", ")
    };
    if !endpoint.has_login() {
        let secrets = names(looks_secret);
        ensure!(
            secrets.is_empty(),
            "The service {service} has no credential that we know as a password, but {secrets} looks like one.\nBound and not used: {}.\nRename it to password, or remove it if the server needs no login.",
            fields.unused().join(", ")
        );
    }
    let tls = match endpoint {
        Endpoint::Redis(redis) => redis.tls(),
        Endpoint::Memcached(memcached) => memcached.tls.as_ref(),
    };
    if tls.is_none() && fields.options.tls.is_none() && !says_no_tls(fields, endpoint)? {
        let names = names(looks_like_tls);
        ensure!(
            names.is_empty(),
            "The service {service} has {names}, which looks like TLS, but no credential that we know says whether to use TLS.\nSet the option tls ({OPTIONS}=tls=on, or tls=off), or rename the credential: ssl for a flag, ca.crt for the CA's certificate."
        );
    }
    if tls.is_some_and(|tls| tls.ca.is_none()) {
        let names = names(is_pem);
        ensure!(
            names.is_empty(),
            "The service {service} has a certificate in {names}, and no credential that we know as the CA's.\nRename it to ca.crt, or set the option ca to the file with the CA's certificate ({OPTIONS}=ca=/PATH; with the system's CAs, ca=/etc/ssl/certs/ca-certificates.crt)."
        );
    }
    Ok(())
}

/// Whether the credentials themselves say that there is no TLS. A socket needs none.
fn says_no_tls(fields: &Fields<'_>, endpoint: &Endpoint) -> anyhow::Result<bool> {
    let is_socket =
        matches!(endpoint, Endpoint::Redis(RedisEndpoint { target: Target::Unix(_), .. }));
    Ok(is_socket || fields.flag(Meaning::Tls)? == Some(false))
}

fn looks_secret(entry: &Entry) -> bool {
    let Some(text) = entry.credential.text() else { return false };
    let is_flag = ["true", "yes", "on", "required", "enabled"].contains(&text);
    (entry.words.look_secret() && !is_flag) || has_login(text)
}

/// Whether it is a uri with a login, or a text such as Azure's connection string.
fn has_login(text: &str) -> bool {
    let authority = text.split_once("://").and_then(|(_, rest)| rest.split(['/', '?']).next());
    authority.is_some_and(|authority| authority.contains('@')) || text.contains("password=")
}

fn looks_like_tls(entry: &Entry) -> bool {
    entry.words.look_like_tls() || is_pem(entry)
}

fn is_pem(entry: &Entry) -> bool {
    entry.credential.text().is_some_and(pem::is_like)
}
