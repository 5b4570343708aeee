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
            let text = read_text(&file).unwrap_or_default();
            let handler = match file.extension().and_then(|it| it.to_str()) {
                Some("yaml" | "yml") => of_yaml(&text),
                Some("php") => of_php(&text),
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

/// The lines below `session:`, in the section for every environment or that for production.
fn of_yaml(text: &str) -> Handler {
    let mut handler = Handler::Unknown;
    let (mut elsewhere, mut session) = (false, None);
    for line in text.lines() {
        let content = line.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = line.len() - content.len();
        if indent == 0 {
            elsewhere = content.starts_with("when@") && !content.starts_with("when@prod");
        }
        if session.is_some_and(|above| indent <= above) {
            session = None;
        }
        if elsewhere {
            continue;
        }
        if let Some(value) = content.strip_prefix("session:").filter(|_| indent > 0) {
            session = Some(indent);
            if value.trim() != "false" {
                handler = Handler::Default;
            }
        }
        if session.is_some()
            && let Some((_, value)) = content.split_once("handler_id:")
        {
            return of_value(value);
        }
    }
    handler
}

/// `->handlerId(…)`, or `'handler_id' => …`.
fn of_php(text: &str) -> Handler {
    let value = ["handlerId(", "'handler_id' =>"]
        .iter()
        .find_map(|before| text.split_once(before).map(|(_, value)| value));
    match value {
        Some(value) => of_value(value.split([';', '\n']).next().unwrap_or_default()),
        None if text.contains("->session()") || text.contains("'session' =>") => Handler::Default,
        None => Handler::Unknown,
    }
}

fn of_value(value: &str) -> Handler {
    let value = value.split(" #").next().unwrap_or_default();
    let value = value.split([',', '}']).next().unwrap_or_default();
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
        let session = |lines: &str| of_yaml(&format!("framework:\n    secret: x\n{lines}"));
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
            // A key of something else.
            (
                "    session:\n        name: a\n    other:\n        handler_id: x\n",
                Handler::Default,
            ),
        ] {
            assert_eq!(session(lines), handler, "{lines}");
        }
        let test = "when@test:\n    framework:\n        session:\n            handler_id: x\n";
        assert_eq!(of_yaml(test), Handler::Unknown);
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
            assert_eq!(of_php(text), handler, "{text}");
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
