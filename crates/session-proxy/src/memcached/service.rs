//! The service that keeps the sessions, for all connections of PHP.

use super::servers::MemcachedServers;
use crate::credentials::{self, LiveCredentials};
use crate::shared::Shared;
use crate::upstream::Access;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use store_client::MemcachedEndpoint;

pub(crate) struct Sessions {
    pub(super) shared: Arc<Shared>,
    pub(super) credentials: LiveCredentials<Access<MemcachedEndpoint>, MemcachedServers>,
    /// Whether the log has said that the server keeps no session as large as one was.
    pub(super) said_too_large: AtomicBool,
}

impl Sessions {
    /// Reads the service's address and login.
    pub(crate) fn new(
        shared: Arc<Shared>,
        read: credentials::Read<Access<MemcachedEndpoint>>,
    ) -> anyhow::Result<Self> {
        let open = {
            let shared = shared.clone();
            move |access: &Access<_>| MemcachedServers::new(access, shared.clone())
        };
        let credentials = LiveCredentials::new(read, Box::new(open))?;
        Ok(Self { shared, credentials, said_too_large: AtomicBool::default() })
    }

    /// The servers, as the binding says now.
    pub(super) fn servers(&self) -> Arc<MemcachedServers> {
        self.credentials.current()
    }
}
