//! A Redis endpoint, from the credentials that brokers and operators give.

use super::fields::Fields;
use super::{Address, EndpointError, Host};
use crate::secret::Secret;
use crate::services::Service;
use percent_encoding::percent_decode_str;
use std::fmt;
use std::path::PathBuf;
use url::Url;

const DEFAULT_PORT: u16 = 6379;

const HOST: [&str; 2] = ["host", "hostname"];
const PORT: [&str; 1] = ["port"];
const TLS_PORT: [&str; 2] = ["tls_port", "sslport"];
const USER: [&str; 2] = ["username", "user"];
const PASSWORD: [&str; 3] = ["password", "primarykey", "redis-password"];
const URI: [&str; 2] = ["uri", "url"];
const TLS: [&str; 3] = ["ssl", "tls", "tls_enabled"];
const DATABASE: [&str; 2] = ["database", "db"];

const URI_EXPECTED: &str = "redis://USER:PASSWORD@HOST:PORT/DATABASE (rediss:// for TLS) with odd characters percent-encoded";

/// What is needed to connect to a Redis server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisEndpoint {
    /// Where the server is.
    pub target: Target,
    /// How to log in; `None` for a server without a password.
    pub auth: Option<Auth>,
    /// The database to select; `None` leaves it to the server.
    pub database: Option<u32>,
}

/// Where a Redis server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Behind a TCP port.
    Tcp {
        /// Host and port.
        address: Address,
        /// Whether the connection is encrypted.
        tls: bool,
    },
    /// Behind a socket file.
    Unix(PathBuf),
}

/// How to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The ACL user; `None` is the user `default`.
    pub user: Option<String>,
    /// The password.
    pub password: Secret,
}

/// What a uri says; each part yields to a credential of its own.
#[derive(Default)]
struct Uri {
    server: Option<Host>,
    port: Option<u16>,
    socket: Option<PathBuf>,
    tls: bool,
    auth: Option<Auth>,
    database: Option<u32>,
}

impl RedisEndpoint {
    /// Makes the endpoint of a service.
    ///
    /// # Errors
    ///
    /// Fails if a credential is missing or is not what it should be; the error names it.
    pub fn of(service: &Service) -> Result<Self, EndpointError> {
        let credentials = service.credentials()?;
        let fields = Fields::new(service, &credentials);
        let uri = match fields.text(&URI)? {
            None => Uri::default(),
            Some(field) => parse_uri(field.text.trim())
                .map_err(|problem| fields.unusable(&field.key, problem, URI_EXPECTED))?,
        };
        Ok(Self {
            target: target(&fields, &uri)?,
            auth: auth(&fields)?.or(uri.auth),
            database: fields.number(&DATABASE)?.or(uri.database),
        })
    }
}

fn target(fields: &Fields<'_>, uri: &Uri) -> Result<Target, EndpointError> {
    let Some(host) = fields.host(&HOST)?.or_else(|| uri.server.clone()) else {
        return uri.socket.clone().map(Target::Unix).ok_or_else(|| {
            fields.missing(
                "host",
                "the credential host (and port, username, password as needed), or uri",
            )
        });
    };
    let tls_port = fields.port(&TLS_PORT)?;
    // A server with both ports open is asked for TLS, unless the flag says not to.
    let tls = fields.flag(&TLS)?.unwrap_or(uri.tls || tls_port.is_some());
    let port = fields.port(&PORT)?.or(uri.port);
    let port = if tls { tls_port.or(port) } else { port };
    Ok(Target::Tcp { address: Address { host, port: port.unwrap_or(DEFAULT_PORT) }, tls })
}

/// A uri's user and password count only where there is no credential for the password: Bitnami puts
/// the password in the user's place, SAP a text that is no user.
fn auth(fields: &Fields<'_>) -> Result<Option<Auth>, EndpointError> {
    let Some(password) = fields.secret(&PASSWORD)? else { return Ok(None) };
    let user = fields.text(&USER)?.map(|field| field.text);
    Ok(Some(Auth { user: user.filter(is_not_default), password }))
}

/// Logging in as `default` is the same as giving the password alone, which servers older than
/// Redis 6 understand, too.
fn is_not_default(user: &String) -> bool {
    user != "default"
}

fn parse_uri(text: &str) -> Result<Uri, &'static str> {
    let url = Url::parse(text).map_err(|_| "is not a uri")?;
    let auth = uri_auth(&url)?;
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

fn uri_auth(url: &Url) -> Result<Option<Auth>, &'static str> {
    let user = Some(decode(url.username())?).filter(|user| !user.is_empty());
    Ok(match (user, url.password()) {
        (None, None) => None,
        (user, Some(password)) => Some(Auth {
            user: user.filter(is_not_default),
            password: Secret::new(decode(password)?),
        }),
        // A user alone logs nobody in, so what stands there is the password, as Bitnami has it.
        (Some(password), None) => Some(Auth { user: None, password: Secret::new(password) }),
    })
}

fn decode(text: &str) -> Result<String, &'static str> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| "is not UTF-8 when decoded")?;
    if text.contains('\0') { Err("contains a NUL character") } else { Ok(text.into_owned()) }
}

/// The endpoint without its password, for people.
impl fmt::Display for RedisEndpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Tcp { address, tls: false } => write!(formatter, "tcp://{address}")?,
            Target::Tcp { address, tls: true } => write!(formatter, "tls://{address}")?,
            Target::Unix(path) => write!(formatter, "unix://{}", path.display())?,
        }
        match &self.auth {
            None => formatter.write_str(", no password")?,
            Some(Auth { user: None, .. }) => {}
            Some(Auth { user: Some(user), .. }) => write!(formatter, ", user {user:?}")?,
        }
        match self.database {
            None => Ok(()),
            Some(database) => write!(formatter, ", database {database}"),
        }
    }
}
