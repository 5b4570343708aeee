//! The route from PHP to the service: directly through PHP's own handler, or through the session proxy.

use super::build_record::LaunchRecord;
use super::log;
use super::probe::Outcome;
use crate::config::launch::Proxy;
use crate::diagnosis::Cause;
use crate::endpoint::Endpoint;
use crate::php::directives::connect;
use crate::php::ini::DirectiveError;
use crate::php::tls::{NoOpenSsl, TlsFiles};
use crate::plan::Plan;
use anyhow::bail;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The session proxy to start or find.
pub struct ProxyWanted<'a> {
    pub layer: &'a Path,
    /// Identifies the service.
    pub(crate) service: &'a str,
    /// `TMPDIR`.
    pub(crate) tmp: Option<&'a str>,
    /// The folder shared with a proxy that the platform runs; if set, no proxy is started.
    pub(crate) folder: Option<&'a Path>,
}

/// Starts the session proxy, or finds it, and returns its socket.
pub(crate) type StartProxy<'a> = &'a dyn Fn(&ProxyWanted<'_>) -> anyhow::Result<PathBuf>;

/// How PHP reaches the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// Through its own handler.
    Direct,
    /// Through the session proxy.
    Proxy,
}

/// The route to take.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) route: Route,
    pub(super) reason: Reason,
    /// What the service says on that route, if it was asked and that matters.
    pub(super) outcome: Option<Outcome>,
}

/// Why it is this route.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The settings, the service or the app leave no other, or nothing speaks for another.
    Given,
    /// The session proxy keeps its connections: PHP's own handler pays for a TLS handshake in each request. It will do,
    /// though, if the proxy cannot run here.
    Handshakes,
    /// PHP's own handler, although it pays for that: the app says how long to wait for a lock, which only PHP can count.
    OwnWait,
    /// The same, because the service refuses this to the session proxy, but not to PHP.
    ProxyRefused(Cause),
}

/// What the launch asks the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// Nothing, by a setting or because an outer launch has asked.
    Nothing,
    /// What the route depends on. `session-check` and the proxy's status ask for the rest by themselves.
    Route,
    /// Whether it would keep a session, too.
    All,
}

/// The route for the plan under the setting. `outer` is the route of an outer launch; `ask` asks the service.
///
/// # Errors
/// Fails if the only route that the setting leaves does not lead there.
pub(super) fn choose(
    setting: Proxy,
    plan: &Plan,
    record: &LaunchRecord,
    outer: Option<Route>,
    asks: Asks,
    ask: impl Fn(Route) -> Outcome,
) -> anyhow::Result<Choice> {
    let serves = proxy_serves(plan);
    let limit = limit_of_php(plan, record);
    // Code that takes the save path for a folder would put the password into that folder's name.
    let needs_proxy = limit.is_some() || record.app.takes_save_path_for_folder;
    // The option `persistent`, on or off, is a decision for PHP's own handler.
    let handshakes = plan.has_tls() && !plan.persistence.is_chosen;
    let (route, reason) = match setting {
        Proxy::On if !serves => bail!(log::not_for_proxy(plan, record.store)),
        Proxy::On => (Route::Proxy, Reason::Given),
        Proxy::Auto if serves && needs_proxy => (Route::Proxy, Reason::Given),
        Proxy::Auto if serves && handshakes && record.lock_wait.is_none() => {
            return Ok(prefer_proxy(outer, asks, ask));
        }
        Proxy::Auto if serves && handshakes => (Route::Direct, Reason::OwnWait),
        Proxy::Auto | Proxy::Off => (Route::Direct, Reason::Given),
    };
    match limit {
        Some(limit) if route == Route::Direct => Err(limit),
        _ => Ok(Choice { route, reason, outcome: (asks == Asks::All).then(|| ask(route)) }),
    }
}

