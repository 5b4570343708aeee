//! php-memcached's directives. What each version supports was read in its source and tried on 3.2.0 and 3.3.0; 2.x was
//! for PHP 5.

use super::ini::{Directive, PhpSettings, flag, lock_retries};
use super::ini_file::IniFile;
use super::redis_directives::PROXY_CONNECT_TIMEOUT;
use crate::diagnosis::{Cause, CauseKind};
use crate::plan::Plan;
use crate::variable::{Variable, Variables};
use session_proxy::LOCK_ANSWER;
use std::path::Path;
use std::time::Duration;
use store_client::{MemcachedEndpoint, MemcachedLogin, joined};

/// How long a request waits between tries for the lock: the first and the longest wait. With a login, all tries together
/// fail after 5 seconds on a hung server.
const WITH_LOGIN: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(250)];
/// Without one, each try waits 5 seconds for a hung server (libmemcached's poll timeout, which no setting of the
/// extension changes), so there must be few tries.
const WITHOUT_LOGIN: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];

/// How long PHP waits before it asks the session proxy for a lock again.
const PROXY_LOCK_WAIT: Duration = Duration::from_millis(1);

/// The limit of a key in Memcached.
const MAX_KEY: usize = 250;
/// The extension puts it before the id for the key of a lock.
const LOCK: &str = "lock.";
/// The size of an item, session and key together, that Memcached keeps by default (`item_size_max`).
pub(crate) const USUAL_ITEM: u64 = 1024 * 1024;

/// What is wrong if a session's id makes keys that Memcached refuses: no page could start a session.
pub(crate) fn refused_keys(plan: &Plan, sid_length: usize) -> Option<Cause> {
    let prefix = &plan.prefix;
    let lock = if plan.locking { LOCK } else { "" };
    let most = MAX_KEY.saturating_sub(prefix.len() + lock.len());
    (sid_length > most).then(|| {
        let what = format!(
            "session.sid_length is {sid_length}, but Memcached's keys have at most {MAX_KEY} bytes, and the prefix {prefix:?} and the lock take some of them: no page could start a session."
        );
        Cause::new(CauseKind::KeyTooLong, what)
            .with_advice(format!("Set session.sid_length to {most} or less (PHP's default is 32)."))
    })
}

pub(super) fn ini_files() -> Vec<(IniFile, Vec<Directive>)> {
    let base = vec![
        Directive::literal("session.save_handler", "memcached"),
        Directive::variable("session.save_path", Variable::SavePath),
        Directive::variable("memcached.sess_binary_protocol", Variable::BinaryProtocol),
        Directive::variable("memcached.sess_persistent", Variable::Persistent),
        Directive::variable("memcached.sess_connect_timeout", Variable::ConnectTimeout),
        Directive::variable("memcached.sess_prefix", Variable::Prefix),
        // Without a lock, concurrent requests of one session overwrite each other's changes.
        Directive::variable("memcached.sess_locking", Variable::Locking),
        Directive::variable("memcached.sess_lock_wait_min", Variable::LockWaitMin),
        Directive::variable("memcached.sess_lock_wait_max", Variable::LockWaitMax),
        Directive::variable("memcached.sess_lock_retries", Variable::LockRetries),
        Directive::variable("memcached.sess_lock_expire", Variable::LockExpire),
        // If the server is down, each try for the lock would log the same line.
        Directive::literal("ignore_repeated_errors", "On"),
    ];
    // Without a login these must be absent: the extension would log in, and the server would refuse every request.
    let login = vec![
        Directive::variable("memcached.sess_sasl_username", Variable::Username),
        Directive::variable("memcached.sess_sasl_password", Variable::Password),
    ];
    vec![(IniFile::Base, base), (IniFile::Login, login)]
}

pub(super) fn connect(endpoint: &MemcachedEndpoint, plan: &Plan) -> PhpSettings {
    let save_path = joined(&endpoint.servers, ",");
    let mut variables = self::variables(&save_path, plan, endpoint.login.is_some());
    let mut ini_files = Vec::new();
    if let Some(MemcachedLogin { user, password }) = &endpoint.login {
        variables.push((Variable::Username, user.clone()));
        variables.push((Variable::Password, password.expose().to_owned()));
        ini_files.push(IniFile::Login);
    }
    PhpSettings { variables, ini_files }
}

/// The proxy itself waits for the lock, but PHP waits for a few seconds only, and asks again.
pub(super) fn behind_proxy(socket: &Path, plan: &Plan) -> PhpSettings {
    let wait = PROXY_LOCK_WAIT.as_millis().to_string();
    let retries = lock_retries(plan.waits.lock, LOCK_ANSWER, LOCK_ANSWER);
    let mut variables = variables(&socket.display().to_string(), plan, true);
    for (variable, value) in &mut variables {
        match variable {
            Variable::LockRetries => *value = retries.to_string(),
            Variable::LockWaitMin | Variable::LockWaitMax => value.clone_from(&wait),
            Variable::Persistent => *value = flag(plan.persistence.to_proxy),
            Variable::ConnectTimeout => *value = PROXY_CONNECT_TIMEOUT.as_millis().to_string(),
            _ => {}
        }
    }
    PhpSettings { variables, ini_files: Vec::new() }
}

pub(super) fn variables(save_path: &str, plan: &Plan, login: bool) -> Variables {
    let [first, last] = if login { WITH_LOGIN } else { WITHOUT_LOGIN };
    let retries = lock_retries(plan.waits.lock, first, last);
    vec![
        (Variable::SavePath, save_path.to_owned()),
        // Only SASL needs the binary protocol: proxies and Dragonfly speak only the text protocol, and memcached
        // itself has deprecated the binary one.
        (Variable::BinaryProtocol, flag(login)),
        (Variable::Persistent, flag(plan.persistence.to_server)),
        (Variable::ConnectTimeout, plan.connect_timeout.as_millis().to_string()),
        (Variable::Prefix, plan.prefix.clone()),
        (Variable::Locking, flag(plan.locking)),
        (Variable::LockWaitMin, first.as_millis().to_string()),
        (Variable::LockWaitMax, last.as_millis().to_string()),
        (Variable::LockRetries, retries.to_string()),
        (Variable::LockExpire, plan.lock_expire.as_secs().to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn an_id_fits_into_a_key_with_prefix_and_lock() {
        let plan = Plan::example(Store::Memcached);
        assert_eq!(refused_keys(&plan, 231), None);
        let refused = refused_keys(&plan, 232).unwrap();
        assert!(refused.advice.contains("session.sid_length to 231 or less"), "{refused}");
        let without_lock = Plan { locking: false, ..plan.clone() };
        assert_eq!(refused_keys(&without_lock, 236), None);
        let short = Plan { prefix: "s".to_owned(), ..plan };
        assert_eq!(refused_keys(&short, 244), None);
    }
}
