//! The choice of the route: a pure function of the setting, the plan, what the build knows, and what the service says.

use super::build_record::LaunchRecord;
use super::probe::Outcome;
use super::route::{NEAR, Reason, Route};
use crate::config::launch::Proxy;
use crate::config::variables::PROXY;
use crate::diagnosis::CauseKind;
use crate::endpoint::Endpoint;
use crate::php::directives::connect;
use crate::php::tls::{NO_OPENSSL, TlsFiles};
use crate::plan::Plan;
use anyhow::anyhow;
use std::time::Duration;
use store_client::Target;

/// The route to take.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) route: Route,
    pub(super) reason: Reason,
    /// What the service says on that route, if it was asked and that matters.
    pub(super) outcome: Option<Outcome>,
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

/// How to find out what the service says.
pub(super) struct ServiceProbe<F> {
    /// The route of an outer launch.
    pub(super) outer: Option<Route>,
    pub(super) asks: Asks,
    /// Asks the service.
    pub(super) ask: F,
}

/// The route for the plan under the setting; `is_task` says that the launcher starts PHP's command line. Fails if the only
/// route that the setting leaves does not lead there.
pub(super) fn choose(
    setting: Proxy,
    plan: &Plan,
    record: &LaunchRecord,
    is_task: bool,
    probe: &ServiceProbe<impl Fn(Route) -> Outcome>,
) -> anyhow::Result<Choice> {
    let limit = limit_of_php(plan, record);
    let (needs_proxy, is_socket) = match &plan.endpoint {
        // Code that takes the save path for a folder would put the password into that folder's name.
        Endpoint::Redis(redis) => {
            (record.app.takes_save_path_for_folder, matches!(redis.target, Target::Unix(_)))
        }
        // PHP's own handler needs libsasl2's plugins, and a new login for each request.
        Endpoint::Memcached(memcached) => (memcached.login.is_some(), false),
    };
    // What keeps PHP's own handler where it is only the slower way.
    let against = [
        (plan.persistence.is_chosen, Reason::Persistent),
        (is_task, Reason::Task),
        (record.own_setting.is_some(), Reason::OwnSetting),
    ];
    let against = against.into_iter().find_map(|(is_so, reason)| is_so.then_some(reason));
    let (route, reason) = match setting {
        Proxy::On => (Route::Proxy, Reason::Given),
        Proxy::Auto if needs_proxy || limit.is_some() => (Route::Proxy, Reason::Given),
        Proxy::Auto if plan.locks(true) && !plan.locks(false) => {
            return Ok(probe.prefer_proxy(Reason::Locks));
        }
        Proxy::Auto if plan.has_tls() && against.is_none() => {
            return Ok(probe.prefer_proxy(Reason::Handshakes));
        }
        Proxy::Auto if !is_socket && !plan.is_cluster() => {
            return Ok(probe.by_answer(against, plan.has_tls()));
        }
        Proxy::Auto | Proxy::Off => (Route::Direct, Reason::Given),
    };
    match limit {
        Some(limit) if route == Route::Direct => Err(limit),
        _ => Ok(Choice { route, reason, outcome: probe.outcome(route) }),
    }
}

impl<F: Fn(Route) -> Outcome> ServiceProbe<F> {
    /// What the service says on this route, if that matters.
    fn outcome(&self, route: Route) -> Option<Outcome> {
        (self.asks == Asks::All).then(|| (self.ask)(route))
    }

    /// The route where the service's answer decides: whether it is a cluster, and how far it is, unless something speaks
    /// `against` the proxy. One that is not asked, or would not keep a session, decides nothing.
    fn by_answer(&self, against: Option<Reason>, has_tls: bool) -> Choice {
        if self.asks == Asks::Nothing {
            let route = self.outer.unwrap_or(Route::Direct);
            let is_known = has_tls && route == Route::Direct;
            let reason = against.filter(|_| is_known).unwrap_or(Reason::Given);
            return Choice { route, reason, outcome: None };
        }
        match (self.ask)(Route::Direct) {
            Outcome::Kept { round_trip, .. } if against.is_none() && round_trip > NEAR => {
                self.prefer_proxy(Reason::Distance(round_trip))
            }
            Outcome::Refused(cause) if cause.kind == CauseKind::IsCluster => {
                self.prefer_proxy(Reason::Cluster)
            }
            outcome => {
                let reason = match (against, &outcome) {
                    (Some(reason), _) if has_tls => reason,
                    (Some(reason), Outcome::Kept { round_trip, .. }) if *round_trip > NEAR => {
                        reason
                    }
                    (_, Outcome::Kept { round_trip, .. }) => Reason::Near(*round_trip),
                    _ => Reason::Given,
                };
                let outcome = Some(outcome).filter(|_| self.asks == Asks::All);
                Choice { route: Route::Direct, reason, outcome }
            }
        }
    }

    /// The proxy's route, if the service keeps sessions there. PHP's OpenSSL accepts older servers and certificates than
    /// the proxy's TLS.
    fn prefer_proxy(&self, preferred: Reason) -> Choice {
        if self.asks == Asks::Nothing {
            let route = self.outer.unwrap_or(Route::Proxy);
            let reason = if route == Route::Proxy { preferred } else { Reason::Given };
            return Choice { route, reason, outcome: None };
        }
        let (route, reason, outcome) = match (self.ask)(Route::Proxy) {
            Outcome::Tls(_) => (Route::Direct, Reason::Given, self.outcome(Route::Direct)),
            // PHP's own words say more than the proxy's.
            Outcome::Refused(cause) => match self.outcome(Route::Direct) {
                None => (Route::Direct, Reason::Given, None),
                kept @ Some(Outcome::Kept { .. }) => {
                    (Route::Direct, Reason::ProxyRefused(cause), kept)
                }
                Some(_) => (Route::Proxy, preferred, Some(Outcome::Refused(cause))),
            },
            outcome => (Route::Proxy, preferred, Some(outcome).filter(|_| self.asks == Asks::All)),
        };
        Choice { route, reason, outcome }
    }
}

/// What the service needs and PHP's handler does not support.
pub(crate) fn limit_of_php(plan: &Plan, record: &LaunchRecord) -> Option<anyhow::Error> {
    if plan.has_tls() && !record.knows_tls {
        return Some(anyhow!(NO_OPENSSL));
    }
    if let Endpoint::Memcached(memcached) = &plan.endpoint
        && memcached.tls.is_some()
    {
        return Some(anyhow!(
            "The service accepts only TLS connections, and PHP's memcached extension does not support TLS.\nSet {PROXY}=auto: the session proxy does. Or bind a service without TLS."
        ));
    }
    connect(plan, &TlsFiles::default(), &record.extension_version, Duration::ZERO).err()
}

#[cfg(test)]
mod tests;
