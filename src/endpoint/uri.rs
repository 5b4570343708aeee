//! Uris of servers: `rediss://user:password@host:port/database`, `memcached://host:port`.

use super::fields::Fields;
use super::names::Meaning;
use super::values::flag;
use super::words::Words;
use crate::store::Store;
use percent_encoding::percent_decode_str;
use std::path::PathBuf;
use store_client::{Auth, Host, NO_BRACKETS, Secret};
use url::Url;

/// The parts of a uri; a separate credential beats each of them.
#[derive(Default)]
pub(super) struct Uri {
    pub(super) server: Option<Host>,
    pub(super) port: Option<u16>,
    pub(super) socket: Option<PathBuf>,
    pub(super) tls: bool,
    pub(super) auth: Option<Auth>,
    pub(super) database: Option<u32>,
    /// The names in its query that mean nothing to us.
    ignored: Vec<String>,
}

/// The parts of the uri among the credentials. An invalid one is no error if there are also a host and a password:
/// it may be a dashboard's address, or contain an unencoded password. Its scheme still counts, so that TLS is not
/// lost.
pub(super) fn uri(fields: &Fields<'_>) -> anyhow::Result<Uri> {
    let Some(entry) = fields.first(Meaning::Uri) else { return Ok(Uri::default()) };
    let text = fields.text_of(entry)?;
    match parse(text.trim(), fields.store) {
        Ok(uri) => {
            if !uri.ignored.is_empty() {
                fields.warn(format!(
                    "the credential {:?} has {} in its query, which sessions do not use",
                    entry.key,
                    uri.ignored.join(", ")
                ));
            }
            Ok(uri)
        }
        Err(_) if fields.has(Meaning::Host) && fields.has(Meaning::Password) => {
            fields.ignore(Meaning::Uri);
            let encrypted = ["rediss://", "valkeys://", "tls://"];
            let tls = encrypted.iter().any(|scheme| text.trim().starts_with(scheme));
            Ok(Uri { tls, ..Uri::default() })
        }
        Err(problem) => {
            let expected = fields.store.choose(
                "redis://USER:PASSWORD@HOST:PORT/DATABASE (rediss:// for TLS) with special characters percent-encoded",
                "memcached://HOST:PORT, or memcached://USER:PASSWORD@HOST:PORT with special characters percent-encoded",
            );
            Err(fields.unusable(&entry.key, problem, expected))
        }
    }
}

const NOT_ENCODED: &str =
    "has a ?, / or # before its @. In a user or a password, write %3F, %2F or %23";

/// Parses a uri. The error says what is wrong, and quotes nothing.
fn parse(text: &str, store: Store) -> Result<Uri, &'static str> {
    let url = Url::parse(text)
        .map_err(|_| if lacks_brackets(text) { NO_BRACKETS } else { "is not a uri" })?;
    if password_was_not_encoded(text) || url.fragment().is_some() {
        return Err(NOT_ENCODED);
    }
    let (mut uri, tls) = of_query(&url)?;
    if !uri.ignored.is_empty() && url.query().is_some_and(|query| query.contains('@')) {
        return Err(NOT_ENCODED);
    }
    uri.auth = auth(&url)?.or(uri.auth);
    let of_scheme = match (url.scheme(), store) {
        ("redis" | "valkey", Store::Redis)
        | ("memcached" | "memcache", Store::Memcached)
        | ("tcp", _) => false,
        ("rediss" | "valkeys", Store::Redis) | ("tls", _) => true,
        ("unix", Store::Redis) if tls == Some(true) => {
            return Err("asks for TLS on a Unix socket");
        }
        ("unix", Store::Redis) => return Ok(Uri { socket: Some(socket(&url)?), ..uri }),
        (_, Store::Redis) => return Err("does not have a Redis scheme"),
        (_, Store::Memcached) => return Err("does not have a Memcached scheme"),
    };
    let tls = tls.unwrap_or(of_scheme);
    if !tls && uri.ignored.iter().any(|name| Words::of(name).look_like_tls()) {
        return Err("asks for TLS in its query, but its scheme does not. Write rediss://");
    }
    let server = url.host_str().ok_or("has no host")?.parse()?;
    let database = uri.database.or(match url.path().trim_matches('/') {
        "" => None,
        path => Some(path.parse().map_err(|_| "has a path that is not a database number")?),
    });
    Ok(Uri { server: Some(server), port: url.port(), tls, database, ..uri })
}

/// A uri without its scheme, and the part of it that should hold login, host and port.
fn authority(text: &str) -> (&str, &str) {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    (rest, rest.split(['/', '?', '#']).next().unwrap_or_default())
}

/// Whether its host is an IPv6 address that is not in brackets.
fn lacks_brackets(text: &str) -> bool {
    let host = authority(text).1.rsplit('@').next().unwrap_or_default();
    let is_of_ipv6 = |c: char| c.is_ascii_hexdigit() || c == ':';
    host.matches(':').count() > 1 && host.chars().all(is_of_ipv6)
}

/// Such a character ends the part of the uri that holds the host: half of the password would be taken for the
/// host, and the rest dropped.
fn password_was_not_encoded(text: &str) -> bool {
    let (rest, authority) = authority(text);
    let before_at = rest[authority.len()..].split_once('@').map(|(before, _)| before);
    // A value in the query may contain an @.
    !authority.contains('@') && before_at.is_some_and(|before| !before.contains('='))
}

/// What clients write into the query, by the same names as credentials, and whether it asks for TLS.
fn of_query(url: &Url) -> Result<(Uri, Option<bool>), &'static str> {
    let (mut uri, mut tls, mut user, mut password) = (Uri::default(), None, None, None);
    for (name, value) in url.query_pairs() {
        match Words::of(&name).reading(Store::Redis).map(|reading| reading.meaning) {
            Some(Meaning::Database) => {
                let database = value.parse().map_err(|_| "has a database that is not a number")?;
                uri.database = Some(database);
            }
            Some(Meaning::Tls) => {
                let problem = "has an ssl in its query that is neither true nor false";
                tls = Some(flag(if value.is_empty() { "on" } else { &value }).ok_or(problem)?);
            }
            Some(Meaning::User) => user = Some(value.into_owned()),
            Some(Meaning::Password) => password = Some(Secret::new(value)),
            _ if is_name(&name) => uri.ignored.push(name.into_owned()),
            // Not repeated: it may be a part of the password.
            _ => return Err(NOT_ENCODED),
        }
    }
    uri.auth = password.map(|password| Auth::new(user, password));
    Ok((uri, tls))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
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
