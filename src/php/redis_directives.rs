//! phpredis's directives. What each version supports was read in its source and tried on 5.3.7 and 6.2.0.

use super::ini::{Directive, PhpSettings, flag, lock_retries};
use super::ini_file::IniFile;
use super::tls::TlsFiles;
use crate::config::variables::{OPTIONS, PROXY};
use crate::plan::{PREFIX, Plan};
use crate::system::uri::QueryString;
use crate::system::version::Version;
use crate::variable::{Variable, Variables};
use anyhow::{anyhow, bail, ensure};
use session_proxy::Waits;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;
use store_client::{Address, Auth, Host, Login, RedisEndpoint, Target};

/// How long connecting to the session proxy may take.
pub(crate) const PROXY_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Between tries for the lock. Short waits are fair: with 20 ms, eight clients of one session starve each other.
const LOCK_WAIT: Duration = Duration::from_millis(5);
/// Ends the save path, for apps that choose PHP's `files` handler themselves but leave the path alone: that
/// handler uses what follows the second `;` as its folder, here PHP's default. Otherwise PHP would fail to open a
/// file named like the whole path, and its warning would show the password. phpredis ignores this part.
pub(crate) const FOR_FILES: &str = "&files=;600;/tmp";
/// Names our connections in phpredis's pool, so that the app's own persistent connections to the
/// same server, with another database selected, are never taken for ours.
const PERSISTENT_ID: &str = "php-session-store";
/// How much longer than it waits for the service and for a lock the session proxy may take to reply.
const PROXY_TIMEOUT: Duration = Duration::from_secs(3);
/// The proxy itself waits for the lock. 0 would mean phpredis's default, and phpredis tries once more than this says.
pub(super) const PROXY_LOCK_RETRIES: u32 = 1;

pub(super) fn ini_files() -> Vec<(IniFile, Vec<Directive>)> {
    let base = vec![
        Directive::literal("session.save_handler", "redis"),
        Directive::variable("session.save_path", Variable::SavePath),
        // Makes the persistent id part of the pool's key.
        Directive::literal("redis.pconnect.pool_pattern", "i"),
        // Without a lock, concurrent requests of one session overwrite each other's changes.
        Directive::variable("redis.session.locking_enabled", Variable::Locking),
        Directive::variable("redis.session.lock_retries", Variable::LockRetries),
        Directive::literal("redis.session.lock_wait_time", LOCK_WAIT.as_micros().to_string()),
        Directive::variable("redis.session.lock_expire", Variable::LockExpire),
    ];
    let cluster = vec![
        Directive::literal("session.save_handler", "rediscluster"),
        // Without it, each request asks a node for the slot map.
        Directive::literal("redis.clusters.cache_slots", "1"),
    ];
    let ca = vec![Directive::variable("openssl.cafile", Variable::CaFile)];
    vec![(IniFile::Base, base), (IniFile::Cluster, cluster), (IniFile::Ca, ca)]
}

/// Whether the service's CA must be set for all of PHP's TLS, together with the system's CAs: this version does
/// not support a CA for a single connection.
pub(crate) fn shares_ca(endpoint: &RedisEndpoint, version: &Version) -> bool {
    !Needs(version).can_say_how_to_encrypt(endpoint.is_cluster())
}

