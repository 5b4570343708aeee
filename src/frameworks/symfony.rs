//! Symfony's configuration says what keeps the sessions: `framework.session.handler_id`. Facts and sources:
//! docs/frameworks.md.

use super::dotenv::AppEnvironment;
use super::known::{Framework, Kind};
use super::redis_url::{Dialect, USUAL, host_of, redis_url};
use super::session_use::{App, OwnSessions, Reach, SessionUse};
use super::store_variables::PREFIX;
use crate::endpoint::Endpoint;
use crate::store::Store;
use crate::system::files::{entries, read_text};
use crate::variable::{Variable, Variables};
use std::path::Path;

/// The first version that uses PHP's own sessions without a `handler_id`, and whose Redis client accepts a user in
/// any uri.
const FIRST_NATIVE: u32 = 7;
/// The configuration folders; the one that wins comes first.
const FOLDERS: [&str; 2] = ["config/packages/prod", "config/packages"];

pub(super) fn session_use(app: &App<'_>) -> SessionUse {
    let App { framework, folder, store, .. } = *app;
    // Shopware comes with `handler_id: null`, which the app may override.
    let is_shopware = framework.kind == Kind::Shopware;
    let native = is_shopware || framework.major().is_some_and(|major| major >= FIRST_NATIVE);
    match handler(folder) {
        Handler::Unknown if is_shopware => SessionUse::Php,
        Handler::Native => SessionUse::Php,
        Handler::Default if native => SessionUse::Php,
        Handler::Default => SessionUse::Own(OwnSessions::new(
            "without a handler_id it keeps them in its cache folder (before version 7)",
            "Set handler_id: null under framework.session in config/packages/framework.yaml.",
        )),
        Handler::Unknown => SessionUse::Configured(
            "no handler_id was found in config/packages (null there means PHP's own sessions)"
                .to_owned(),
        ),
        Handler::Id(id) if id.contains(PREFIX) => {
            SessionUse::Configured(format!("its handler_id is {id}"))
        }
        Handler::Id(id) if reads(&id, "REDIS_URL") && store == Store::Redis => {
            redis_url_of(app).into()
        }
        Handler::Id(id) => SessionUse::Own(OwnSessions::new(
            format!("its handler_id is {id}, the app's own handler"),
            "Set handler_id to null (PHP's own sessions), or to '%env(PHP_SESSION_STORE_URL)%'.",
        )),
    }
}

/// `REDIS_URL`, unless the app sets it.
fn redis_url_of(app: &App<'_>) -> Result<Variables, OwnSessions> {
    let no_url = || {
        OwnSessions::new(
            "REDIS_URL cannot express a Redis cluster, a socket, or a login with the tokens of a cloud",
            "Set handler_id to null (PHP's own sessions).",
        )
    };
    let of_service = |service| url(app.framework, service).ok_or_else(no_url);
    let url = app.service.map(of_service).transpose()?;
    let host = app.service.and_then(Reach::host);
    match AppEnvironment::of_symfony(app.folder, app.environment).get("REDIS_URL") {
        // Ours, from an outer launcher, or the app's own choice of the same server.
        Some(set) if host.is_none() || host_of(&set.value) != host.as_deref() => {
            Err(OwnSessions::new(
                set.stays("REDIS_URL"),
                "Remove REDIS_URL there, or set handler_id to '%env(PHP_SESSION_STORE_URL)%'.",
            ))
        }
        Some(set) if url.as_ref() != Some(&set.value) => Ok(Vec::new()),
        _ => Ok(url.into_iter().map(|url| (Variable::RedisUrl, url)).collect()),
    }
}

fn url(framework: &Framework, service: &Reach<'_>) -> Option<String> {
    let Endpoint::Redis(redis) = &service.plan.endpoint else { return None };
    let is_symfony = framework.kind == Kind::Symfony;
    let knows_users = is_symfony && framework.major().is_some_and(|major| major >= FIRST_NATIVE);
    let login = (!knows_users).then_some("auth[]");
    redis_url(redis, service, Dialect { login, ..USUAL })
}

/// Whether a value reads a variable: `%env(REDIS_URL)%`, `env('REDIS_URL')`.
fn reads(value: &str, variable: &str) -> bool {
    value.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == variable)
}

