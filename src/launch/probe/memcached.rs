//! The Memcached probe: whether each server keeps a session, in the protocol that PHP or the session proxy will use
//! (binary with a login by SASL, else text).

use super::outcome::Outcome;
use super::{CONNECT_TIMEOUT, Question, TIMEOUT, shortest};
use crate::diagnosis::{Cause, CauseKind};
use crate::launch::route::{NEAR, Route};
use crate::php::memcached_directives::USUAL_ITEM;
use crate::php::redis_commands::unused_name;
use session_proxy::{Access, MemcachedFault, MemcachedTrial};
use std::time::Duration;
use store_client::{
    Activity, Address, Deadline, MemcachedEndpoint, MemcachedLogin, Problem, Secret,
};

/// Asks the servers one by one. A refusal outweighs a failure that may pass.
pub(super) fn ask(question: &Question<'_>, endpoint: &MemcachedEndpoint) -> Outcome {
    let probe = MemcachedProbe {
        route: question.route,
        access: Access { endpoint: endpoint.clone(), verify_peer: question.plan.verify_peer },
        key: format!("{}{}", question.plan.prefix, unused_name("probe")),
        deadline: Deadline::after(TIMEOUT),
    };
    let (mut passing, mut round_trip, mut limits) = (None, Duration::ZERO, Vec::new());
    for address in &endpoint.servers {
        match probe.server(address, round_trip) {
            Ok((longest, limit)) => {
                round_trip = longest;
                limits.extend(limit);
            }
            Err(cause) => {
                // Which one of several servers it is.
                let what = format!("{address}: {}", cause.what);
                match Outcome::of(Cause { what, ..cause }) {
                    outcome @ Outcome::Passing(_) => passing = passing.or(Some(outcome)),
                    refused => return refused,
                }
            }
        }
    }
    passing.unwrap_or(Outcome::Kept { round_trip, max_clients: None, limits })
}

struct MemcachedProbe {
    route: Route,
    access: Access<MemcachedEndpoint>,
    key: String,
    deadline: Deadline,
}

impl MemcachedProbe {
    /// How long a reply of this server takes, or of those before it, and what is said of one that keeps smaller items than
    /// usual.
    fn server(
        &self,
        address: &Address,
        longest: Duration,
    ) -> Result<(Duration, Option<String>), Cause> {
        let MemcachedEndpoint { login, tls, .. } = &self.access.endpoint;
        // The rest of the time is for another question.
        let tried = self.keep(address, &self.access, self.deadline.or_after(TIMEOUT * 2 / 3));
        let mut trial = match tried {
            Ok(trial) => trial,
            // PHP needs neither `gets` nor `cas`.
            Err(MemcachedFault::Said(said)) if self.route == Route::Direct && said == "ERROR" => {
                return Ok((longest, None));
            }
            Err(fault) => return Err(self.cause(address, &fault)),
        };
        if login.is_some() {
            return match self.route {
                Route::Direct if trial.is_text() => Err(Cause::of(CauseKind::TextLogin)),
                // The distance does not matter.
                _ => Ok((longest, None)),
            };
        }
        let mut round_trip = trial.round_trip;
        // One server that is far is enough; to the session proxy the distance no longer matters.
        if self.route == Route::Direct && longest <= NEAR {
            round_trip = shortest(round_trip, || trial.again())
                .map_err(|fault| self.cause(address, &fault))?;
        }
        let small = |most: &u64| *most < USUAL_ITEM;
        let limit = tls.is_none().then(|| trial.item_size()).flatten().filter(small).map(|most| {
            format!(
                "{address} keeps items of at most {most} bytes (item_size_max): a session that grows larger is not kept"
            )
        });
        Ok((round_trip.max(longest), limit))
    }

    fn keep(
        &self,
        address: &Address,
        access: &Access<MemcachedEndpoint>,
        deadline: Deadline,
    ) -> Result<MemcachedTrial<'_>, MemcachedFault> {
        MemcachedTrial::keep(address, access, &self.key, CONNECT_TIMEOUT, deadline)
    }

    fn cause(&self, address: &Address, fault: &MemcachedFault) -> Cause {
        let MemcachedEndpoint { login, tls, .. } = &self.access.endpoint;
        match fault {
            MemcachedFault::Connection(problem) => {
                let is_silent =
                    matches!(problem, Problem::Closed(_) | Problem::Timeout(Activity::Answer));
                let other = is_silent.then(|| self.other_login(address)).flatten();
                other.map_or_else(
                    || Cause::of_server(problem, tls.as_ref(), Some(&address.host)),
                    Cause::of,
                )
            }
            MemcachedFault::NotMemcached => {
                Cause::seen(CauseKind::OtherService, "it is not Memcached")
            }
            MemcachedFault::Login(said) => Cause::seen(CauseKind::WrongPassword, said)
                .with_doubt(login.as_ref().map(|login| &login.password)),
            MemcachedFault::NoLogin => Cause::of(CauseKind::PasswordNotWanted),
            MemcachedFault::OnlyText => Cause::of(CauseKind::TextProtocolOnly),
            MemcachedFault::Said(said) if said.starts_with("CLIENT_ERROR unauth") => {
                Cause::of(match self.route {
                    Route::Direct => CauseKind::TextLogin,
                    Route::Proxy => CauseKind::PasswordMissing,
                })
            }
            fault => Cause::seen(CauseKind::UpstreamDown, fault),
        }
    }

    /// What a server means that closes the connection on text because it wants a login by SASL, or on a login because it
    /// knows none.
    fn other_login(&self, address: &Address) -> Option<CauseKind> {
        let nobody = || MemcachedLogin { user: String::new(), password: Secret::new("") };
        let is_missing = self.access.endpoint.login.is_none();
        let login = is_missing.then(nobody);
        let mut access = self.access.clone();
        access.endpoint.login = login;
        match self.keep(address, &access, self.deadline) {
            Err(MemcachedFault::Login(_)) if is_missing => Some(CauseKind::PasswordMissing),
            Ok(_) if !is_missing => Some(CauseKind::TextProtocolOnly),
            _ => None,
        }
    }
}
