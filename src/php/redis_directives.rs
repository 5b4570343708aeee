//! phpredis's directives. What each version supports was read in its source and tried on 5.3.7 and 6.2.0.

use super::ini::{Directive, DirectiveError, PhpSettings, flag, lock_retries};
use super::ini_file::IniFile;
use super::tls::TlsFiles;
use crate::plan::{PREFIX, Plan};
use crate::system::uri::QueryString;
use crate::system::version::Version;
use crate::variable::{Variable, Variables};
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;
use store_client::{Address, Auth, Host, Login, RedisEndpoint, Target, Tls};

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
const PROXY_LOCK_RETRIES: u32 = 1;

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
) -> Result<PhpSettings, DirectiveError> {
    let needs = Needs(version);
    let mut query = QueryString::default();
    let mut variables = Vec::new();
    let mut ini_files = Vec::new();
    let (server, tls) = match &endpoint.target {
        Target::Tcp { address, tls } => (single(address, tls.as_ref()), tls.as_ref()),
        Target::Unix(path) => (format!("unix://{}?", path.display()), None),
        Target::Cluster { nodes, tls } => {
            for node in nodes {
                query.add("seed[]", host_and_port(node));
            }
            ini_files.push(IniFile::Cluster);
            (String::new(), tls.as_ref())
        }
        Target::Sentinel { .. } => return Err(DirectiveError::OnlyProxy("Sentinel")),
    };
    if plan.wait_replicas > 0 {
        return Err(DirectiveError::OnlyProxy("wait_replicas"));
    }
    let cluster = endpoint.is_cluster();
    add_connection(&mut query, plan, cluster);
    match &endpoint.auth {
        None => {}
        Some(Login::Fixed(auth)) => add_login(&mut query, auth, needs)?,
        Some(Login::Issued(_)) => return Err(DirectiveError::OnlyProxy("a login with tokens")),
    }
    // Only on request: with a database, 5.3 makes an extra round trip for every command.
    match endpoint.database {
        Some(database @ 1..) if cluster => return Err(DirectiveError::DatabaseOfCluster(database)),
        Some(database) if !cluster => query.add("database", database),
        _ => {}
    }
    if let Some(prefix) = plan.other_prefix() {
        query.add("prefix", prefix);
    }
    if tls.is_some() {
        let verify = plan.verify_peer;
        if needs.can_say_how_to_encrypt(cluster) {
            add_encryption(&mut query, &endpoint.target, tls_files, verify);
        } else {
            needs.encryption(&endpoint.target, tls_files, verify)?;
            if let Some(file) = &tls_files.ca {
                variables.push((Variable::CaFile, file.display().to_string()));
                ini_files.push(IniFile::Ca);
            }
        }
    }
    variables.extend(self::variables(&format!("{server}{}", query.text()), plan, round_trip));
    Ok(PhpSettings { variables, ini_files })
}

/// Whether PHP keeps its connection, and how long it waits there.
fn add_connection(query: &mut QueryString, plan: &Plan, cluster: bool) {
    let persistent = plan.persistence.to_server;
    query.add("persistent", flag(persistent));
    if persistent && !cluster {
        query.add("persistent_id", PERSISTENT_ID);
    }
    query.add("timeout", plan.connect_timeout.as_secs_f64());
    query.add("read_timeout", plan.read_timeout.as_secs_f64());
}

pub(super) fn behind_proxy(socket: &Path, plan: &Plan) -> PhpSettings {
    let mut query = QueryString::default();
    let persistent = plan.persistence.to_proxy;
    query.add("persistent", flag(persistent));
    if persistent {
        query.add("persistent_id", PERSISTENT_ID);
    }
    query.add("timeout", PROXY_CONNECT_TIMEOUT.as_secs_f64());
    query.add(
        "read_timeout",
        (plan.lock_timeout + plan.failover_timeout + PROXY_TIMEOUT).as_secs_f64(),
    );
    // The handler is the one for single servers.
    if plan.prefix != PREFIX {
        query.add("prefix", &plan.prefix);
    }
    let save_path = format!("unix://{}?{}", socket.display(), query.text());
    let mut variables = variables(&save_path, plan, Duration::ZERO);
    for (_, value) in variables.iter_mut().filter(|(it, _)| *it == Variable::LockRetries) {
        *value = PROXY_LOCK_RETRIES.to_string();
    }
    PhpSettings { variables, ini_files: Vec::new() }
}

pub(super) fn variables(save_path: &str, plan: &Plan, round_trip: Duration) -> Variables {
    // A try takes as long as the server's reply.
    let wait = LOCK_WAIT + round_trip;
    vec![
        (Variable::SavePath, format!("{save_path}{FOR_FILES}")),
        (Variable::Locking, flag(plan.locking)),
        (Variable::LockRetries, lock_retries(plan.lock_timeout, wait, wait).to_string()),
        (Variable::LockExpire, plan.lock_expire.as_secs().to_string()),
    ]
}

/// The part of the save path that names one server.
fn single(address: &Address, tls: Option<&Tls>) -> String {
    let scheme = if tls.is_some() { "tls" } else { "tcp" };
    format!("{scheme}://{}?", host_and_port(address))
}

fn host_and_port(address: &Address) -> String {
    match &address.host {
        // 5.3 needs IPv6 without brackets; 6 accepts both.
        Host::Ip(ip) => format!("{ip}:{}", address.port),
        Host::Name(name) => format!("{name}:{}", address.port),
    }
}

fn add_login(query: &mut QueryString, auth: &Auth, needs: Needs<'_>) -> Result<(), DirectiveError> {
    let Auth { user, password } = auth;
    match user {
        None => query.add("auth", password.expose()),
        Some(user) => {
            needs.at_least([5, 3, 1], "an ACL user")?;
            query.add("auth[]", user);
            query.add("auth[]", password.expose());
        }
    }
    Ok(())
}

fn add_encryption(query: &mut QueryString, target: &Target, tls_files: &TlsFiles, verify: bool) {
    for (name, value) in encryption(target, tls_files, verify) {
        query.add(&format!("stream[{name}]"), value);
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
    fn at_least(self, since: [u32; 3], what: &'static str) -> Result<(), DirectiveError> {
        let [major, minor, patch] = since;
        if self.0.is_at_least(major, minor, patch) {
            return Ok(());
        }
        let since = format!("{major}.{minor}.{patch}");
        Err(DirectiveError::TooOld { what, extension: "redis", version: self.0.clone(), since })
    }

    /// Whether this version accepts TLS settings in the save path.
    fn can_say_how_to_encrypt(self, cluster: bool) -> bool {
        self.0.is_at_least(6, 0, 0) || (cluster && self.0.is_at_least(5, 3, 2))
    }

    /// Fails if the endpoint needs TLS settings that this version does not support.
    fn encryption(
        self,
        target: &Target,
        tls_files: &TlsFiles,
        verify: bool,
    ) -> Result<(), DirectiveError> {
        if matches!(target, Target::Cluster { .. }) {
            self.at_least([5, 3, 2], "TLS to a cluster")?;
        }
        if ipv6(target).is_some() {
            self.at_least([6, 0, 0], "TLS to an IPv6 address")?;
        }
        if tls_files.client.is_some() {
            self.at_least([6, 0, 0], "a client certificate")?;
        }
        if !verify {
            self.at_least([6, 0, 0], "TLS without verifying the certificate")?;
        }
        self.at_least([5, 1, 0], "TLS")
    }
}
