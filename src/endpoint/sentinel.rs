//! Sentinels that know the primary, from the credentials.

use super::fields::Fields;
use super::names::Meaning;
use super::pem;
use store_client::{Address, Auth, Host, RedisEndpoint, Sentinel, Target, Tls};

/// Words of Sentinel, and a9s's `load_balanced_host`, which leads to any replica. If there is a host as well, that
/// host follows a failover by itself (a9s).
pub(super) const SENTINEL: [&str; 3] = ["sentinel", "sentinels", "balanced"];

const DEFAULT_PORT: u16 = 26379;
/// The name in the configuration that comes with Redis, and the default of charts and operators.
const DEFAULT_MASTER: &str = "mymaster";

/// The Sentinels to ask; `None` if a `host` is there to connect to. A host that comes with Sentinel's name for the primary
/// but without Sentinels of its own (a9s) follows a failover by itself. `tls` is the server's.
pub(super) fn read(
    fields: &Fields<'_>,
    host: Option<&Host>,
    tls: Option<&Tls>,
) -> anyhow::Result<Option<Sentinel>> {
    let is_wanted = fields.options.sentinel_master.is_some();
    let has_nodes = fields.has(Meaning::SentinelNodes);
    let is_named = is_wanted || fields.has(Meaning::SentinelMaster);
    let is_only_way = host.is_none() && (has_nodes || is_named);
    if !(is_wanted || is_only_way || is_named && has_nodes) {
        return Ok(None);
    }
    let port = fields.port(Meaning::SentinelPort)?.unwrap_or(DEFAULT_PORT);
    let nodes = nodes(fields, host, port)?;
    let of_credentials = fields.text(Meaning::SentinelMaster)?;
    let user = fields.text(Meaning::SentinelUser)?;
    let master = fields.options.sentinel_master.clone().or(of_credentials);
    Ok(Some(Sentinel {
        master: master.unwrap_or_else(|| DEFAULT_MASTER.to_owned()),
        nodes,
        auth: fields.secret(Meaning::SentinelPassword)?.map(|it| Auth::new(user, it)),
        tls: own_tls(fields, tls)?,
    }))
}

/// The Sentinels that may be beside a server, if its host leads to a primary and its replicas alike (Bitnami's charts).
pub(super) fn behind(fields: &Fields<'_>, endpoint: &RedisEndpoint) -> Option<Sentinel> {
    let Target::Tcp { address: Address { host, .. }, tls } = &endpoint.target else { return None };
    if fields.mention(&SENTINEL) || fields.has(Meaning::Hosts) {
        return None;
    }
    let nodes = vec![Address { host: host.clone(), port: DEFAULT_PORT }];
    Some(Sentinel { master: DEFAULT_MASTER.to_owned(), nodes, auth: None, tls: tls.clone() })
}

/// Sentinels of their own, else where the servers are, which usually have one beside each.
fn nodes(fields: &Fields<'_>, host: Option<&Host>, port: u16) -> anyhow::Result<Vec<Address>> {
    let expected = "Sentinels, such as 10.0.0.1:26379,10.0.0.2:26379";
    for meaning in [Meaning::SentinelNodes, Meaning::Hosts] {
        if let Some(nodes) = fields.addresses(meaning, port, expected)? {
            return Ok(nodes);
        }
    }
    let expected = "sentinel.nodes (HOST:PORT, separated by commas) beside sentinel.master, or the credential host";
    let host = host.ok_or_else(|| fields.missing("Sentinels", expected))?;
    Ok(vec![Address { host: host.clone(), port }])
}

/// As the server's, unless the credentials say otherwise.
fn own_tls(fields: &Fields<'_>, tls: Option<&Tls>) -> anyhow::Result<Option<Tls>> {
    let ca = pem::read(fields, Meaning::SentinelCa)?;
    let is_wanted = fields.flag(Meaning::SentinelTls)?.unwrap_or(tls.is_some() || ca.is_some());
    let server = tls.cloned().unwrap_or_default();
    Ok(is_wanted.then(|| Tls { ca: ca.or(server.ca), client: server.client }))
}