#[derive(Debug, PartialEq, Eq)]
enum Handler {
    Unknown,
    /// There are sessions but no handler.
    Default,
    /// `null`.
    Native,
    /// A service or a uri.
    Id(String),
}

fn handler(app_dir: &Path) -> Handler {
    let mut found = Handler::Unknown;
    for folder in FOLDERS {
        for file in entries(&app_dir.join(folder)) {
            let handler = match file.extension().and_then(|it| it.to_str()) {
                Some("yaml" | "yml" | "php") => handler_in(&read_text(&file).unwrap_or_default()),
                _ => Handler::Unknown,
            };
            match handler {
                Handler::Unknown => {}
                Handler::Default => found = Handler::Default,
                handler => return handler,
            }
        }
    }
    found
}

/// What stands before the value: in YAML, in PHP's arrays, and in its calls.
const BEFORE_VALUE: [&str; 3] = ["handler_id:", "'handler_id' =>", "->handlerId("];

/// The handler by a file's lines that are not for another environment than production, as `when@test:` in YAML.
fn handler_in(text: &str) -> Handler {
    let sections = text.split("\nwhen@").enumerate();
    let sections = sections.filter(|(index, text)| *index == 0 || text.starts_with("prod"));
    let lines = sections.flat_map(|(_, text)| text.lines()).map(str::trim_start);
    let mut handler = Handler::Unknown;
    for line in lines.filter(|line| !line.starts_with(['#', '/', '*'])) {
        let value = BEFORE_VALUE.iter().find_map(|before| line.split_once(before));
        if let Some((_, value)) = value {
            return of_value(value);
        }
        let of_yaml = line.strip_prefix("session:").is_some_and(|value| value.trim() != "false");
        if of_yaml || line.contains("->session()") || line.contains("'session' =>") {
            handler = Handler::Default;
        }
    }
    handler
}

fn of_value(value: &str) -> Handler {
    let value = value.split(" #").next().unwrap_or_default();
    let value = value.split([',', '}', ';']).next().unwrap_or_default();
    let value = value.trim_start_matches(['\'', '"', ' ']);
    match value.trim_end_matches(['\'', '"', ' ', ')', ']']) {
        "" | "~" | "null" | "Null" | "NULL" => Handler::Native,
        value => Handler::Id(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::write;

    #[test]
    fn the_handler_is_read_from_yaml() {
        let session = |lines: &str| handler_in(&format!("framework:\n    secret: x\n{lines}"));
        let id = |text: &str| Handler::Id(text.to_owned());
        for (lines, handler) in [
            ("", Handler::Unknown),
            ("    session: true\n", Handler::Default),
            ("    session: false\n", Handler::Unknown),
            ("    session:\n        # handler_id: null\n        name: a\n", Handler::Default),
            ("    session:\n        name: a\n        handler_id: null # native\n", Handler::Native),
            ("    session: { handler_id: ~, name: a }\n", Handler::Native),
            ("    session:\n        handler_id: '%env(REDIS_URL)%'\n", id("%env(REDIS_URL)%")),
            ("    session:\n        handler_id: App\\Handler\n", id("App\\Handler")),
        ] {
            assert_eq!(session(lines), handler, "{lines}");
        }
        let test = "framework:\n    secret: x\nwhen@test:\n    framework:\n        session:\n            handler_id: x\n";
        assert_eq!(handler_in(test), Handler::Unknown);
    }

    #[test]
    fn the_handler_is_read_from_php() {
        for (text, handler) in [
            ("$framework->session()->handlerId(null);", Handler::Native),
            (
                "$framework->session()->handlerId('app.handler');",
                Handler::Id("app.handler".to_owned()),
            ),
            ("$framework->session()->name('a');", Handler::Default),
            ("['session' => ['handler_id' => null, 'name' => 'a']]", Handler::Native),
        ] {
            assert_eq!(handler_in(text), handler, "{text}");
        }
    }

    #[test]
    fn what_production_says_wins() {
        let app = tempfile::tempdir().unwrap();
        let write = |name: &str, handler: &str| {
            let text = format!("framework:\n  session:\n    handler_id: {handler}\n");
            write(&app.path().join(name), text).unwrap();
        };
        write("config/packages/framework.yaml", "app.handler");
        assert_eq!(handler(app.path()), Handler::Id("app.handler".to_owned()));
        write("config/packages/prod/session.yaml", "null");
        assert_eq!(handler(app.path()), Handler::Native);
    }
}
