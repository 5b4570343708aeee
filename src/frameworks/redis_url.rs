//! A Redis endpoint as one uri, as the clients of PHP's frameworks read it.

use super::session_use::Connection;
use crate::endpoint::auth::Auth;
use crate::endpoint::redis::{RedisEndpoint, Target};
use crate::php::tls::TlsFiles;
use crate::system::secret::UNRESERVED;
use percent_encoding::utf8_percent_encode;
use std::fmt::{Display, Write};

/// How a reader takes what is not the same for all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    /// The query's name for the options of TLS.
    pub(super) tls: &'static str,
    /// The query's name for user and password, for a reader that takes no user in the user's place.
    pub(super) login: Option<&'static str>,
    /// Whether values are read as JSON where they are JSON.
    pub(super) json: bool,
    /// Whether the database stands in the path.
    pub(super) database: bool,
}

/// What Symfony and Predis read.
pub(super) const USUAL: Dialect = Dialect { tls: "ssl", login: None, json: false, database: true };

/// The uri; `None` for what cannot be said in one that everybody reads: a cluster, a socket.
pub(super) fn redis_url(
    redis: &RedisEndpoint,
    connection: &Connection<'_>,
    dialect: Dialect,
) -> Option<String> {
    let &Connection { tls_files, verify_peer, database, .. } = connection;
    let Target::Tcp { address, tls } = &redis.target else { return None };
    let scheme = if tls.is_some() { "rediss" } else { "redis" };
    let mut query = Query::default();
    let login = redis.auth.as_ref().map(|auth| login(auth, dialect, &mut query));
    let login = login.unwrap_or_default();
    if tls.is_some() {
        add_tls(&mut query, tls_files, verify_peer, dialect);
    }
    let database = database.filter(|_| dialect.database);
    let database = database.map(|number| format!("/{number}")).unwrap_or_default();
    Some(format!("{scheme}://{login}{address}{database}{}", query.0))
}

fn login(Auth { user, password }: &Auth, dialect: Dialect, query: &mut Query) -> String {
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

fn add_tls(query: &mut Query, files: &TlsFiles, verify_peer: bool, dialect: Dialect) {
    let mut add = |name: &str, value: &dyn Display| {
        query.add(&format!("{}[{name}]", dialect.tls), value);
    };
    if let Some(file) = &files.ca {
        add("cafile", &file.display());
    }
    if let Some(client) = &files.client {
        add("local_cert", &client.certificate.display());
        add("local_pk", &client.key.display());
    }
    if !verify_peer {
        add("verify_peer", &"false");
        add("verify_peer_name", &"false");
    }
}

/// Laravel decodes whatever is valid JSON: a password of digits becomes a number, and a long one another
/// number; `true` becomes 1. As a text in JSON it stays what it is.
fn as_json_if_json(text: &str) -> String {
    let word = ["true", "false", "null"].iter().any(|word| text.eq_ignore_ascii_case(word));
    if word || serde_json::from_str::<serde_json::Value>(text).is_ok() {
        serde_json::Value::from(text).to_string()
    } else {
        text.to_owned()
    }
}

/// The host of a uri that somebody else has made.
pub(super) fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let server = authority.rsplit('@').next()?;
    Some(server.rsplit_once(':').map_or(server, |(host, _)| host))
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

#[derive(Default)]
struct Query(String);

impl Query {
    fn add(&mut self, name: &str, value: impl Display) {
        let separator = if self.0.is_empty() { '?' } else { '&' };
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{separator}{name}={}", encode(&value.to_string()));
    }
}
