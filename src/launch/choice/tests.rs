//! The table of routes.

use super::Proxy::{Auto, Off, On};
use super::*;
use crate::app::AppOptions;
use crate::config::environment::Environment;
use crate::diagnosis::{Cause, CauseKind};
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
    if let Endpoint::Memcached(memcached) = &mut plan.endpoint {
        memcached.login.take_if(|_| !case.contains("login"));
        memcached.tls = case.contains("tls").then(Default::default);
    }
    plan.locking = !case.contains("unlocked");
    if let Endpoint::Redis(redis) = &mut plan.endpoint {
        let address = redis.first_address().cloned().unwrap();
        let tls = case.contains("tls").then(Default::default);
        redis.database = case.contains("database").then_some(3);
        redis.target = if case.contains("socket") {
            Target::Unix("/redis.sock".into())
        } else if case.contains("cluster") {
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
        sid_length: 32,
        search_keys: keys.unwrap(),
        strict_mode: false,
        own_setting: case.contains("wait").then(|| "x (y.php)".to_owned()),
        framework: None,
        scan_dirs: String::new(),
        app: AppFacts {
            takes_save_path_for_folder: case.contains("folder"),
            reads_store_variables: false,
        },
    }
}

fn outcome(said: char) -> Outcome {
    let kept = |round_trip| Outcome::Kept { round_trip, max_clients: None, limits: vec![] };
    match said {
        'f' => kept(NEAR + Duration::from_micros(1)),
        'n' => kept(NEAR),
        'k' => kept(Duration::ZERO),
        'm' => Outcome::Refused(Cause::of(CauseKind::IsCluster)),
        'p' => Outcome::Passing(Cause::of(CauseKind::Busy)),
        't' => Outcome::Tls(Cause::of(CauseKind::TlsFailed)),
        _ => Outcome::Refused(Cause::of(CauseKind::NoPermission)),
    }
}

