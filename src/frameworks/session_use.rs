//! What the app's framework does with sessions: the same answer at build, at launch and in `session-check`.

use super::known::Framework;
use crate::config::environment::Environment;
use crate::endpoint::Endpoint;
use crate::php::tls::TlsFiles;
use crate::plan::Plan;
use crate::store::Store;
use crate::variable::Variables;
use std::path::Path;
use store_client::{Address, Target};

/// What the framework does with sessions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SessionUse {
    /// It uses PHP's own handler.
    Php,
    /// It keeps its own, in the service if these variables are set.
    Variables(Variables),
    /// Its configuration reads the launch's variables; only the app can tell whether correctly.
    Configured(String),
    /// It keeps its own, elsewhere.
    Own(OwnSessions),
    None,
}

/// Sessions that are not in the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnSessions {
    pub(crate) what: String,
    pub(crate) advice: String,
}

impl OwnSessions {
    pub(super) fn new(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), advice: advice.into() }
    }
}

impl From<Result<Variables, OwnSessions>> for SessionUse {
    fn from(variables: Result<Variables, OwnSessions>) -> Self {
        variables.map_or_else(Self::Own, Self::Variables)
    }
}

/// An app whose framework may keep its own sessions.
pub(super) struct App<'a> {
    pub(super) framework: &'a Framework,
    pub(super) folder: &'a Path,
    pub(super) environment: &'a Environment,
    pub(super) store: Store,
    /// At build there is none, and only the app's files count.
    pub(super) service: Option<&'a Reach<'a>>,
}

/// How to reach the service.
pub(crate) struct Reach<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) tls_files: &'a TlsFiles,
}

impl Reach<'_> {
    /// The address of the server, or of the first one.
    pub(super) fn address(&self) -> Option<&Address> {
        match &self.plan.endpoint {
            Endpoint::Redis(redis) => match &redis.target {
                Target::Tcp { address, .. } => Some(address),
                Target::Cluster { .. } | Target::Sentinel { .. } | Target::Unix(_) => None,
            },
            Endpoint::Memcached(memcached) => memcached.servers.first(),
        }
    }

    pub(super) fn host(&self) -> Option<String> {
        self.address().map(|address| address.host.to_string())
    }
}
