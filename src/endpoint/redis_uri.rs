//! Redis uris: `rediss://user:password@host:port/database`.

use super::address::Host;
use super::auth::Auth;
use crate::system::secret::Secret;
use percent_encoding::percent_decode_str;
use std::path::PathBuf;
use url::Url;

/// The parts of a uri; a separate credential beats each of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Uri {
    pub(super) server: Option<Host>,
    pub(super) port: Option<u16>,
    pub(super) socket: Option<PathBuf>,
    pub(super) tls: bool,
    pub(super) auth: Option<Auth>,
    pub(super) database: Option<u32>,
}

/// Parses a uri. The error says what is wrong, and quotes nothing.
pub(super) fn parse(text: &str) -> Result<Uri, &'static str> {
    let url = Url::parse(text).map_err(|_| "is not a uri")?;
    if password_was_not_encoded(text) || url.fragment().is_some() {
        return Err("has a ?, / or # before its @. In a user or a password, write %3F, %2F or %23");
    }
    let query = Query::of(&url)?;
    let auth = auth(&url)?.or(query.auth);
    let tls = match url.scheme() {
        "redis" | "valkey" | "tcp" => false,
        "rediss" | "valkeys" | "tls" => true,
        "unix" if query.tls == Some(true) => return Err("asks for TLS on a Unix socket"),
        "unix" => {
            let (socket, database) = (Some(socket(&url)?), query.database);
            return Ok(Uri { socket, auth, database, ..Uri::default() });
        }
        _ => return Err("does not have a Redis scheme"),
    };
    let tls = query.tls.unwrap_or(tls);
    let server: Host = url.host_str().ok_or("has no host")?.parse()?;
    let database = query.database.or(match url.path().trim_matches('/') {
        "" => None,
        path => Some(path.parse().map_err(|_| "has a path that is not a database number")?),
    });
    Ok(Uri { server: Some(server), port: url.port(), socket: None, tls, auth, database })
}

/// Whether a uri that cannot be parsed means TLS.
pub(super) fn is_encrypted_scheme(text: &str) -> bool {
    ["rediss://", "valkeys://", "tls://"].iter().any(|scheme| text.starts_with(scheme))
}

/// Such a character ends the part of the uri that holds the host: half of the password would be taken for the
/// host, and the rest dropped.
fn password_was_not_encoded(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let Some((authority, rest)) = rest.split_once(['/', '?', '#']) else { return false };
    let before_at = rest.split_once('@').map(|(before, _)| before);
    // A value in the query may contain an @.
    !authority.contains('@') && before_at.is_some_and(|before| !before.contains('='))
}

/// What clients write into the query.
#[derive(Default)]
struct Query {
    auth: Option<Auth>,
    tls: Option<bool>,
    database: Option<u32>,
}

impl Query {
    fn of(url: &Url) -> Result<Self, &'static str> {
        let (mut query, mut user, mut password) = (Self::default(), None, None);
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "db" | "database" => {
                    let database =
                        value.parse().map_err(|_| "has a database that is not a number")?;
                    query.database = Some(database);
                }
                "ssl" | "tls" => {
                    query.tls = Some(match value.as_ref() {
                        "" | "1" | "true" | "yes" | "on" | "required" => true,
                        "0" | "false" | "no" | "off" => false,
                        _ => return Err("has an ssl in its query that is neither true nor false"),
                    });
                }
                "user" | "username" => user = Some(value.into_owned()),
                "auth" | "password" => password = Some(Secret::new(value)),
                _ => {
                    return Err(
                        "has something other than db, ssl, user and password in its query. Set it as an option",
                    );
                }
            }
        }
        query.auth = password.map(|password| Auth::new(user, password));
        Ok(query)
    }
}

/// The path of a socket. phpredis uses it without decoding, so it must not contain a character that ends it.
fn socket(url: &Url) -> Result<PathBuf, &'static str> {
    let path = url.path();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    if path.starts_with('/') && path.len() > 1 && path.chars().all(allowed) {
        Ok(PathBuf::from(path))
    } else {
        Err("does not have a path of letters, digits, -, _, . and /")
    }
}

fn auth(url: &Url) -> Result<Option<Auth>, &'static str> {
    let user = Some(decode(url.username())?).filter(|user| !user.is_empty());
    Ok(match (user, url.password()) {
        (None, None) => None,
        (user, Some(password)) => Some(Auth::new(user, Secret::new(decode(password)?))),
        // A user without a password cannot log in, so this is the password, as Bitnami writes it.
        (Some(password), None) => Some(Auth::new(None, Secret::new(password))),
    })
}

fn decode(text: &str) -> Result<String, &'static str> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| "is not UTF-8 when decoded")?;
    if text.contains('\0') { Err("contains a NUL character") } else { Ok(text.into_owned()) }
}
