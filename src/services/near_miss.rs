//! Services that may have been meant for sessions but do not match, each with the setting that would make it
//! match. Where the buildpack is optional in its order group, nothing else tells users about them.

use super::Services;
use super::origin::Origin;
use super::search_keys::SearchKeys;
use super::service::Service;
use crate::store::Store;
use crate::system::masked::masked;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A message names at most this many services.
const MOST: usize = 5;

/// One line for each service that nearly matches.
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
        return Some(format!("{service} has the type {text:?}. It must be exactly {kind}"));
    }
    if plain(&service.name).contains(&plain(key)) {
        return Some(format!(
            "The name of {service} almost contains {:?}, but letter case and hyphens must match. Rename it, or {by_name}",
            masked(key)
        ));
    }
    let by_type = match service.origin {
        Origin::Bindings(_) => format!("set its type to {kind}, or "),
        _ => String::new(),
    };
    let title = store.title();
    service.is_of_kind(store).then(|| {
        format!("{service} is a {title} service. To keep sessions there, {by_type}{by_name}")
    })
}

/// A binding must have a type; a Secret without the key `type` has none.
fn without_type(service: &Service, stores: &[Store]) -> Option<String> {
    if let Some(problem) = &service.problem {
        return Some(format!("{:?}: its {problem}", service.name));
    }
    let types: Vec<&str> = stores.iter().map(|store| store.binding_type()).collect();
    let untyped = matches!(service.origin, Origin::Bindings(_)) && service.kind.is_none();
    untyped.then(|| {
        format!("{service} has no type. To keep sessions there, add a file (in a Secret, a key) named type that contains {}", types.join(" or "))
    })
}

/// A name or a type as it was meant: lower case, `-` between words, no quotes, not base64 (a Secret's `data` where
/// `stringData` was meant).
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
            ("Redis-Sessions", Some("x"), "almost contains \"redis-sessions\""),
            ("a", Some("\"php-redis-session\""), "It must be exactly php-redis-session"),
            ("a", Some("cGhwLXJlZGlzLXNlc3Npb24="), "It must be exactly php-redis-session"),
            ("a", Some("php_memcached_session"), "It must be exactly php-memcached-session"),
            ("sessions", None, "has no type"),
        ] {
            let lines = lines(&[(name, kind)]);
            assert_eq!(lines.len(), 1, "{name}, {kind:?}: {lines:?}");
            assert!(lines[0].contains(expected), "{name}, {kind:?}: {lines:?}");
        }
        assert_eq!(lines(&[("db", Some("postgresql")), ("mail", Some("smtp"))]), [""; 0]);
    }
}
