//! Services that a platform passes as plain variables: Heroku, Dokku, Fly.io, Scalingo, `DigitalOcean`'s App
//! Platform, Docker Compose.

use super::credential::Credential;
use super::origin::Origin;
use super::service::{CredentialSource, Service};
use crate::config::environment::{Environment, EnvironmentError};
use crate::config::variables::SERVICE_VARIABLE;
use crate::store::Store;
use anyhow::{anyhow, ensure};
use indoc::formatdoc;
use url::Url;

/// Variables with a uri. Heroku sets both of the first two, the second one with TLS; the others are from the Redis
/// Cloud and Valkey add-ons and from Vercel. If two name the same server, the later one counts.
const REDIS: [&str; 5] = ["REDIS_URL", "REDIS_TLS_URL", "REDISCLOUD_URL", "VALKEY_URL", "KV_URL"];
/// Variables with servers; each has `_USERNAME` and `_PASSWORD` variables beside it. Dokku's has a uri.
const MEMCACHED: [&str; 3] = ["MEMCACHED_URL", "MEMCACHIER_SERVERS", "MEMCACHEDCLOUD_SERVERS"];
const SERVERS: &str = "_SERVERS";

/// The platform's variables that are set and name a server of this store.
pub(crate) fn present(
    environment: &Environment,
    store: Store,
) -> Result<Vec<&'static str>, EnvironmentError> {
    let names: &[&str] = store.choose(&REDIS, &MEMCACHED);
    let is_set = |name: &&'static str| Ok(environment.text(name)?.map(|_| *name));
    names.iter().map(is_set).filter_map(Result::transpose).collect()
}

/// The service that a variable of the platform names.
///
/// Fails if several name different servers, or if the requested one is not set.
pub(crate) fn read(environment: &Environment, store: Store) -> anyhow::Result<Option<Service>> {
    if let Some(name) = environment.text(SERVICE_VARIABLE)?.map(str::trim) {
        // Not repeated: it may be the variable's value.
        ensure!(
            name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
            formatdoc! {"
                {SERVICE_VARIABLE} is not the name of a variable.
                Set it to the name of the variable that holds the service, such as REDIS_URL, not to its value."}
        );
        let service = service(environment, store, name)?;
        return service.map(Some).ok_or_else(|| {
            anyhow!(formatdoc! {"
                {SERVICE_VARIABLE} is {name}, but there is no such variable in the environment.
                Set {name}, or unset {SERVICE_VARIABLE}."})
        });
    }
    let variables = present(environment, store)?;
    let services = variables.iter().map(|name| service(environment, store, name));
    let mut services: Vec<Service> =
        services.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    let Some(chosen) = services.pop() else { return Ok(None) };
    ensure!(
        services.iter().all(|other| is_same_server(other, &chosen)),
        formatdoc! {"
            No {store} service is bound, and the variables {} name different servers.
            Set {SERVICE_VARIABLE} to the one for the sessions.",
            variables.join(", ")
        }
    );
    Ok(Some(chosen))
}

fn service(
    environment: &Environment,
    store: Store,
    name: &str,
) -> Result<Option<Service>, EnvironmentError> {
    let Some(value) = environment.text(name)? else { return Ok(None) };
    let is_uri = store == Store::Redis || value.contains("://");
    let mut credentials = vec![(if is_uri { "uri" } else { "servers" }, value)];
    if let Some(prefix) = name.strip_suffix(SERVERS).filter(|_| !is_uri) {
        for (credential, suffix) in [("username", "_USERNAME"), ("password", "_PASSWORD")] {
            let value = environment.text(&format!("{prefix}{suffix}"))?;
            credentials.extend(value.map(|value| (credential, value)));
        }
    }
    let credentials = credentials
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Credential::Value(value.into())));
    Ok(Some(Service {
        name: name.to_owned(),
        origin: Origin::Variable,
        credentials: CredentialSource::Inline(credentials.collect()),
        ..Service::default()
    }))
}

/// Whether two variables name the same server with the same login: they are equal, or differ only in scheme and
/// port, as Heroku's pair does.
fn is_same_server(one: &Service, other: &Service) -> bool {
    let uri = |service: &Service| {
        let credentials = service.credentials().ok()?;
        let uri = Url::parse(credentials.get("uri")?.text()?.trim()).ok()?;
        Some((uri.host_str()?.to_owned(), uri.username().to_owned(), uri.password()?.to_owned()))
    };
    one.credentials == other.credentials || uri(one).is_some_and(|parts| Some(parts) == uri(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[(&str, &str)], store: Store) -> Result<Option<String>, String> {
        let environment = variables.iter().copied().collect();
        let service = read(&environment, store).map_err(|error| error.to_string())?;
        Ok(service.map(|service| service.name))
    }

    #[test]
    fn one_variable_is_the_service_and_several_that_name_one_server_are_too() {
        let redis = |variables: &[(&str, &str)]| chosen(variables, Store::Redis);
        assert_eq!(redis(&[]), Ok(None));
        assert_eq!(redis(&[("REDIS_URL", " ")]), Ok(None));
        assert_eq!(redis(&[("KV_URL", "redis://h")]).unwrap().unwrap(), "KV_URL");
        let heroku = [("REDIS_URL", "redis://:p@h:7000"), ("REDIS_TLS_URL", "rediss://:p@h:7001")];
        assert_eq!(redis(&heroku).unwrap().unwrap(), "REDIS_TLS_URL");
        let same = [("REDIS_URL", "redis://h:1"), ("REDISCLOUD_URL", "redis://h:1")];
        assert_eq!(redis(&same).unwrap().unwrap(), "REDISCLOUD_URL");
    }

    #[test]
    fn several_servers_are_an_error_that_names_the_variables_until_one_is_chosen() {
        let mut variables =
            vec![("REDIS_URL", "redis://:hunter2@a"), ("VALKEY_URL", "redis://:hunter2@b")];
        let message = chosen(&variables, Store::Redis).unwrap_err();
        assert!(message.contains("REDIS_URL, VALKEY_URL"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
        variables.push((SERVICE_VARIABLE, "REDIS_URL"));
        assert_eq!(chosen(&variables, Store::Redis).unwrap().unwrap(), "REDIS_URL");
        let message = chosen(&[(SERVICE_VARIABLE, "CACHE_URL")], Store::Redis).unwrap_err();
        assert!(message.contains("no such variable"), "{message}");
        for value in ["redis://:hunter2@h", "hunter2@h:1"] {
            let message = chosen(&[(SERVICE_VARIABLE, value)], Store::Redis).unwrap_err();
            assert!(message.contains("not to its value"), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn the_login_stands_beside_the_servers() {
        let environment = [
            ("SESSIONS_SERVERS", "m:1"),
            ("SESSIONS_USERNAME", "u"),
            ("SESSIONS_PASSWORD", "p"),
            (SERVICE_VARIABLE, "SESSIONS_SERVERS"),
        ];
        let service = read(&environment.into_iter().collect(), Store::Memcached).unwrap().unwrap();
        assert_eq!(
            service.credentials().unwrap().into_keys().collect::<Vec<_>>(),
            ["password", "servers", "username"]
        );
    }
}
