//! What the steps in PHP are told about the server: the endpoint as Rust knows it, so that they need not parse the
//! save path.

use crate::endpoint::Endpoint;
use crate::launch::build_record::LaunchRecord;
use crate::php::redis_commands::Trial;
use crate::php::redis_directives::{PROXY_CONNECT_TIMEOUT, encryption, shares_ca};
use crate::php::tls::TlsFiles;
use crate::plan::Plan;
use serde_json::{Map, Value, json};
use store_client::{Address, Host, MemcachedEndpoint, RedisEndpoint, Target, joined};

/// The question for `steps/redis.php` or `steps/memcached.php`.
pub(super) fn question(plan: &Plan, record: &LaunchRecord, tls_files: &TlsFiles) -> Value {
    match &plan.endpoint {
        Endpoint::Redis(endpoint) => {
            // The session handler of some versions has no TLS options.
            let has_options = !shares_ca(endpoint, &record.extension_version);
            of_redis(endpoint, plan, Some(tls_files).filter(|_| has_options))
        }
        Endpoint::Memcached(endpoint) => of_memcached(endpoint, plan),
    }
}

/// The question for the way of a framework that connects itself, with a client that has TLS options.
pub(super) fn question_of_framework(
    name: &str,
    endpoint: &RedisEndpoint,
    plan: &Plan,
    tls_files: &TlsFiles,
) -> Value {
    let mut question = of_redis(endpoint, plan, Some(tls_files));
    question["name"] = json!(format!("{}, as {name} connects", place(endpoint)));
    question
}

/// The question for the session proxy at `socket`. The proxy takes care of the service's address, login and TLS.
pub(super) fn question_to_proxy(socket: &str, plan: &Plan) -> Value {
    let timeout = PROXY_CONNECT_TIMEOUT.as_secs_f64();
    if let Endpoint::Memcached(_) = &plan.endpoint {
        return json!({
            "servers": [[socket, 0]], "auth": null, "timeout": timeout, "prefix": plan.prefix,
        });
    }
    json!({
        "name": format!("the session proxy ({socket})"),
        "scheme": "unix", "host": socket, "port": 0,
        "auth": null, "database": null, "stream": null, "tells_lifetime": false,
        // The proxy gives up earlier.
        "timeout": timeout, "read_timeout": 60.0,
        "prefix": plan.prefix,
        "commands": Trial { locking: plan.locks(true), ..trial(plan, true) }.commands(),
    })
}

/// The trial session for PHP, without a database.
fn trial(plan: &Plan, persistent: bool) -> Trial<'_> {
    let (prefix, by) = (&plan.prefix, "session-check");
    Trial { prefix, by, locking: plan.locks(false), persistent, database: None }
}

/// `tls_files` are for a client that has TLS options.
fn of_redis(endpoint: &RedisEndpoint, plan: &Plan, tls_files: Option<&TlsFiles>) -> Value {
    let database = endpoint.database;
    let scheme = if endpoint.tls().is_some() { "tls" } else { "tcp" };
    let stream: Option<Map<String, Value>> = tls_files.filter(|_| scheme == "tls").map(|files| {
        let stream = encryption(&endpoint.target, files, plan.verify_peer).into_iter();
        stream.map(|(name, value)| (name.to_owned(), json!(value))).collect()
    });
    let auth = endpoint.fixed().map(|auth| match &auth.user {
        Some(user) => json!([user, auth.password.expose()]),
        None => json!(auth.password.expose()),
    });
    let (scheme, host, port, nodes) = match &endpoint.target {
        Target::Tcp { address, .. } => (scheme, host(address), address.port, None),
        Target::Unix(path) => ("unix", path.display().to_string(), 0, None),
        // PHP connects to the session proxy only.
        Target::Sentinel { .. } => (scheme, String::new(), 0, None),
        Target::Cluster { nodes, .. } => (scheme, String::new(), 0, Some(nodes)),
    };
    let nodes: Option<Value> =
        nodes.map(|nodes| nodes.iter().map(|node| json!([self::host(node), node.port])).collect());
    json!({
        "name": place(endpoint),
        "scheme": scheme, "host": host, "port": port, "nodes": nodes,
        "auth": auth, "database": database, "stream": stream,
        "tells_lifetime": endpoint.user().is_none(),
        "timeout": plan.connect_timeout.as_secs_f64(),
        "read_timeout": plan.read_timeout.as_secs_f64(),
        "prefix": plan.prefix,
        "commands": Trial { database, ..trial(plan, plan.persistence.to_server) }.commands(),
    })
}

/// The addresses, without the login.
pub(super) fn place_of(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Redis(endpoint) => place(endpoint),
        Endpoint::Memcached(endpoint) => joined(&endpoint.servers, ", "),
    }
}

fn place(endpoint: &RedisEndpoint) -> String {
    match &endpoint.target {
        Target::Tcp { address, .. } => address.to_string(),
        Target::Unix(path) => path.display().to_string(),
        Target::Sentinel { sentinel, .. } => sentinel.to_string(),
        Target::Cluster { nodes, .. } => joined(nodes, ", "),
    }
}

/// Without brackets, which phpredis 5.3 does not accept.
fn host(address: &Address) -> String {
    match &address.host {
        Host::Ip(ip) => ip.to_string(),
        Host::Name(name) => name.clone(),
    }
}

fn of_memcached(endpoint: &MemcachedEndpoint, plan: &Plan) -> Value {
    let servers = endpoint.servers.iter();
    let servers = servers.map(|server| json!([server.host.to_string(), server.port]));
    json!({
        "servers": servers.collect::<Vec<_>>(),
        "auth": endpoint.login.as_ref().map(|login| [&login.user, login.password.expose()]),
        "timeout": plan.connect_timeout.as_secs_f64(),
        "prefix": plan.prefix,
    })
}

/// The hosts that PHP's save path must contain if it leads to the same servers; another buildpack may write it in
/// another form.
pub(super) fn hosts(endpoint: &Endpoint) -> Vec<String> {
    match endpoint {
        Endpoint::Redis(endpoint) => match &endpoint.target {
            Target::Tcp { address, .. } => vec![host(address)],
            Target::Unix(path) => vec![path.display().to_string()],
            Target::Cluster { nodes, .. } => nodes.iter().map(host).collect(),
            Target::Sentinel { sentinel, .. } => sentinel.nodes.iter().map(host).collect(),
        },
        Endpoint::Memcached(endpoint) => endpoint.servers.iter().map(host).collect(),
    }
}
