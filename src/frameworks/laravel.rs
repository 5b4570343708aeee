//! Laravel keeps its own sessions; its stock configuration reads everything from variables. The launch sets these
//! unless the app does, and only if the configuration reads them. Facts and sources: docs/frameworks.md.

use super::dotenv::{AppEnvironment, Set};
use super::known::{Framework, Kind};
use super::redis_url::{Dialect, host_of, redis_url};
use super::session_use::{App, OwnSessions, Reach, SessionUse};
use super::store_variables::PREFIX;
use crate::endpoint::Endpoint;
use crate::store::Store;
use crate::system::files::read_text;
use crate::system::masked::masked;
use crate::variable::{Variable, Variables, value_of};
use store_client::{MemcachedEndpoint, MemcachedLogin};

/// The first version whose stock configuration reads `REDIS_URL` and uses phpredis.
const FIRST: u32 = 6;
/// The first version that supports a user.
const FIRST_WITH_USERS: u32 = 9;
const CACHED: &str = "bootstrap/cache/config.php";

/// The variables that name an app's own server.
const REDIS: [&str; 5] =
    ["REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_USERNAME", "REDIS_PASSWORD"];
const MEMCACHED: [&str; 4] =
    ["MEMCACHED_HOST", "MEMCACHED_PORT", "MEMCACHED_USERNAME", "MEMCACHED_PASSWORD"];
/// The variables that choose a custom connection.
const CHOICE: [&str; 2] = ["SESSION_CONNECTION", "SESSION_STORE"];

pub(super) fn session_use(app: &App<'_>) -> SessionUse {
    if app.framework.kind == Kind::Lumen && !app.folder.join("config/session.php").is_file() {
        return SessionUse::None;
    }
    let laravel =
        Laravel { app, environment: AppEnvironment::of_laravel(app.folder, app.environment) };
    match laravel.connection_of_its_own() {
        Some(file) => SessionUse::Configured(format!("{file} reads {PREFIX}…")),
        None => laravel.variables().into(),
    }
}

/// How Laravel reads a uri. The database is set elsewhere: if it were in the uri, the cache would share it, and
/// `cache:clear` would empty it. A password that is a list of user and password reaches phpredis unchanged, which
/// uses both. TLS options are for phpredis and for Predis, which an app may choose.
fn dialect(knows_users: bool) -> Dialect {
    let login = (!knows_users).then_some("password[]");
    Dialect { tls: &["context[stream]", "ssl"], login, json: true, database: false }
}

fn variables_for(framework: &Framework, service: &Reach<'_>) -> Result<Variables, OwnSessions> {
    match &service.plan.endpoint {
        Endpoint::Redis(redis) => {
            let knows_users = framework.major().is_some_and(|major| major >= FIRST_WITH_USERS);
            let url = redis_url(redis, service, dialect(knows_users));
            let url = url.ok_or_else(|| OwnSessions::new(
                "its stock configuration supports neither a Redis cluster, nor a socket, nor a login with the tokens of a cloud",
                "Add the connection to config/database.php, and set SESSION_DRIVER=redis and SESSION_CONNECTION.",
            ))?;
            let mut variables = vec![
                (Variable::SessionDriver, Store::Redis.name().to_owned()),
                (Variable::RedisUrl, url),
            ];
            if let Some(database) = redis.database {
                variables.push((Variable::RedisDb, database.to_string()));
            }
            Ok(variables)
        }
        Endpoint::Memcached(memcached) => Ok(memcached_variables(memcached)),
    }
}

/// Laravel's stock configuration has one server, so of several we use the first: the same one in each instance.
fn memcached_variables(endpoint: &MemcachedEndpoint) -> Variables {
    let mut variables = vec![(Variable::SessionDriver, Store::Memcached.name().to_owned())];
    if let Some(server) = endpoint.servers.first() {
        variables.push((Variable::MemcachedHost, server.host.to_string()));
        variables.push((Variable::MemcachedPort, server.port.to_string()));
    }
    if let Some(MemcachedLogin { user, password }) = &endpoint.login {
        variables.push((Variable::MemcachedUsername, for_env(user)));
        variables.push((Variable::MemcachedPassword, for_env(password.expose())));
    }
    variables
}

/// Laravel's `env()` converts some words and strips quotes; a value in quotes stays as it is.
fn for_env(text: &str) -> String {
    let bare = text.trim_start_matches('(').trim_end_matches(')').to_ascii_lowercase();
    let word = matches!(bare.as_str(), "true" | "false" | "empty" | "null");
    let quoted = |quote: char| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    if word || quoted('"') || quoted('\'') { format!("\"{text}\"") } else { text.to_owned() }
}

struct Laravel<'a> {
    app: &'a App<'a>,
    environment: AppEnvironment<'a>,
}

