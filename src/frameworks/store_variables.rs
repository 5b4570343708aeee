//! The service as variables for the app's own configuration: one uri, and its parts. Names and meanings are
//! documented in docs/frameworks.md and must stay stable.

use super::redis_url::{USUAL, redis_url};
use super::session_use::Reach;
use crate::endpoint::Endpoint;
use crate::system::uri::encode;
use crate::variable::{Variable, Variables};
use store_client::{Address, MemcachedEndpoint, RedisEndpoint, Target, joined};

/// The prefix of their names.
pub(crate) const PREFIX: &str = "PHP_SESSION_STORE_";

/// The variables `PHP_SESSION_STORE_…`.
pub(crate) fn store_variables(service: &Reach<'_>) -> Variables {
    match &service.plan.endpoint {
        Endpoint::Redis(redis) => of_redis(redis, service),
        Endpoint::Memcached(memcached) => of_memcached(memcached),
    }
}

fn of_redis(redis: &RedisEndpoint, service: &Reach<'_>) -> Variables {
    let mut variables = match &redis.target {
        Target::Tcp { address, .. } => of_server(address),
        Target::Cluster { nodes, .. } => vec![(Variable::StoreServers, joined(nodes, ","))],
        // The servers change; what the app would connect with are the Sentinels.
        Target::Sentinel { .. } => Vec::new(),
        Target::Unix(path) => vec![(Variable::StoreSocket, path.display().to_string())],
    };
    let mut add =
        |variable, value: Option<String>| variables.extend(value.map(|value| (variable, value)));
    add(Variable::StoreUrl, redis_url(redis, service, USUAL));
    let auth = redis.fixed();
    add(Variable::StoreUsername, auth.and_then(|auth| auth.user.clone()));
    add(Variable::StorePassword, auth.map(|auth| auth.password.expose().to_owned()));
    add(Variable::StoreDatabase, redis.database.map(|database| database.to_string()));
    add(Variable::StoreTls, redis.tls().map(|_| "1".to_owned()));
    let ca = service.tls_files.ca.as_ref();
    add(Variable::StoreCa, ca.map(|path| path.display().to_string()));
    variables
}

/// Several servers go into the query, as Symfony's adapter expects; no other client reads such a uri.
fn of_memcached(MemcachedEndpoint { servers, login, tls }: &MemcachedEndpoint) -> Variables {
    let authority = login
        .as_ref()
        .map(|login| format!("{}:{}@", encode(&login.user), encode(login.password.expose())));
    let authority = authority.unwrap_or_default();
    let url = if let [server] = servers.as_slice() {
        format!("memcached://{authority}{server}")
    } else {
        let hosts: Vec<String> = servers.iter().map(|server| format!("host[{server}]")).collect();
        format!("memcached:{authority}?{}", hosts.join("&"))
    };
    let mut variables =
        vec![(Variable::StoreUrl, url), (Variable::StoreServers, joined(servers, ","))];
    if let [server] = servers.as_slice() {
        variables.extend(of_server(server));
    }
    variables.extend(tls.as_ref().map(|_| (Variable::StoreTls, "1".to_owned())));
    if let Some(login) = login {
        variables.push((Variable::StoreUsername, login.user.clone()));
        variables.push((Variable::StorePassword, login.password.expose().to_owned()));
    }
    variables
}

fn of_server(address: &Address) -> Variables {
    vec![
        (Variable::StoreHost, address.host.to_string()),
        (Variable::StorePort, address.port.to_string()),
    ]
}
