//! Services that were perhaps meant for the sessions, and are not taken: each with the line that would use it. In
//! an order where the buildpack is optional, nothing else tells their users.

use super::Services;
use super::origin::Origin;
use super::search_keys::SearchKeys;
use super::service::Service;
use crate::store::Store;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How many services a message names at most.
const MOST: usize = 5;

/// A line for each service that is nearly one for the sessions.
#[must_use]
pub(crate) fn near_misses(services: &Services, keys: &SearchKeys, stores: &[Store]) -> Vec<String> {
    let of_service = |service| {
        let store = stores.iter().find_map(|store| near_miss(service, keys, *store));
        store.or_else(|| without_type(service, stores))
    };
    services.iter().filter_map(of_service).take(MOST).collect()
}

fn near_miss(service: &Service, keys: &SearchKeys, store: Store) -> Option<String> {
    let (kind, variable) = (store.binding_type(), store.search_key_variable());
    let key = keys.of(store).text.as_str();
    let by_name = format!("set {variable}={}", service.name);
    let written = |text: &&String| plain(text) == kind;
    if let Some(text) = service.kind.iter().chain(&service.credentials_type).find(written) {
        return Some(format!(
            "{service} has the type {text:?}: write it as {kind}, without anything around it"
        ));
    }
    if plain(&service.name).contains(&plain(key)) {
        return Some(format!(
            "{service} has nearly the name {key:?}, in which case and - count: rename it, or {by_name}"
        ));
    }
    if service.is_of_kind(store) {
        let title = store.title();
        return Some(match service.origin {
            Origin::Bindings(_) => format!(
                "{service} is a {title} service: to keep sessions there, set its type to {kind}, or {by_name}"
            ),
            _ => format!("{service} is a {title} service: to keep sessions there, {by_name}"),
        });
    }
    None
}

/// A binding must have a type; a Secret without the key `type` has none.
fn without_type(service: &Service, stores: &[Store]) -> Option<String> {
    let types: Vec<&str> = stores.iter().map(|store| store.binding_type()).collect();
    let untyped = matches!(service.origin, Origin::Bindings(_)) && service.kind.is_none();
    untyped.then(|| {
        format!("{service} has no type: to keep sessions there, add a file (in a Secret, a key) named type with {}", types.join(" or "))
    })
}

/// A name or a type as it was meant: in small letters, with `-` between words, without quotes, not in base64 (a
/// Secret's `data` where `stringData` was meant).
fn plain(text: &str) -> String {
    let text =
        text.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'' || c == '\u{feff}');
    let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = decoded.filter(|it| it.contains("-session")).unwrap_or_else(|| text.to_owned());
    text.trim().to_ascii_lowercase().replace(['_', ' ', '.'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::AppOptions;
    use crate::config::environment::Environment;
    use std::path::Path;

    /// The lines for a folder of bindings, each with this type.
    fn lines(bindings: &[(&str, Option<&str>)]) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        for (name, kind) in bindings {
            std::fs::create_dir(root.path().join(name)).unwrap();
            std::fs::write(root.path().join(name).join("host"), "h").unwrap();
            if let Some(kind) = kind {
                std::fs::write(root.path().join(name).join("type"), kind).unwrap();
            }
        }
        let root = root.path().to_str().unwrap();
        let environment = [("SERVICE_BINDING_ROOT", root)].into_iter().collect();
        let services = Services::read(&environment, Path::new("/nowhere")).unwrap();
        let keys = SearchKeys::determine(&Environment::default(), &AppOptions::default()).unwrap();
        near_misses(&services, &keys, &Store::ALL)
    }

    #[test]
    fn each_gets_the_line_that_would_use_it() {
        for (name, kind, expected) in [
            (
                "cache",
                Some("redis"),
                "set its type to php-redis-session, or set REDIS_SESSION_STORE_SERVICE_NAME=cache",
            ),
            ("cache", Some("valkey"), "is a Redis service"),
            ("cache", Some("memcached"), "MEMCACHED_SESSION_STORE_SERVICE_NAME=cache"),
            ("REDIS_SESSIONS", Some("x"), "set REDIS_SESSION_STORE_SERVICE_NAME=REDIS_SESSIONS"),
            ("Redis-Sessions", Some("x"), "nearly the name \"redis-sessions\""),
            ("a", Some("\"php-redis-session\""), "write it as php-redis-session"),
            ("a", Some("cGhwLXJlZGlzLXNlc3Npb24="), "write it as php-redis-session"),
            ("a", Some("php_memcached_session"), "write it as php-memcached-session"),
            ("sessions", None, "has no type"),
        ] {
            let lines = lines(&[(name, kind)]);
            assert_eq!(lines.len(), 1, "{name}, {kind:?}: {lines:?}");
            assert!(lines[0].contains(expected), "{name}, {kind:?}: {lines:?}");
        }
        assert_eq!(lines(&[("db", Some("postgresql")), ("mail", Some("smtp"))]), [""; 0]);
    }
}
