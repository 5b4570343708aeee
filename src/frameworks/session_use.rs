//! What the app's framework does with sessions: the same answer at build, at launch and in `session-check`.

use crate::endpoint::Endpoint;
use crate::php::tls::TlsFiles;
use crate::plan::Plan;
use crate::variable::Variables;
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
                Target::Cluster { .. } | Target::Unix(_) => None,
            },
            Endpoint::Memcached(memcached) => memcached.servers.first(),
        }
    }

    pub(super) fn host(&self) -> Option<String> {
        self.address().map(|address| address.host.to_string())
    }
}
