//! A Redis endpoint as a single uri, for the clients of PHP frameworks.

use super::session_use::Reach;
use crate::system::uri::{QueryString, encode};
use std::fmt::Display;
use store_client::{Auth, RedisEndpoint, Target};

/// How clients differ in reading a uri.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    /// The query parameters for TLS options: each client reads its own, and ignores the others.
    pub(super) tls: &'static [&'static str],
    /// The query parameter for user and password, for clients that ignore the uri's user.
    pub(super) login: Option<&'static str>,
    /// Whether values that are valid JSON are decoded.
    pub(super) json: bool,
    /// Whether the path holds the database.
    pub(super) database: bool,
}

/// Symfony's and Predis's.
pub(super) const USUAL: Dialect =
    Dialect { tls: &["ssl"], login: None, json: false, database: true };

/// The uri; `None` for a cluster or a socket, which have no form that every client reads, and for a login by tokens.
pub(super) fn redis_url(
    redis: &RedisEndpoint,
    service: &Reach<'_>,
    dialect: Dialect,
) -> Option<String> {
    let Target::Tcp { address, tls } = &redis.target else { return None };
    if redis.issued().is_some() {
        return None;
    }
    let scheme = if tls.is_some() { "rediss" } else { "redis" };
    let mut query = QueryString::default();
    let login = redis.fixed().map(|auth| login(auth, dialect, &mut query));
    let login = login.unwrap_or_default();
    if tls.is_some() {
        add_tls(&mut query, service, dialect);
    }
    let database = redis.database.filter(|_| dialect.database);
    let database = database.map(|number| format!("/{number}")).unwrap_or_default();
    let mark = if query.text().is_empty() { "" } else { "?" };
    Some(format!("{scheme}://{login}{address}{database}{mark}{}", query.text()))
}

fn login(Auth { user, password }: &Auth, dialect: Dialect, query: &mut QueryString) -> String {
    let text = |text: &str| if dialect.json { as_json_if_json(text) } else { text.to_owned() };
    let password = text(password.expose());
    match (user, dialect.login) {
        (Some(user), Some(name)) => {
            query.add(name, text(user));
            query.add(name, password);
            String::new()
        }
        (Some(user), None) => format!("{}:{}@", encode(&text(user)), encode(&password)),
        (None, _) => format!(":{}@", encode(&password)),
    }
}

fn add_tls(query: &mut QueryString, service: &Reach<'_>, dialect: Dialect) {
    let files = service.tls_files;
    let mut add = |name: &str, value: &dyn Display| {
        for options in dialect.tls {
            query.add(&format!("{options}[{name}]"), value);
        }
    };
    if let Some(file) = &files.ca {
        add("cafile", &file.display());
    }
    if let Some(client) = &files.client {
        add("local_cert", &client.certificate.display());
        add("local_pk", &client.key.display());
    }
    if !service.plan.verify_peer {
        add("verify_peer", &"false");
        add("verify_peer_name", &"false");
    }
}

/// Laravel decodes any valid JSON: a password of digits becomes a number, a long one a different number, and
/// `true` becomes 1. As a JSON string it stays as it is.
fn as_json_if_json(text: &str) -> String {
    let word = ["true", "false", "null"].iter().any(|word| text.eq_ignore_ascii_case(word));
    if word || serde_json::from_str::<serde_json::Value>(text).is_ok() {
        serde_json::Value::from(text).to_string()
    } else {
        text.to_owned()
    }
}

/// The host of a uri that the app provides.
pub(super) fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let server = authority.rsplit('@').next()?;
    Some(server.rsplit_once(':').map_or(server, |(host, _)| host))
}
