//! phpredis's directives. What each version takes was read in its source and tried on 5.3.7 and 6.2.0.

use super::{Connection, Directive, DirectiveError, SAVE_PATH};
use crate::endpoint::Host;
use crate::endpoint::redis::{Auth, RedisEndpoint, Target};
use crate::version::Version;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write;

/// What stands in a query as it is. phpredis splits a save path at blanks and commas before it
/// parses the uri, and the query is parsed like that of a page, so everything else is encoded.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Seconds until a connection must stand; phpredis's own default is a day.
const CONNECT_TIMEOUT: u32 = 2;
/// Seconds to wait for an answer; phpredis's own default is PHP's `default_socket_timeout`, 60.
const READ_TIMEOUT: u32 = 5;
/// Names our connections in phpredis's pool, so that the app's own persistent connections to the
/// same server, with another database selected, are never taken for ours.
const PERSISTENT_ID: &str = "php-session-store";

/// What holds for every launch.
pub(super) fn base() -> Vec<Directive> {
    vec![
        Directive::literal("session.save_handler", "redis"),
        Directive::variable("session.save_path", SAVE_PATH),
        // Keys the pool by persistent id as well.
        Directive::literal("redis.pconnect.pool_pattern", "i"),
        // Without a lock, concurrent requests of one session overwrite each other's changes.
        Directive::literal("redis.session.locking_enabled", "1"),
        // Wait as long as it takes (PHP's own files do that, too), asking every 2 ms.
        Directive::literal("redis.session.lock_retries", "-1"),
        Directive::literal("redis.session.lock_wait_time", "2000"),
    ]
}

pub(super) fn connect(
    endpoint: &RedisEndpoint,
    version: &Version,
) -> Result<Connection, DirectiveError> {
    let save_path = save_path(endpoint, version)?;
    Ok(Connection { variables: vec![(SAVE_PATH, save_path)], drop_ins: Vec::new() })
}

fn save_path(endpoint: &RedisEndpoint, version: &Version) -> Result<String, DirectiveError> {
    let needs =
        |what, since| DirectiveError { what, extension: "redis", version: version.clone(), since };
    let mut path = match &endpoint.target {
        Target::Tcp { tls: true, .. } if !version.is_at_least(5, 1, 0) => {
            return Err(needs("TLS", "5.1.0"));
        }
        Target::Tcp { address, tls } => {
            let scheme = if *tls { "tls" } else { "tcp" };
            let host = match &address.host {
                // 5.3 wants IPv6 without brackets; 6 takes it either way.
                Host::Ip(ip) => ip.to_string(),
                Host::Name(name) => name.clone(),
            };
            format!("{scheme}://{host}:{}", address.port)
        }
        Target::Unix(path) => format!("unix://{}", path.display()),
    };
    // Writing to a String cannot fail.
    let _ = write!(
        path,
        "?persistent=1&persistent_id={PERSISTENT_ID}&timeout={CONNECT_TIMEOUT}&read_timeout={READ_TIMEOUT}"
    );
    match &endpoint.auth {
        Some(Auth { user: Some(_), .. }) if !version.is_at_least(5, 3, 1) => {
            return Err(needs("an ACL user", "5.3.1"));
        }
        Some(Auth { user: Some(user), password }) => {
            let _ = write!(path, "&auth[]={}&auth[]={}", encode(user), encode(password.expose()));
        }
        Some(Auth { user: None, password }) => {
            let _ = write!(path, "&auth={}", encode(password.expose()));
        }
        None => {}
    }
    // Only when asked for: a database costs 5.3 a round trip for every command.
    if let Some(database) = endpoint.database {
        let _ = write!(path, "&database={database}");
    }
    Ok(path)
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}
