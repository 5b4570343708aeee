//! Every PHP × every kind of service × every web server: two replicas, and one cookie.

use crate::support::app::{App, Server, build};
use crate::support::http_client::assert_sessions_are_shared;
use crate::support::input::BuildInput;
use crate::support::layout::Layout;
use crate::support::sample::app_for_every_server;
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::{BoundService, Memcached, vcap};
use crate::support::tls::TlsServer;
use crate::support::{BOOKWORM, Suite, TRIXIE};
use php_session_store::store::Store;
use serde_json::json;

/// PHP's own handler, whatever the distance.
const OFF: &str = "BPL_PHP_SESSION_PROXY=off";

/// Where PHP comes from.
enum Php {
    /// The distribution: a variant of a Debian release.
    Image(Suite, &'static str),
    /// A buildpack before ours.
    Layer(Layout),
}

impl Php {
    /// Builds one image for a store, which all servers start from.
    fn with_app(&self, store: Store, test: impl FnOnce(&App)) {
        let folder = app_for_every_server();
        match self {
            Self::Image(suite, variant) => {
                let mut config = BuildInput::new(*suite, variant, folder.path());
                build(config.env("BP_PHP_SESSION_STORE", store.name()), test);
            }
            Self::Layer(layout) => test(layout.build(folder.path(), store, &[]).app()),
        }
    }

    fn shares_sessions(servers: &[Server], app: &App, bound: &str, proxy: &str) {
        for server in servers.iter().copied() {
            let options = ["--env", bound, "--env", proxy];
            assert_sessions_are_shared(&app.served_by(server), &options);
        }
    }

    fn redis(&self, servers: &[Server]) {
        self.with_app(Store::Redis, |app| {
            let service = BoundService::start(Store::Redis, ODD_PASSWORD);
            Self::shares_sessions(servers, app, &service.env(), OFF);
            let server = TlsServer::start("no", &[]);
            let services = vcap(&[("redis-sessions", server.credentials())]);
            Self::shares_sessions(servers, app, &format!("VCAP_SERVICES={services}"), OFF);
        });
    }

    fn memcached(&self, servers: &[Server]) {
        self.with_app(Store::Memcached, |app| {
            let server = Memcached::start();
            let services = vcap(&[("memcached-sessions", json!({"servers": server.server()}))]);
            Self::shares_sessions(servers, app, &format!("VCAP_SERVICES={services}"), OFF);
            // PHP's own handler needs plugins of libsasl2, which the images lack.
            let service = BoundService::start(Store::Memcached, ODD_PASSWORD);
            Self::shares_sessions(servers, app, &service.env(), "BPL_PHP_SESSION_PROXY=auto");
        });
    }
}

macro_rules! rows {
    ($($name:ident: $php:expr, $servers:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn redis_with_and_without_tls() {
                $php.redis(&$servers);
            }

            #[test]
            fn memcached_with_and_without_a_login() {
                $php.memcached(&$servers);
            }
        }
    )*};
}

const OF_IMAGES: [Server; 3] = [Server::Php, Server::NginxFpm, Server::Apache];

rows! {
    debian_12: Php::Image(BOOKWORM, "web"), OF_IMAGES;
    as_paketo: Php::Layer(Layout::Paketo), [Server::ApacheFpm];
}

mod slow {
    use super::*;

    rows! {
        debian_13: Php::Image(TRIXIE, "web"), OF_IMAGES;
        everything_on_debian_12: Php::Image(BOOKWORM, "everything"), OF_IMAGES;
        everything_on_debian_13: Php::Image(TRIXIE, "everything"), OF_IMAGES;
        as_paketo: Php::Layer(Layout::Paketo), [Server::Php, Server::NginxFpm];
        as_heroku: Php::Layer(Layout::Heroku), [Server::Php, Server::NginxFpm, Server::ApacheFpm];
    }
}
