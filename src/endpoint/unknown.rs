//! Credentials under names that nobody has told us, but that look like a password, like TLS or like a CA. Starting
//! without what they hold would be worse than not starting: in clear text, or with an error on each page.

use super::Endpoint;
use super::entries::Entry;
use super::error::EndpointError;
use super::fields::Fields;
use super::names::Meaning;
use super::pem;
use crate::services::Credential;
use crate::store::Store;
use serde_json::Value;
use store_client::{RedisEndpoint, Target};

/// Fails, with the names, if the endpoint lacks something that such credentials may hold.
pub(super) fn require_known(fields: &Fields<'_>, endpoint: &Endpoint) -> Result<(), EndpointError> {
    let names = |look: &dyn Fn(&Entry) -> bool| {
        let others: Vec<Store> = Store::ALL.into_iter().filter(|it| *it != fields.store).collect();
        let is_ours = |entry: &&Entry| !others.iter().any(|store| entry.words.name(*store));
        let found = fields.not_understood().filter(is_ours).filter(|entry| look(entry));
        found.map(|entry| format!("{:?}", entry.key)).collect::<Vec<_>>().join(", ")
    };
    let service = || fields.service();
    let secrets = if endpoint.has_login() { String::new() } else { names(&looks_secret) };
    if !secrets.is_empty() {
        let unused = fields.unused().join(", ");
        return Err(EndpointError::UnknownPassword { service: service(), secrets, unused });
    }
    let tls = match endpoint {
        Endpoint::Redis(redis) => redis.tls(),
        Endpoint::Memcached(memcached) => memcached.tls.as_ref(),
    };
    let is_settled = fields.options.tls.is_some() || says_no_tls(fields, endpoint)?;
    let of_tls = if tls.is_none() && !is_settled { names(&looks_like_tls) } else { String::new() };
    if !of_tls.is_empty() {
        return Err(EndpointError::UnknownTls { service: service(), names: of_tls });
    }
    let cas = if tls.is_some_and(|tls| tls.ca.is_none()) { names(&is_pem) } else { String::new() };
    if !cas.is_empty() {
        return Err(EndpointError::UnknownCa { service: service(), names: cas });
    }
    Ok(())
}

/// Whether the credentials themselves say that there is no TLS. A socket needs none.
fn says_no_tls(fields: &Fields<'_>, endpoint: &Endpoint) -> Result<bool, EndpointError> {
    let is_socket =
        matches!(endpoint, Endpoint::Redis(RedisEndpoint { target: Target::Unix(_), .. }));
    Ok(is_socket || fields.flag(Meaning::Tls)? == Some(false))
}

fn looks_secret(entry: &Entry) -> bool {
    let Some(text) = text(entry) else { return false };
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
    text(entry).is_some_and(pem::is_like)
}

fn text(entry: &Entry) -> Option<&str> {
    match &entry.credential {
        Credential::Value(Value::String(text)) => Some(text),
        _ => None,
    }
}
