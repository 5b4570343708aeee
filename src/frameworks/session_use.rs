//! What the app's framework does with sessions: build, launch and `session-check` say the same.

use super::variable::AppVariables;
use crate::endpoint::redis::Target;
use crate::endpoint::{Address, Endpoint};
use crate::php::tls::TlsFiles;

/// What the framework does with sessions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SessionUse {
    /// It keeps them with PHP's own handler.
    Php,
    /// It keeps them by itself, in the service, where these variables are set.
    Variables(AppVariables),
    /// Its configuration reads the variables of the launch; whether rightly, only the app can tell.
    Configured(String),
    /// It keeps them by itself, elsewhere.
    Own(OwnSessions),
    /// It has none.
    None,
}

/// Sessions that are not in the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnSessions {
    /// Why, as the part of a sentence.
    pub(crate) what: String,
    pub(crate) advice: String,
}

/// How the service is reached.
pub(crate) struct Connection<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) tls_files: &'a TlsFiles,
    /// Whether the server's certificate must be right.
    pub(crate) verify_peer: bool,
    /// The database that the service or an option names.
    pub(crate) database: Option<u32>,
}

impl Connection<'_> {
    /// The address of the one server, or the first one.
    pub(super) fn address(&self) -> Option<&Address> {
        match self.endpoint {
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