/// The proxy's route, if the service keeps sessions there. PHP's OpenSSL accepts older servers and certificates than
/// the proxy's TLS.
fn prefer_proxy(outer: Option<Route>, asks: Asks, ask: impl Fn(Route) -> Outcome) -> Choice {
    let direct = |reason, outcome| Choice { route: Route::Direct, reason, outcome };
    let proxy = |outcome| Choice { route: Route::Proxy, reason: Reason::Handshakes, outcome };
    let is_judged = asks == Asks::All;
    if outer == Some(Route::Direct) {
        return direct(Reason::Given, None);
    }
    if asks == Asks::Nothing {
        return proxy(None);
    }
    match ask(Route::Proxy) {
        Outcome::Tls(_) => direct(Reason::Given, is_judged.then(|| ask(Route::Direct))),
        // PHP's own words say more than the proxy's.
        Outcome::Refused(_) if !is_judged => direct(Reason::Given, None),
        Outcome::Refused(cause) => match ask(Route::Direct) {
            kept @ Outcome::Kept { .. } => direct(Reason::ProxyRefused(cause), Some(kept)),
            _ => proxy(Some(Outcome::Refused(cause))),
        },
        outcome => proxy(is_judged.then_some(outcome)),
    }
}

/// Whether the session proxy can serve it.
#[must_use]
pub(crate) fn proxy_serves(plan: &Plan) -> bool {
    matches!(&plan.endpoint, Endpoint::Redis(redis) if !redis.is_cluster())
}

