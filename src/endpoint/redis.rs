//! A Redis endpoint, from the credentials of brokers and operators.

use super::cloud;
use super::fields::Fields;
use super::names::Meaning;
use super::uri::{Uri, uri};
use super::{sentinel, tls};
use store_client::{Address, Auth, Login, RedisEndpoint, Target};

const DEFAULT_PORT: u16 = 6379;

pub(super) fn read(fields: &Fields<'_>) -> anyhow::Result<RedisEndpoint> {
    let uri = uri(fields)?;
    let fixed = auth(fields, &uri)?;
    let issued = cloud::login(fields, &uri, fixed.as_ref())?;
    let auth = issued.map(Login::Issued).or(fixed.map(Login::Fixed));
    let number = |text: &str| text.parse().map_err(|_| "is not a whole number".to_owned());
    let database = fields.parsed(Meaning::Database, "a whole number", number)?.or(uri.database);
    let target = target(fields, &uri, matches!(auth, Some(Login::Issued(_))))?;
    // The others are the server's to refuse: Valkey has numbered databases in a cluster as of version 9.
    let is_cluster = matches!(target, Target::Cluster { .. });
    let database = database.filter(|database| *database > 0 || !is_cluster);
    Ok(RedisEndpoint { target, auth, database })
}

/// A token does not go through a network in plain text unless the credentials say so.
fn target(fields: &Fields<'_>, uri: &Uri, is_issued: bool) -> anyhow::Result<Target> {
    let tls_port = fields.port(Meaning::TlsPort)?;
    let scheme = scheme_credential(fields)?;
    let tls = tls::read(fields, scheme, uri.tls || tls_port.is_some() || is_issued)?;
    let (host, port_of_host) = fields.host()?.unzip();
    let host = host.or_else(|| uri.server.clone());
    let port = fields.port(Meaning::Port)?.or(port_of_host.flatten()).or(uri.port);
    let port = if tls.is_some() { tls_port.or(port) } else { port }.unwrap_or(DEFAULT_PORT);
    if is_issued && tls.is_none() {
        fields.warn(format!(
            "The service {} has TLS turned off, so its login token goes through the network in plain text. Set tls to true, unless something else encrypts the connection",
            fields.service
        ));
    }
    if let Some(sentinel) = sentinel::read(fields, host.as_ref(), tls.as_ref())? {
        return Ok(Target::Sentinel { sentinel: Box::new(sentinel), tls });
    }
    if let Some(nodes) = nodes(fields, port)? {
        return Ok(Target::Cluster { nodes, tls });
    }
    match (host, &uri.socket) {
        (Some(host), _) if fields.flag(Meaning::ClusterMode)? == Some(true) => {
            Ok(Target::Cluster { nodes: vec![Address { host, port }], tls })
        }
        (Some(host), _) => Ok(Target::Tcp { address: Address { host, port }, tls }),
        (None, Some(socket)) => Ok(Target::Unix(socket.clone())),
        (None, None) if let Some(address) = only_host(fields, port)? => {
            Ok(Target::Tcp { address, tls })
        }
        (None, None) => Err(fields.missing(
            "host",
            "the credential host (and port, username, password as needed), or uri",
        )),
    }
}

/// What a `scheme` credential says about TLS.
fn scheme_credential(fields: &Fields<'_>) -> anyhow::Result<Option<bool>> {
    fields.parsed(Meaning::Scheme, "redis or tcp, or rediss or tls for TLS", |text| {
        match text.to_ascii_lowercase().as_str() {
            "redis" | "valkey" | "tcp" | "plaintext" => Ok(false),
            "rediss" | "valkeys" | "tls" | "ssl" | "encrypted" => Ok(true),
            _ => Err("is not a Redis scheme".to_owned()),
        }
    })
}

/// The nodes of a cluster; `None` if it is not a cluster.
fn nodes(fields: &Fields<'_>, port: u16) -> anyhow::Result<Option<Vec<Address>>> {
    let mode = fields.flag(Meaning::ClusterMode)?;
    if mode == Some(false) {
        return Ok(None);
    }
    let expected = "the cluster's nodes, such as 10.0.0.1:6379,10.0.0.2:6379";
    if let Some(nodes) = fields.addresses(Meaning::Nodes, port, expected)? {
        return Ok(Some(nodes));
    }
    // `hosts` are, if the credentials say so, or if there is no `host`.
    let hosts_are_nodes = match mode {
        Some(_) => fields.list(Meaning::Hosts).is_ok(),
        None => !fields.has(Meaning::Host) && !fields.has(Meaning::Uri) && has_hosts(fields),
    };
    if hosts_are_nodes { fields.addresses(Meaning::Hosts, port, expected) } else { Ok(None) }
}

/// Whether there are several `hosts`. With Sentinel they are replicas of one another, and writing to any of them would lose
/// sessions; a single one only repeats the host.
fn has_hosts(fields: &Fields<'_>) -> bool {
    let hosts = fields.list(Meaning::Hosts).ok().flatten();
    hosts.is_some_and(|hosts| hosts.len() > 1) && !fields.mention(&sentinel::SENTINEL)
}

/// A single one of `hosts`, for where nothing else names a host.
fn only_host(fields: &Fields<'_>, port: u16) -> anyhow::Result<Option<Address>> {
    if fields.mention(&sentinel::SENTINEL) {
        return Ok(None);
    }
    let expected = "a host, such as cache.example.com or cache.example.com:6379";
    let hosts = fields.addresses(Meaning::Hosts, port, expected)?;
    Ok(hosts.and_then(|hosts| hosts.into_iter().next()))
}

/// The nodes, should the endpoint turn out to be a cluster. With `hosts` beside `host`, Blacksmith means a
/// cluster, others a server and its replicas; only the server knows.
pub(super) fn nodes_if_cluster(fields: &Fields<'_>, endpoint: &RedisEndpoint) -> Vec<Address> {
    let Target::Tcp { address, .. } = &endpoint.target else { return Vec::new() };
    let is_settled =
        fields.has(Meaning::ClusterMode) || endpoint.database.is_some_and(|number| number > 0);
    let may_be_nodes = has_hosts(fields) && !is_settled;
    let hosts = fields.addresses(Meaning::Hosts, address.port, "a host").ok().flatten();
    if fields.has(Meaning::Host) || fields.has(Meaning::Uri) {
        // Unused until the server says what it is.
        fields.ignore(Meaning::Hosts);
    }
    hosts.filter(|_| may_be_nodes).unwrap_or_default()
}

/// A uri's user and password count only if there is no credential for the password: Bitnami puts the password in
/// the user's place, SAP something that is not a user. The option's user beats both.
fn auth(fields: &Fields<'_>, uri: &Uri) -> anyhow::Result<Option<Auth>> {
    let auth = match fields.secret(Meaning::Password)? {
        Some(password) => Some(Auth::new(fields.text(Meaning::User)?, password)),
        None => uri.auth.clone(),
    };
    Ok(match (auth, &fields.options.username) {
        (Some(auth), Some(user)) => Some(Auth::new(Some(user.clone()), auth.password)),
        (auth, _) => auth,
    })
}