impl Laravel<'_> {
    /// The variables to set; none where the app's own lead to the service.
    fn variables(&self) -> Result<Variables, OwnSessions> {
        let App { framework, service, .. } = *self.app;
        let variables = match service {
            Some(service) => variables_for(framework, service)?,
            None => Vec::new(),
        };
        self.configuration()?;
        self.cached(&variables)?;
        let server_is_ours = self.server(&variables)?;
        self.driver(&variables)?;
        let is_ours = |name| server_is_ours || name == Variable::SessionDriver;
        Ok(variables.into_iter().filter(|(name, _)| is_ours(*name)).collect())
    }

    /// The file with the custom connection that the app chose for its sessions, if it reads our variables.
    fn connection_of_its_own(&self) -> Option<&'static str> {
        CHOICE.iter().find_map(|name| self.environment.get(name))?;
        let file = match self.app.store {
            Store::Redis => "config/database.php",
            Store::Memcached => "config/cache.php",
        };
        let text = read_text(&self.app.folder.join(file)).ok()?;
        text.contains(PREFIX).then_some(file)
    }

    /// Whether the app's configuration reads the variables. If a file is missing, Laravel uses its own, which does.
    fn configuration(&self) -> Result<(), OwnSessions> {
        let framework = self.app.framework;
        if framework.major().is_some_and(|major| major < FIRST) {
            return Err(OwnSessions::new(
                format!("the configuration of {framework} does not read REDIS_URL"),
                "Set SESSION_DRIVER and the connection in config/session.php and config/database.php.",
            ));
        }
        let connection = match self.app.store {
            Store::Redis => ("config/database.php", "REDIS_URL"),
            Store::Memcached => ("config/cache.php", "MEMCACHED_HOST"),
        };
        for (file, variable) in [("config/session.php", "SESSION_DRIVER"), connection] {
            let text = read_text(&self.app.folder.join(file)).ok();
            if text.is_some_and(|text| !text.contains(variable)) {
                return Err(OwnSessions::new(
                    format!("the app's {file} does not read {variable}"),
                    format!(
                        "Read {variable} in {file} as Laravel's own file does: env('{variable}')."
                    ),
                ));
            }
        }
        Ok(())
    }

    /// A cached configuration holds the values from when it was created. One with this launch's values was created
    /// by the start command.
    fn cached(&self, ours: &[(Variable, String)]) -> Result<(), OwnSessions> {
        let path = self.app.environment.text("APP_CONFIG_CACHE").ok().flatten().unwrap_or(CACHED);
        let Ok(text) = read_text(&self.app.folder.join(path)) else { return Ok(()) };
        let server = value_of(ours, "REDIS_URL").or_else(|| value_of(ours, "MEMCACHED_HOST"));
        if server.is_some_and(|server| text.contains(&server)) {
            return Ok(());
        }
        Err(OwnSessions::new(
            format!(
                "its configuration is cached in {path}, with the values from when the cache was created"
            ),
            "Do not run `php artisan config:cache` at build. Run it in the start command, or not at all.",
        ))
    }

    /// Whether to set the server: only if the app does not. If the app sets the service's own host, sessions get
    /// there all the same.
    fn server(&self, ours: &[(Variable, String)]) -> Result<bool, OwnSessions> {
        if let Some((name, set)) = self.set_by_others(&CHOICE, ours) {
            return Err(self.own_choice(name, &set));
        }
        let names: &[&str] = match self.app.store {
            Store::Redis => &REDIS,
            Store::Memcached => &MEMCACHED,
        };
        let Some((name, set)) = self.set_by_others(names, ours) else { return Ok(true) };
        if self.app.service.is_some_and(|service| self.leads_to(service)) {
            return Ok(false);
        }
        Err(self.own_choice(name, &set))
    }

    fn own_choice(&self, name: &str, set: &Set) -> OwnSessions {
        let advice = format!(
            "Remove it there, along with the others that name the {} server (a .env for development need not be in the image), or give sessions their own connection that reads {PREFIX}…",
            self.app.store.title()
        );
        OwnSessions::new(set.stays(name), advice)
    }

    /// The first of the variables that is set to a value other than ours.
    fn set_by_others<'n>(
        &self,
        names: &[&'n str],
        ours: &[(Variable, String)],
    ) -> Option<(&'n str, Set)> {
        names.iter().find_map(|name| {
            let set = self.environment.get(name)?;
            // Kubernetes sets these for a Service of that name.
            let of_kubernetes = name.ends_with("_PORT") && set.value.starts_with("tcp://");
            let is_ours = value_of(ours, name).is_some_and(|value| value == set.value);
            (!of_kubernetes && !is_ours).then_some((*name, set))
        })
    }

    /// Whether the app's own variables name the service's host.
    fn leads_to(&self, service: &Reach<'_>) -> bool {
        let Some(host) = service.host() else { return false };
        let is = |name: &str, fits: &dyn Fn(&str) -> bool| {
            self.environment.get(name).map(|set| fits(set.value.trim()))
        };
        match self.app.store {
            Store::Redis => is("REDIS_URL", &|url| host_of(url) == Some(&host))
                .or_else(|| is("REDIS_HOST", &|it| it.trim_start_matches("tls://") == host)),
            Store::Memcached => is("MEMCACHED_HOST", &|it| it == host),
        }
        .unwrap_or(false)
    }

    fn driver(&self, ours: &[(Variable, String)]) -> Result<(), OwnSessions> {
        match self.set_by_others(&["SESSION_DRIVER"], ours) {
            Some((_, set)) if set.value.trim() != self.app.store.name() => Err(OwnSessions::new(
                format!("{} sets SESSION_DRIVER to {:?}", set.place, masked(&set.value)),
                format!("Remove SESSION_DRIVER there, or set it to {}.", self.app.store),
            )),
            _ => Ok(()),
        }
    }
}