/// What the service needs and PHP's handler does not support.
#[must_use]
pub(crate) fn limit_of_php(plan: &Plan, record: &LaunchRecord) -> Option<anyhow::Error> {
    if plan.has_tls() && !record.knows_tls {
        return Some(NoOpenSsl.into());
    }
    let files = TlsFiles::planned(&plan.endpoint);
    match connect(plan, &files, &record.extension_version, Duration::ZERO) {
        Err(error @ DirectiveError::TooOld { .. }) => Some(error.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Proxy::{Auto, Off, On};
    use super::*;
    use crate::app::AppOptions;
    use crate::config::environment::Environment;
    use crate::diagnosis::CauseKind;
    use crate::launch::build_record::AppFacts;
    use crate::services::search_keys::SearchKeys;
    use crate::store::Store;
    use std::cell::RefCell;
    use store_client::Target;

    /// What the service says to the proxy and to PHP.
    type Said = (char, char);
    const KEPT: Said = ('k', 'k');

    fn plan(store: Store, case: &str) -> Plan {
        let mut plan = Plan::example(store);
        plan.persistence.is_chosen = case.contains("persistent");
        if let Endpoint::Redis(redis) = &mut plan.endpoint {
            let address = redis.first_address().cloned().unwrap();
            let tls = case.contains("tls").then(Default::default);
            redis.target = if case.contains("cluster") {
                Target::Cluster { nodes: vec![address], tls }
            } else {
                Target::Tcp { address, tls }
            };
        }
        plan
    }

    fn record(store: Store, case: &str) -> LaunchRecord {
        let keys = SearchKeys::determine(&Environment::default(), &AppOptions::default());
        LaunchRecord {
            store,
            extension_version: "6.2.0".parse().unwrap(),
            knows_tls: !case.contains("no openssl"),
            openssl_cafile: String::new(),
            openssl_capath: String::new(),
            may_preload: false,
            sid_length: 32,
            search_keys: keys.unwrap(),
            strict_mode: false,
            lock_wait: case.contains("wait").then(|| "x (y.php)".to_owned()),
            framework: None,
            scan_dirs: String::new(),
            app: AppFacts {
                takes_save_path_for_folder: case.contains("folder"),
                reads_store_variables: false,
            },
        }
    }

    fn outcome(said: char) -> Outcome {
        match said {
            'k' => Outcome::Kept { round_trip: Duration::ZERO, max_clients: None, limits: vec![] },
            'p' => Outcome::Passing(Cause::of(CauseKind::Busy)),
            't' => Outcome::Tls(Cause::of(CauseKind::TlsFailed)),
            _ => Outcome::Refused(Cause::of(CauseKind::NoPermission)),
        }
    }

    /// The route and its reason, who asked the service, and what counts of its answers.
    fn chosen(setting: Proxy, case: &str, outer: Option<Route>, asks: Asks, said: Said) -> String {
        let store = if case == "memcached" { Store::Memcached } else { Store::Redis };
        let asked = RefCell::new(String::new());
        let ask = |route| {
            let (who, says) = match route {
                Route::Proxy => ("proxy ", said.0),
                Route::Direct => ("php ", said.1),
            };
            asked.borrow_mut().push_str(who);
            outcome(says)
        };
        match choose(setting, &plan(store, case), &record(store, case), outer, asks, ask) {
            Err(error) => error.to_string(),
            Ok(Choice { route, reason, outcome }) => {
                let name = |text: String| text.split([' ', '(']).next().unwrap().to_owned();
                let reason = name(format!("{reason:?}"));
                let outcome = name(outcome.map(|it| format!("{it:?}")).unwrap_or_default());
                format!("{route:?} {reason}; {}{outcome}", asked.borrow())
            }
        }
    }

    const NO_OPENSSL: &str = "The service needs TLS, but this PHP has no OpenSSL extension";
    const NOT_SERVED: &str = "BPL_PHP_SESSION_PROXY is on, but the session proxy serves only";

    #[test]
    fn setting_service_and_app_decide() {
        for (setting, case, expected) in [
            (Auto, "tcp", "Direct Given; php Kept"),
            (Auto, "tcp wait", "Direct Given; php Kept"),
            (Auto, "tcp no openssl", "Direct Given; php Kept"),
            (Auto, "tcp folder", "Proxy Given; proxy Kept"),
            (Auto, "memcached", "Direct Given; php Kept"),
            (Auto, "cluster folder", "Direct Given; php Kept"),
            (Auto, "cluster tls", "Direct Given; php Kept"),
            (Auto, "cluster tls no openssl", NO_OPENSSL),
            (Auto, "tls", "Proxy Handshakes; proxy Kept"),
            (Auto, "tls persistent", "Direct Given; php Kept"),
            (Auto, "tls wait", "Direct OwnWait; php Kept"),
            (Auto, "tls wait persistent", "Direct Given; php Kept"),
            (Auto, "tls wait folder", "Proxy Given; proxy Kept"),
            (Auto, "tls wait no openssl", "Proxy Given; proxy Kept"),
            (Auto, "tls persistent no openssl", "Proxy Given; proxy Kept"),
            (On, "tcp", "Proxy Given; proxy Kept"),
            (On, "tls wait persistent", "Proxy Given; proxy Kept"),
            (On, "memcached", NOT_SERVED),
            (On, "cluster", NOT_SERVED),
            (On, "cluster tls", NOT_SERVED),
            (Off, "tcp folder", "Direct Given; php Kept"),
            (Off, "tls", "Direct Given; php Kept"),
            (Off, "tls wait", "Direct Given; php Kept"),
            (Off, "tls no openssl", NO_OPENSSL),
        ] {
            let chosen = chosen(setting, case, None, Asks::All, KEPT);
            assert!(chosen.starts_with(expected), "{setting:?} {case}: {chosen}");
        }
    }

    #[test]
    fn what_the_service_says_to_the_proxy_may_lead_around_it() {
        let (none, direct, proxy) = (None, Some(Route::Direct), Some(Route::Proxy));
        for (outer, asks, said, expected) in [
            (none, Asks::All, ('p', 'k'), "Proxy Handshakes; proxy Passing"),
            (none, Asks::All, ('t', 'k'), "Direct Given; proxy php Kept"),
            (none, Asks::All, ('t', 't'), "Direct Given; proxy php Tls"),
            (none, Asks::All, ('r', 'k'), "Direct ProxyRefused; proxy php Kept"),
            (none, Asks::All, ('r', 'r'), "Proxy Handshakes; proxy php Refused"),
            (none, Asks::All, ('r', 'p'), "Proxy Handshakes; proxy php Refused"),
            (none, Asks::Route, KEPT, "Proxy Handshakes; proxy "),
            (none, Asks::Route, ('p', 'k'), "Proxy Handshakes; proxy "),
            (none, Asks::Route, ('t', 'k'), "Direct Given; proxy "),
            (none, Asks::Route, ('r', 'k'), "Direct Given; proxy "),
            (none, Asks::Nothing, ('r', 'r'), "Proxy Handshakes; "),
            (proxy, Asks::Nothing, ('r', 'r'), "Proxy Handshakes; "),
            (direct, Asks::Nothing, ('r', 'r'), "Direct Given; "),
        ] {
            assert_eq!(chosen(Auto, "tls", outer, asks, said), expected, "{asks:?} {said:?}");
        }
        // Where there is nothing to choose, only the answer counts.
        for asks in [Asks::Route, Asks::Nothing] {
            assert_eq!(chosen(Auto, "tcp", None, asks, ('r', 'r')), "Direct Given; ");
        }
        assert_eq!(chosen(On, "tls", None, Asks::All, ('r', 'k')), "Proxy Given; proxy Refused");
    }
}
