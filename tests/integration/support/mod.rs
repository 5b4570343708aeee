//! What the integration tests stand on.

pub(crate) mod app;
pub(crate) mod browser;
pub(crate) mod certificates;
pub(crate) mod check;
pub(crate) mod docker;
pub(crate) mod faulty;
pub(crate) mod figures;
pub(crate) mod hammer;
pub(crate) mod http_client;
pub(crate) mod input;
pub(crate) mod kubernetes;
pub(crate) mod layout;
pub(crate) mod memcached_client;
pub(crate) mod mirror;
pub(crate) mod pack_build;
pub(crate) mod php_process;
pub(crate) mod registry;
pub(crate) mod relay;
pub(crate) mod sample;
pub(crate) mod secrets;
pub(crate) mod services;
pub(crate) mod sharding;
pub(crate) mod shared;
pub(crate) mod tls;

use app::{of_setup, root};
use php_session_store::store::Store;
use std::fs;
use std::path::PathBuf;

/// A Debian release that tests run on, with the versions that it has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    phpredis: &'static str,
    memcached: &'static str,
}

/// Debian 12.
pub(crate) const BOOKWORM: Suite =
    Suite { name: "bookworm", phpredis: "5.3.7", memcached: "3.2.0" };
/// Debian 13.
pub(crate) const TRIXIE: Suite = Suite { name: "trixie", phpredis: "6.2.0", memcached: "3.3.0" };

/// The next Debian: the newest PHP and libmemcached of the distribution (`make platforms` only).
pub(crate) const FORKY: Suite = Suite { name: "forky", phpredis: "6.2.0", memcached: "3.3.0" };
/// Ubuntu 24.04 (`make platforms` only).
pub(crate) const NOBLE: Suite = Suite { name: "noble", phpredis: "5.3.7", memcached: "3.2.0" };

impl Suite {
    /// The version of a store's extension.
    pub(crate) fn extension(self, store: Store) -> &'static str {
        match store {
            Store::Redis => self.phpredis,
            Store::Memcached => self.memcached,
        }
    }

    /// The image of a variant in `images/Dockerfile`.
    pub(crate) fn image(self, variant: &str) -> String {
        format!("php-session-store/{variant}:{}", self.name)
    }

    /// The builder of a variant in `images/Dockerfile`.
    pub(crate) fn builder(self, variant: &str) -> String {
        format!("php-session-store/builder-{variant}:{}", self.name)
    }
}

/// The archive of the lifecycle that has this version in `scripts/versions.env`, as the setup leaves it.
pub(crate) fn lifecycle(version: &str) -> PathBuf {
    let versions = fs::read_to_string(root().join("scripts/versions.env")).expect("our own file");
    let version = versions
        .lines()
        .find_map(|line| line.strip_prefix(version)?.strip_prefix('='))
        .expect("a version");
    of_setup(&format!("lifecycle-v{version}.tgz"))
}

/// Tests of each Debian release, in a module of their name. Those of Debian 13 are slow (`scripts/test`): what runs on
/// both releases in the usual set, as the release is the point, is no test of this kind.
macro_rules! on_both {
    () => {};
    ($name:ident; $($rest:tt)*) => {
        $crate::support::on_both! { $name: $name; $($rest)* }
    };
    ($name:ident: $test:expr; $($rest:tt)*) => {
        mod $name {
            use super::*;

            const TEST: fn($crate::support::Suite) = $test;

            #[test]
            fn on_debian_12() {
                TEST($crate::support::BOOKWORM);
            }

            #[test]
            fn on_debian_13() {
                TEST($crate::support::TRIXIE);
            }
        }

        $crate::support::on_both! { $($rest)* }
    };
}

pub(crate) use on_both;
