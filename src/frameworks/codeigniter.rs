//! CodeIgniter 4 keeps its own sessions. Variables can override its configuration; their names have a dot or an
//! underscore. Facts and sources: docs/frameworks.md.

use super::dotenv::AppEnvironment;
use super::known::Framework;
use super::session_use::{App, OwnSessions, Reach, SessionUse};
use super::store_variables::PREFIX;
use crate::endpoint::Endpoint;
use crate::system::files::read_text;
use crate::system::uri::encode;
use crate::system::version::Version;
use crate::variable::{Variable, Variables, value_of};
use std::path::Path;
use store_client::{Auth, MemcachedEndpoint, RedisEndpoint, Target, joined};

const FILE: &str = "app/Config/Session.php";
/// The stock configuration contains this.
const STOCK: &str = "$driver = FileHandler::class";
/// The names of the variables, ours first.
const NAMES: [&str; 4] =
    ["session_driver", "session_savePath", "session.driver", "session.savePath"];

pub(super) fn session_use(app: &App<'_>) -> SessionUse {
    if read_text(&app.folder.join(FILE)).is_ok_and(|text| text.contains(PREFIX)) {
        return SessionUse::Configured(format!("{FILE} reads {PREFIX}…"));
    }
    let variables = || {
        let variables = app.service.map(variables).transpose()?.unwrap_or_default();
        configuration(app.framework, app.folder)?;
        set_by_nobody(&AppEnvironment::of_one_file(app.folder, app.environment), &variables)?;
        Ok(variables)
    };
    variables().into()
}

/// Whether the configuration is stock, from a version that reads underscores and logs in as a user.
fn configuration(framework: &Framework, app_dir: &Path) -> Result<(), OwnSessions> {
    let version = framework.version.as_deref().and_then(|text| text.parse::<Version>().ok());
    if !version.is_some_and(|version| version.is_at_least([4, 5, 0])) {
        return Err(own("before 4.5 its configuration does not support every login".to_owned()));
    }
    match read_text(&app_dir.join(FILE)) {
        Ok(text) if !text.contains(STOCK) => Err(own(format!("{FILE} chooses another driver"))),
        _ => Ok(()),
    }
}

fn set_by_nobody(app: &AppEnvironment<'_>, ours: &[(Variable, String)]) -> Result<(), OwnSessions> {
    for name in NAMES {
        if let Some(set) = app.get(name)
            && value_of(ours, name).as_ref() != Some(&set.value)
        {
            return Err(own(set.stays(name)));
        }
    }
    Ok(())
}

fn variables(service: &Reach<'_>) -> Result<Variables, OwnSessions> {
    let (handler, save_path) = match &service.plan.endpoint {
        Endpoint::Redis(redis) => ("RedisHandler", of_redis(redis, service)?),
        Endpoint::Memcached(memcached) => ("MemcachedHandler", of_memcached(memcached)?),
    };
    Ok(vec![
        (Variable::CodeIgniterDriver, format!("CodeIgniter\\Session\\Handlers\\{handler}")),
        (Variable::CodeIgniterSavePath, save_path),
    ])
}

/// A login that is a list of user and password reaches phpredis unchanged, which uses both.
fn of_redis(redis: &RedisEndpoint, service: &Reach<'_>) -> Result<String, OwnSessions> {
    let Target::Tcp { address, tls } = &redis.target else {
        return Err(own(
            "its driver supports neither Sentinel, nor a Redis cluster, nor a socket".to_owned()
        ));
    };
    let files = service.tls_files;
    let plain = files.ca.is_none() && files.client.is_none() && service.plan.verify_peer;
    if tls.is_some() && !plain {
        return Err(own("its driver trusts only the system's CAs".to_owned()));
    }
    if redis.issued().is_some() {
        return Err(own("its driver cannot log in with the tokens of a cloud".to_owned()));
    }
    let login = match redis.fixed() {
        None => String::new(),
        Some(Auth { user: None, password }) => format!("&auth={}", encode(password.expose())),
        Some(Auth { user: Some(user), password }) => {
            format!("&auth[]={}&auth[]={}", encode(user), encode(password.expose()))
        }
    };
    let database = redis.database.map(|database| format!("&database={database}"));
    let scheme = if tls.is_some() { "tls" } else { "tcp" };
    Ok(format!("{scheme}://{address}?timeout=2{login}{}", database.unwrap_or_default()))
}

fn of_memcached(memcached: &MemcachedEndpoint) -> Result<String, OwnSessions> {
    if memcached.login.is_some() {
        return Err(own("its driver does not support a login to Memcached".to_owned()));
    }
    Ok(joined(&memcached.servers, ","))
}

fn own(what: String) -> OwnSessions {
    let advice = format!("Set driver and savePath in {FILE}. docs/frameworks.md has the lines.");
    OwnSessions::new(what, advice)
}
