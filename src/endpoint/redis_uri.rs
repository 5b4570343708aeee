//! What a Redis uri says: `rediss://user:password@host:port/database`.

use super::address::Host;
use super::auth::Auth;
use crate::system::secret::Secret;
use percent_encoding::percent_decode_str;
use std::path::PathBuf;
use url::Url;

/// The parts of a uri; each yields to a credential of its own.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Uri {
    pub(super) server: Option<Host>,
    pub(super) port: Option<u16>,
    pub(super) socket: Option<PathBuf>,
    pub(super) tls: bool,
    pub(super) auth: Option<Auth>,
    pub(super) database: Option<u32>,
}

/// Parses a uri; a failure says what is wrong with it, and quotes nothing.
pub(super) fn parse(text: &str) -> Result<Uri, &'static str> {
    let url = Url::parse(text).map_err(|_| "is not a uri")?;
    // It would have cut the uri there, password and all.
    if url.fragment().is_some() {
        return Err("has a #");
    }
    let auth = auth(&url)?;
    let tls = match url.scheme() {
        "redis" | "valkey" | "tcp" => false,
        "rediss" | "valkeys" | "tls" => true,
        "unix" => return Ok(Uri { socket: Some(socket(&url)?), auth, ..Uri::default() }),
        _ => return Err("has a scheme that is not Redis's"),
    };
    let server: Host = url.host_str().ok_or("has no host")?.parse()?;
    let database = match url.path().trim_matches('/') {
        "" => None,
        path => Some(path.parse().map_err(|_| "has a path that is no database number")?),
    };
    Ok(Uri { server: Some(server), port: url.port(), socket: None, tls, auth, database })
}

/// The path of a socket. phpredis takes it as it stands, so it can hold nothing that ends it.
fn socket(url: &Url) -> Result<PathBuf, &'static str> {
    let path = url.path();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    if path.starts_with('/') && path.len() > 1 && path.chars().all(allowed) {
        Ok(PathBuf::from(path))
    } else {
        Err("has no path of letters, digits, -, _, . and /")
    }
}

fn auth(url: &Url) -> Result<Option<Auth>, &'static str> {
    let user = Some(decode(url.username())?).filter(|user| !user.is_empty());
    Ok(match (user, url.password()) {
        (None, None) => None,
        (user, Some(password)) => Some(Auth::new(user, Secret::new(decode(password)?))),
        // A user alone logs nobody in, so what stands there is the password, as Bitnami has it.
        (Some(password), None) => Some(Auth::new(None, Secret::new(password))),
    })
}

fn decode(text: &str) -> Result<String, &'static str> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| "is not UTF-8 when decoded")?;
    if text.contains('\0') { Err("contains a NUL character") } else { Ok(text.into_owned()) }
}