pub(super) fn connect(
    endpoint: &RedisEndpoint,
    plan: &Plan,
    tls_files: &TlsFiles,
    version: &Version,
    round_trip: Duration,
) -> anyhow::Result<PhpSettings> {
    let needs = Needs(version);
    let mut query = QueryString::default();
    let mut variables = Vec::new();
    let mut ini_files = Vec::new();
    let server = match &endpoint.target {
        Target::Tcp { address, tls } => {
            let scheme = if tls.is_some() { "tls" } else { "tcp" };
            format!("{scheme}://{}?", host_and_port(address))
        }
        Target::Unix(path) => format!("unix://{}?", path.display()),
        Target::Cluster { nodes, .. } => {
            for node in nodes {
                query.add("seed[]", host_and_port(node));
            }
            ini_files.push(IniFile::Cluster);
            String::new()
        }
        Target::Sentinel { .. } => return Err(only_proxy("Sentinel")),
    };
    if plan.wait_replicas > 0 {
        return Err(only_proxy("wait_replicas"));
    }
    let cluster = endpoint.is_cluster();
    let persistent = plan.persistence.to_server;
    add_connection(&mut query, persistent, cluster, plan.connect_timeout, plan.read_timeout);
    if let Some(login) = &endpoint.auth {
        add_login(&mut query, login, needs)?;
    }
    add_database(&mut query, endpoint)?;
    if let Some(prefix) = plan.other_prefix() {
        query.add("prefix", prefix);
    }
    if endpoint.tls().is_some() && needs.can_say_how_to_encrypt(cluster) {
        for (name, value) in encryption(&endpoint.target, tls_files, plan.verify_peer) {
            query.add(&format!("stream[{name}]"), value);
        }
    } else if endpoint.tls().is_some() {
        needs.encryption(endpoint, plan.verify_peer)?;
        if let Some(file) = &tls_files.ca {
            variables.push((Variable::CaFile, file.display().to_string()));
            ini_files.push(IniFile::Ca);
        }
    }
    // A try takes as long as the server's reply.
    let wait = LOCK_WAIT + round_trip;
    let retries = lock_retries(plan.waits.lock, wait, wait);
    variables.extend(self::variables(&format!("{server}{}", query.text()), plan, retries));
    Ok(PhpSettings { variables, ini_files })
}

fn only_proxy(what: &str) -> anyhow::Error {
    anyhow!(
        "The service needs {what}, which PHP's redis extension does not support for sessions, but the session proxy does.\nSet {PROXY}=auto."
    )
}

fn add_login(query: &mut QueryString, login: &Login, needs: Needs<'_>) -> anyhow::Result<()> {
    match login {
        Login::Fixed(Auth { user: None, password }) => query.add("auth", password.expose()),
        Login::Fixed(Auth { user: Some(user), password }) => {
            needs.at_least([5, 3, 1], "an ACL user")?;
            query.add("auth[]", user);
            query.add("auth[]", password.expose());
        }
        Login::Issued(_) => return Err(only_proxy("a login with tokens")),
    }
    Ok(())
}

/// Only on request: with a database, 5.3 makes an extra round trip for every command.
fn add_database(query: &mut QueryString, endpoint: &RedisEndpoint) -> anyhow::Result<()> {
    match endpoint.database {
        Some(database) if !endpoint.is_cluster() => query.add("database", database),
        Some(database @ 1..) => bail!(
            "PHP's own handler knows only database 0 of a cluster, and the credentials or {OPTIONS} say {database}.\nRemove it, or set {PROXY}=auto: the session proxy can use it, if the server has numbered databases in a cluster, as of Valkey 9."
        ),
        _ => {}
    }
    Ok(())
}

/// Whether PHP keeps its connection, and how long it waits there.
fn add_connection(
    query: &mut QueryString,
    persistent: bool,
    cluster: bool,
    connect_timeout: Duration,
    read_timeout: Duration,
) {
    query.add("persistent", flag(persistent));
    if persistent && !cluster {
        query.add("persistent_id", PERSISTENT_ID);
    }
    query.add("timeout", connect_timeout.as_secs_f64());
    query.add("read_timeout", read_timeout.as_secs_f64());
}

pub(super) fn behind_proxy(socket: &Path, plan: &Plan) -> PhpSettings {
    let mut query = QueryString::default();
    let Waits { lock, failover } = plan.waits_in_cluster;
    let read_timeout = lock + failover + PROXY_TIMEOUT;
    let persistent = plan.persistence.to_proxy;
    add_connection(&mut query, persistent, false, PROXY_CONNECT_TIMEOUT, read_timeout);
    // The handler is the one for single servers.
    if plan.prefix != PREFIX {
        query.add("prefix", &plan.prefix);
    }
    let save_path = format!("unix://{}?{}", socket.display(), query.text());
    let variables = variables(&save_path, plan, PROXY_LOCK_RETRIES);
    PhpSettings { variables, ini_files: Vec::new() }
}

