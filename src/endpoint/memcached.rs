//! A Memcached endpoint, from the credentials that brokers and operators give.

use super::fields::Fields;
use super::names::Meaning;
use super::tls;
use super::uri::{Uri, uri};
use store_client::{Address, MemcachedEndpoint, MemcachedLogin};

const DEFAULT_PORT: u16 = 11211;

/// The limit of libsasl2's client.
const MAX_USER_BYTES: usize = 1024;

pub(super) fn read(fields: &Fields<'_>) -> anyhow::Result<MemcachedEndpoint> {
    let uri = uri(fields)?;
    let tls_port = fields.port(Meaning::TlsPort)?;
    let tls_only = tls_port.is_some() && !fields.has(Meaning::Port);
    let tls = tls::read(fields, None, uri.tls || tls_only)?;
    let tls_port = tls_port.filter(|_| tls.is_some());
    Ok(MemcachedEndpoint {
        servers: servers(fields, &uri, tls_port)?,
        login: login(fields, uri)?,
        tls,
    })
}

/// With TLS, its own port beats the other one.
fn servers(fields: &Fields<'_>, uri: &Uri, tls_port: Option<u16>) -> anyhow::Result<Vec<Address>> {
    let port = tls_port.or(fields.port(Meaning::Port)?).or(uri.port);
    let default = port.unwrap_or(DEFAULT_PORT);
    let expected = "a list of servers such as mc1.example.com:11211,mc2.example.com:11211";
    if let Some(servers) = fields.addresses(Meaning::Hosts, default, expected)? {
        return Ok(servers);
    }
    let host = fields.host()?.or_else(|| Some((uri.server.clone()?, None)));
    let expected = "the credential servers (host:port, one or several), or host and port, or uri";
    let (host, of_host) = host.ok_or_else(|| fields.missing("servers", expected))?;
    Ok(vec![Address { host, port: port.or(of_host).unwrap_or(DEFAULT_PORT) }])
}

fn login(fields: &Fields<'_>, uri: Uri) -> anyhow::Result<Option<MemcachedLogin>> {
    let expected = "both username and password for a server with SASL, or neither";
    let (of_uri, password_of_uri) =
        uri.auth.map(|auth| (auth.user, Some(auth.password))).unwrap_or_default();
    let key = fields.first(Meaning::User).map_or("uri", |entry| &entry.key);
    let user = fields.options.username.clone().or(fields.text(Meaning::User)?).or(of_uri);
    match (user, fields.secret(Meaning::Password)?.or(password_of_uri)) {
        (None, None) => Ok(None),
        (Some(user), Some(_)) if user.trim() != user => {
            let problem = "begins or ends with a blank, which SASL would drop";
            Err(fields.unusable(key, problem, "a user without leading or trailing blanks"))
        }
        (Some(user), Some(_)) if user.len() > MAX_USER_BYTES => {
            Err(fields.unusable(key, "is too long for SASL", "at most 1024 bytes"))
        }
        (Some(user), Some(password)) => Ok(Some(MemcachedLogin { user, password })),
        (Some(_), None) => Err(fields.missing("password for its username", expected)),
        (None, Some(_)) => Err(fields.missing("username for its password", expected)),
    }
}