/// The route and its reason, who asked the service, and what counts of its answers.
fn chosen(setting: Proxy, case: &str, outer: Option<Route>, asks: Asks, said: Said) -> String {
    let store = if case.starts_with("memcached") { Store::Memcached } else { Store::Redis };
    let asked = RefCell::new(String::new());
    let ask = |route| {
        let (who, says) = match route {
            Route::Proxy => ("proxy ", said.0),
            Route::Direct => ("php ", said.1),
        };
        asked.borrow_mut().push_str(who);
        outcome(says)
    };
    let (plan, record, is_task) = (plan(store, case), record(store, case), case.contains("task"));
    match choose(setting, &plan, &record, is_task, &ServiceProbe { outer, asks, ask }) {
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
const NO_TLS: &str = "The service accepts only TLS connections, and PHP's memcached extension";

#[test]
fn setting_service_and_app_decide() {
    for (setting, case, expected) in [
        (Auto, "tcp", "Direct Near; php Kept"),
        (Auto, "tcp wait", "Direct Near; php Kept"),
        (Auto, "tcp no openssl", "Direct Near; php Kept"),
        (Auto, "tcp folder", "Proxy Given; proxy Kept"),
        (Auto, "memcached", "Direct Near; php Kept"),
        (Auto, "memcached folder", "Direct Near; php Kept"),
        (Auto, "memcached login", "Proxy Given; proxy Kept"),
        (Auto, "memcached login persistent wait", "Proxy Given; proxy Kept"),
        (Auto, "memcached tls", "Proxy Given; proxy Kept"),
        (Auto, "cluster", "Proxy Locks; proxy Kept"),
        (Auto, "cluster folder", "Proxy Given; proxy Kept"),
        (Auto, "cluster tls", "Proxy Locks; proxy Kept"),
        (Auto, "cluster tls no openssl", "Proxy Given; proxy Kept"),
        (Auto, "cluster wait persistent", "Proxy Locks; proxy Kept"),
        (Auto, "cluster database", "Proxy Given; proxy Kept"),
        (Auto, "cluster unlocked", "Direct Given; php Kept"),
        (Auto, "cluster unlocked database", "Proxy Given; proxy Kept"),
        (Auto, "tls", "Proxy Handshakes; proxy Kept"),
        (Auto, "tls persistent", "Direct Persistent; php Kept"),
        (Auto, "tls wait", "Direct OwnSetting; php Kept"),
        (Auto, "tls task", "Direct Task; php Kept"),
        (Auto, "cluster task", "Proxy Locks; proxy Kept"),
        (Auto, "memcached login task", "Proxy Given; proxy Kept"),
        (Auto, "tls wait persistent", "Direct Persistent; php Kept"),
        (Auto, "tls wait folder", "Proxy Given; proxy Kept"),
        (Auto, "tls wait no openssl", "Proxy Given; proxy Kept"),
        (Auto, "tls persistent no openssl", "Proxy Given; proxy Kept"),
        (On, "tcp", "Proxy Given; proxy Kept"),
        (On, "tls wait persistent", "Proxy Given; proxy Kept"),
        (On, "memcached", "Proxy Given; proxy Kept"),
        (Off, "memcached login", "Direct Given; php Kept"),
        (Off, "memcached tls", NO_TLS),
        (On, "cluster unlocked", "Proxy Given; proxy Kept"),
        (Off, "cluster", "Direct Given; php Kept"),
        (Off, "cluster database", "PHP's own handler knows only database 0 of a cluster"),
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
        assert_eq!(chosen(Off, "tcp", None, asks, ('r', 'r')), "Direct Given; ");
    }
    assert_eq!(chosen(On, "tls", None, Asks::All, ('r', 'k')), "Proxy Given; proxy Refused");
}

/// As a configuration endpoint does.
#[test]
fn a_host_that_turns_out_to_be_a_cluster_is_reached_through_the_proxy() {
    for (case, asks, said, expected) in [
        ("tcp", Asks::All, ('k', 'm'), "Proxy Cluster; php proxy Kept"),
        ("tcp persistent", Asks::Route, ('k', 'm'), "Proxy Cluster; php proxy "),
        ("tcp wait", Asks::All, ('k', 'm'), "Proxy Cluster; php proxy Kept"),
        ("tcp", Asks::All, ('r', 'm'), "Proxy Cluster; php proxy php Refused"),
        ("tls", Asks::All, ('k', 'm'), "Proxy Handshakes; proxy Kept"),
        ("tls wait", Asks::All, ('k', 'm'), "Proxy Cluster; php proxy Kept"),
    ] {
        assert_eq!(chosen(Auto, case, None, asks, said), expected, "{case} {said:?}");
    }
    let off = chosen(Off, "tcp", None, Asks::All, ('k', 'm'));
    assert_eq!(off, "Direct Given; php Refused");
}

#[test]
fn without_tls_the_distance_decides() {
    let (none, direct, proxy) = (None, Some(Route::Direct), Some(Route::Proxy));
    for (case, outer, asks, said, expected) in [
        ("tcp", none, Asks::All, ('k', 'n'), "Direct Near; php Kept"),
        ("tcp", none, Asks::All, ('k', 'f'), "Proxy Distance; php proxy Kept"),
        ("tcp", none, Asks::All, ('p', 'f'), "Proxy Distance; php proxy Passing"),
        ("tcp", none, Asks::All, ('r', 'f'), "Direct ProxyRefused; php proxy php Kept"),
        ("tcp", none, Asks::All, ('k', 'p'), "Direct Given; php Passing"),
        ("tcp", none, Asks::All, ('k', 'r'), "Direct Given; php Refused"),
        ("tcp", none, Asks::Route, ('k', 'f'), "Proxy Distance; php proxy "),
        ("tcp", none, Asks::Route, ('k', 'n'), "Direct Near; php "),
        ("tcp", none, Asks::Nothing, ('k', 'f'), "Direct Given; "),
        ("tcp", direct, Asks::Nothing, ('k', 'f'), "Direct Given; "),
        ("tcp", proxy, Asks::Nothing, ('k', 'f'), "Proxy Given; "),
        ("tcp wait", none, Asks::All, ('k', 'f'), "Direct OwnSetting; php Kept"),
        ("tcp persistent", none, Asks::All, ('k', 'f'), "Direct Persistent; php Kept"),
        ("tcp task", none, Asks::All, ('k', 'f'), "Direct Task; php Kept"),
        ("tcp wait", none, Asks::All, ('k', 'n'), "Direct Near; php Kept"),
        ("tcp wait", none, Asks::All, ('k', 'p'), "Direct Given; php Passing"),
        ("tcp wait", none, Asks::Nothing, ('k', 'f'), "Direct Given; "),
        ("socket", none, Asks::All, ('k', 'f'), "Direct Given; php Kept"),
        ("cluster unlocked", none, Asks::All, ('k', 'f'), "Direct Given; php Kept"),
        ("memcached", none, Asks::All, ('k', 'n'), "Direct Near; php Kept"),
        ("memcached", none, Asks::All, ('k', 'f'), "Proxy Distance; php proxy Kept"),
        ("memcached", none, Asks::All, ('r', 'f'), "Direct ProxyRefused; php proxy php Kept"),
        ("memcached persistent", none, Asks::All, ('k', 'f'), "Direct Persistent; php Kept"),
        ("memcached wait", none, Asks::All, ('k', 'f'), "Direct OwnSetting; php Kept"),
    ] {
        assert_eq!(chosen(Auto, case, outer, asks, said), expected, "{case} {asks:?} {said:?}");
    }
}
