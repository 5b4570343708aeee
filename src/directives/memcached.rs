//! php-memcached's directives. What each version takes was read in its source and tried on 3.2.0 and
//! 3.3.0; those of 2.x are Cloud Foundry's.

use super::{Connection, Directive, DropIn, SAVE_PATH};
use crate::endpoint::memcached::{Login, MemcachedEndpoint};
use crate::version::Version;

/// Holds the user at launch.
const USERNAME: &str = "PHP_SESSION_USERNAME";
/// Holds the password at launch.
const PASSWORD: &str = "PHP_SESSION_PASSWORD";

/// What holds for every launch.
pub(super) fn base(version: &Version) -> Vec<Directive> {
    let mut base = vec![
        Directive::literal("session.save_handler", "memcached"),
        Directive::variable("session.save_path", SAVE_PATH),
    ];
    base.extend(if is_2(version) {
        vec![Directive::literal("memcached.sess_binary", "On")]
    } else {
        vec![
            Directive::literal("memcached.sess_persistent", "On"),
            Directive::literal("memcached.sess_binary_protocol", "On"),
            // Without a lock, concurrent requests of one session overwrite each other's changes.
            Directive::literal("memcached.sess_locking", "On"),
        ]
    });
    base
}

/// What holds where the server asks for a login. Where it does not, no such line may stand: the
/// extension would log in, and the server would refuse every request.
pub(super) fn login(version: &Version) -> Vec<Directive> {
    let mut login = vec![
        Directive::variable("memcached.sess_sasl_username", USERNAME),
        Directive::variable("memcached.sess_sasl_password", PASSWORD),
    ];
    if is_2(version) {
        login.push(Directive::literal("memcached.use_sasl", "On"));
    }
    login
}

pub(super) fn connect(endpoint: &MemcachedEndpoint, version: &Version) -> Connection {
    let servers: Vec<String> = endpoint.servers.iter().map(ToString::to_string).collect();
    let servers = servers.join(",");
    let save_path =
        if is_2(version) { format!("PERSISTENT=app_sessions {servers}") } else { servers };
    let mut variables = vec![(SAVE_PATH, save_path)];
    let mut drop_ins = Vec::new();
    if let Some(Login { user, password }) = &endpoint.login {
        variables.push((USERNAME, user.clone()));
        variables.push((PASSWORD, password.expose().to_owned()));
        drop_ins.push(DropIn::Login);
    }
    Connection { variables, drop_ins }
}

/// 2.x knows none of 3.x's names, and 3.x refuses 2.x's save path.
fn is_2(version: &Version) -> bool {
    !version.is_at_least(3, 0, 0)
}