/// `retries` is how often to try again for the lock.
pub(super) fn variables(save_path: &str, plan: &Plan, retries: u32) -> Variables {
    vec![
        (Variable::SavePath, format!("{save_path}{FOR_FILES}")),
        (Variable::Locking, flag(plan.locking)),
        (Variable::LockRetries, retries.to_string()),
        (Variable::LockExpire, plan.lock_expire.as_secs().to_string()),
    ]
}

fn host_and_port(address: &Address) -> String {
    match &address.host {
        // 5.3 needs IPv6 without brackets; 6 accepts both.
        Host::Ip(ip) => format!("{ip}:{}", address.port),
        Host::Name(name) => format!("{name}:{}", address.port),
    }
}

/// The TLS context for PHP's streams. Never empty: phpredis uses TLS with a cluster's nodes only if there is a
/// `stream` at all.
pub(crate) fn encryption(
    target: &Target,
    tls_files: &TlsFiles,
    verify: bool,
) -> Vec<(&'static str, String)> {
    let mut stream = vec![("verify_peer", flag(verify))];
    if !verify {
        stream.push(("verify_peer_name", flag(false)));
    } else if let Some(ip) = ipv6(target) {
        // PHP would check the certificate's names against the address up to its first colon.
        stream.push(("peer_name", ip.to_string()));
    }
    if let Some(file) = &tls_files.ca {
        stream.push(("cafile", file.display().to_string()));
    }
    if let Some(client) = &tls_files.client {
        stream.push(("local_cert", client.certificate.display().to_string()));
        stream.push(("local_pk", client.key.display().to_string()));
    }
    stream
}

/// The address of a single server, if it is IPv6.
fn ipv6(target: &Target) -> Option<Ipv6Addr> {
    match target {
        Target::Tcp { address: Address { host: Host::Ip(IpAddr::V6(ip)), .. }, .. } => Some(*ip),
        _ => None,
    }
}

/// What the extension's version must support.
#[derive(Clone, Copy)]
struct Needs<'a>(&'a Version);

impl Needs<'_> {
    fn at_least(self, since: [u32; 3], what: &str) -> anyhow::Result<()> {
        let version = self.0;
        ensure!(
            version.is_at_least(since),
            "The service needs {what}, which the PHP extension redis {version} does not support. Version {} and later do.\nUse a newer extension, or a service without it.",
            since.map(|number| number.to_string()).join(".")
        );
        Ok(())
    }

    /// Whether this version accepts TLS settings in the save path.
    fn can_say_how_to_encrypt(self, cluster: bool) -> bool {
        self.0.is_at_least([6, 0, 0]) || (cluster && self.0.is_at_least([5, 3, 2]))
    }

    /// Fails if the endpoint needs TLS settings that this version does not support.
    fn encryption(self, endpoint: &RedisEndpoint, verify: bool) -> anyhow::Result<()> {
        let has_client = endpoint.tls().is_some_and(|tls| tls.client.is_some());
        let needs = [
            (endpoint.is_cluster(), [5, 3, 2], "TLS to a cluster"),
            (ipv6(&endpoint.target).is_some(), [6, 0, 0], "TLS to an IPv6 address"),
            (has_client, [6, 0, 0], "a client certificate"),
            (!verify, [6, 0, 0], "TLS without verifying the certificate"),
            (true, [5, 1, 0], "TLS"),
        ];
        let mut needs = needs.into_iter().filter(|(is_needed, ..)| *is_needed);
        needs.try_for_each(|(_, since, what)| self.at_least(since, what))
    }
}
