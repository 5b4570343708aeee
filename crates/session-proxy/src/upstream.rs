//! The service that commands go to.

use super::key_space::KeySpace;
use super::log::log;
use std::fmt;
use std::sync::OnceLock;
use store_client::{Client, RedisEndpoint};

/// Everything that a connection depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub endpoint: RedisEndpoint,
    /// Whether to verify the server's certificate.
    pub verify_peer: bool,
}

/// A service to connect to. Each change of the credentials creates a new one.
pub(super) struct Upstream {
    pub(super) access: Access,
    pub(super) client: Client,
    /// What a script can do there, as soon as that is known.
    key_space: OnceLock<KeySpace>,
}

impl Upstream {
    pub(super) fn new(access: Access) -> anyhow::Result<Self> {
        let client = Client::new(&access.endpoint, access.verify_peer)?;
        if let Some(login) = access.endpoint.issued() {
            login.tokens.report_to(|text| log(format_args!("{text}")));
        }
        Ok(Self { access, client, key_space: OnceLock::new() })
    }

    pub(super) fn key_space(&self) -> Option<KeySpace> {
        self.key_space.get().copied()
    }

    pub(super) fn set_key_space(&self, told: KeySpace) {
        if self.key_space.set(told).is_ok() && told == KeySpace::Divided {
            log(format_args!(
                "the service divides its keys among machines, so that a page takes four round trips instead of two: {self}"
            ));
        }
    }
}

/// The service without its password.
impl fmt::Display for Upstream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.access.endpoint.fmt(formatter)
    }
}
