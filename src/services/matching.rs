//! Which service holds the sessions: the same rules at detect, build and launch.

use super::Services;
use super::search_keys::SearchKeys;
use super::service::Service;
use crate::config::variables::STORE;
use crate::store::Store;
use crate::system::masked::masked;
use anyhow::{bail, ensure};
use indoc::formatdoc;
use std::fmt;

/// The service found for the sessions.
#[derive(Debug)]
pub struct SessionService<'a> {
    pub(crate) store: Store,
    pub service: &'a Service,
    pub(crate) rule: Rule,
}

impl SessionService<'_> {
    /// A line about the search key, if one was chosen, and another rule than that found the service.
    pub(crate) fn ignores(&self, keys: &SearchKeys) -> Option<String> {
        let Self { store, service, rule } = self;
        let key = keys.of(*store);
        let by_key = match rule {
            Rule::NameIs(_) | Rule::NameContains(_) => true,
            Rule::Tag(tag) => *tag == key.text,
            _ => false,
        };
        (key.chosen && !by_key).then(|| {
            format!(
                "{} asks for {:?}, but no service has that in its name: using {service}, found by its {rule}",
                store.search_key_variable(),
                masked(&key.text)
            )
        })
    }
}

/// The rules that find a service; an earlier one beats a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Its name is the chosen search key.
    NameIs(String),
    /// Its name contains the search key.
    NameContains(String),
    /// Its type is the one for sessions.
    Type(&'static str),
    /// Its credentials have a `type`, and it is the one for sessions. A user-provided service has no other place
    /// for a type.
    CredentialsType(&'static str),
    /// It has a tag that is the type for sessions, or the search key.
    Tag(String),
    /// Its type, label or a tag says what kind it is, and the user chose the store: the only service of that kind
    /// is meant.
    Kind(Store),
    /// A variable of the platform names it, and no service is bound.
    Variable,
}

/// Finds the service for the sessions among those of `stores`.
///
/// # Errors
/// Fails if several services, or services of several stores, match equally well: their order never decides.
pub fn find_session_service<'a>(
    services: &'a Services,
    keys: &SearchKeys,
    stores: &[Store],
) -> anyhow::Result<Option<SessionService<'a>>> {
    let mut found = Vec::new();
    for store in stores {
        found.extend(find_for_store(services, keys, *store)?);
    }
    ensure!(
        found.len() <= 1,
        formatdoc! {"
            Services of both stores could hold the sessions:
            {}
            Unbind all but one, or set {STORE} to the right store.",
            bullets(found.iter().map(|found| format!("{}: {}", found.store, found.service)))
        }
    );
    Ok(found.pop())
}

fn find_for_store<'a>(
    services: &'a Services,
    keys: &SearchKeys,
    store: Store,
) -> anyhow::Result<Option<SessionService<'a>>> {
    for rule in rules(keys, store) {
        let candidates: Vec<&Service> =
            services.iter().filter(|service| rule.matches(service)).collect();
        match *candidates {
            [] => {}
            [service] => return Ok(Some(SessionService { store, service, rule })),
            _ => bail!(formatdoc! {"
                Several services could hold the {store} sessions, by their {rule}:
                {}
                Unbind all but one, or set {} to the full name of the right one.",
                bullets(candidates.iter().map(ToString::to_string)),
                store.search_key_variable()
            }),
        }
    }
    Ok(None)
}

/// What each rule finds, one line each, whichever of them decides.
pub(crate) fn rule_by_rule(services: &Services, keys: &SearchKeys) -> Vec<String> {
    let line = |store: Store, rule: &Rule| {
        let found = services.iter().filter(|service| rule.matches(service));
        let names: Vec<String> = found.map(|service| format!("{:?}", service.name)).collect();
        let found = if names.is_empty() { "no service".to_owned() } else { names.join(", ") };
        format!("{}, {rule}: {found}", store.title())
    };
    let lines = |store| rules(keys, store).iter().map(|rule| line(store, rule)).collect::<Vec<_>>();
    Store::ALL.into_iter().flat_map(lines).collect()
}

fn rules(keys: &SearchKeys, store: Store) -> Vec<Rule> {
    let key = keys.of(store);
    let exact = key.chosen.then(|| Rule::NameIs(key.text.clone()));
    let kind = store.binding_type();
    exact
        .into_iter()
        .chain([
            Rule::NameContains(key.text.clone()),
            Rule::Type(kind),
            Rule::CredentialsType(kind),
            Rule::Tag(kind.to_owned()),
            Rule::Tag(key.text.clone()),
        ])
        .chain(keys.any_of_its_kind.then_some(Rule::Kind(store)))
        .collect()
}

fn bullets(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| format!("  - {line}")).collect::<Vec<_>>().join("\n")
}

impl Rule {
    fn matches(&self, service: &Service) -> bool {
        let mut names = std::iter::once(&service.name).chain(&service.instance_name);
        match self {
            Self::NameIs(key) => names.any(|name| name == key),
            Self::NameContains(key) => names.any(|name| name.contains(key.as_str())),
            Self::Type(kind) => is(service.kind.as_ref(), kind),
            Self::CredentialsType(kind) => is(service.credentials_type.as_ref(), kind),
            Self::Tag(tag) => service.tags.iter().any(|of| of.eq_ignore_ascii_case(tag)),
            Self::Kind(store) => service.is_of_kind(*store),
            Self::Variable => false,
        }
    }
}

fn is(kind: Option<&String>, expected: &str) -> bool {
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case(expected))
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameIs(key) => write!(formatter, "name {:?}", masked(key)),
            Self::NameContains(key) => write!(formatter, "name containing {:?}", masked(key)),
            Self::Type(kind) => write!(formatter, "type {kind}"),
            Self::CredentialsType(kind) => write!(formatter, "credential type={kind}"),
            Self::Tag(tag) => write!(formatter, "tag {:?}", masked(tag)),
            Self::Kind(store) => write!(formatter, "kind ({})", store.title()),
            Self::Variable => formatter.write_str("variable (no service is bound)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::AppOptions;
    use crate::config::environment::Environment;
    use crate::services::VCAP_SERVICES;
    use std::path::Path;

    fn environment(names: &[&str], variables: &[(&str, &str)]) -> Environment {
        let instances: Vec<String> = names
            .iter()
            .map(|name| match name.split_once(':') {
                Some((name, label)) => format!(r#"{{"name": "{name}", "label": "{label}"}}"#),
                None => format!(r#"{{"name": "{name}"}}"#),
            })
            .collect();
        let json = format!(r#"{{"p.redis": [{}]}}"#, instances.join(","));
        variables.iter().copied().chain([(VCAP_SERVICES, json.as_str())]).collect()
    }

    fn find(names: &[&str], variables: &[(&str, &str)]) -> Result<Option<(String, Rule)>, String> {
        let environment = environment(names, variables);
        let services = Services::read(&environment, Path::new("/nowhere")).unwrap();
        let keys = SearchKeys::determine(&environment, &AppOptions::default()).unwrap();
        find_session_service(&services, &keys, &Store::ALL)
            .map(|found| found.map(|found| (found.service.name.clone(), found.rule)))
            .map_err(|error| error.to_string())
    }

    const KEY: &str = "REDIS_SESSION_STORE_SERVICE_NAME";

    #[test]
    fn a_name_that_contains_the_key_matches() {
        let (name, rule) = find(&["db", "my-redis-sessions-1"], &[]).unwrap().unwrap();
        assert_eq!(name, "my-redis-sessions-1");
        assert_eq!(rule, Rule::NameContains("redis-sessions".into()));
        assert_eq!(find(&["redis", "REDIS-SESSIONS"], &[]), Ok(None));
    }

    #[test]
    fn a_binding_type_matches_in_any_case_and_a_name_beats_it() {
        let (name, rule) = find(&["x:PHP-Redis-Session"], &[]).unwrap().unwrap();
        assert_eq!((name.as_str(), rule), ("x", Rule::Type("php-redis-session")));
        let (name, _) = find(&["x:php-redis-session", "redis-sessions"], &[]).unwrap().unwrap();
        assert_eq!(name, "redis-sessions");
    }

    #[test]
    fn what_a_user_provides_matches_by_a_type_among_the_credentials_or_a_tag() {
        let find = |json: &str| {
            let environment = [(VCAP_SERVICES, json)].into_iter().collect();
            let services = Services::read(&environment, Path::new("/nowhere")).unwrap();
            let keys = SearchKeys::determine(&environment, &AppOptions::default()).unwrap();
            let found = find_session_service(&services, &keys, &Store::ALL).unwrap();
            found.map(|found| (found.service.name.clone(), found.store, found.rule.to_string()))
        };
        let user_provided = |rest: &str| format!(r#"{{"user-provided": [{rest}]}}"#);
        let typed = r#"{"name": "a", "credentials": {"type": "PHP-memcached-session"}}"#;
        let tagged = r#"{"name": "b", "tags": ["x", "redis-sessions"]}"#;
        let tagged_by_type = r#"{"name": "c", "tags": ["php-redis-session"]}"#;
        assert_eq!(
            find(&user_provided(typed)),
            Some(("a".into(), Store::Memcached, "credential type=php-memcached-session".into()))
        );
        let by_tag =
            |name: &str, tag: &str| Some((name.to_owned(), Store::Redis, format!("tag {tag:?}")));
        assert_eq!(find(&user_provided(tagged)), by_tag("b", "redis-sessions"));
        // An earlier rule beats a later one.
        let both = format!("{tagged}, {tagged_by_type}");
        assert_eq!(find(&user_provided(&both)), by_tag("c", "php-redis-session"));
        let named = format!(r#"{tagged_by_type}, {{"name": "my-redis-sessions"}}"#);
        assert_eq!(find(&user_provided(&named)).unwrap().0, "my-redis-sessions");
    }

    #[test]
    fn two_candidates_are_an_error_that_names_both_and_the_variable() {
        let message = find(&["a-redis-sessions", "b-redis-sessions"], &[]).unwrap_err();
        for part in ["a-redis-sessions", "b-redis-sessions", KEY, VCAP_SERVICES] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_chosen_key_that_is_a_whole_name_decides() {
        let names = ["redis-sessions", "old-redis-sessions"];
        assert!(find(&names, &[]).is_err());
        let (name, _) = find(&names, &[(KEY, "redis-sessions")]).unwrap().unwrap();
        assert_eq!(name, "redis-sessions");
        let (name, _) = find(&["shop-cache", "redis-sessions"], &[(KEY, "shop")]).unwrap().unwrap();
        assert_eq!(name, "shop-cache");
    }
}
