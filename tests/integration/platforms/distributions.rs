//! Distributions that the other tests do not run on: their PHP, and the extension by their own apt.

use crate::support::app::{App, build, config};
use crate::support::http_client::assert_sessions_are_shared;
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::BoundService;
use crate::support::{FORKY, NOBLE, Suite};
use libcnb_test::assert_contains;
use php_session_store::store::Store;

fn shares_sessions(suite: Suite, php: &str) {
    for store in Store::ALL {
        build(config(suite, "bare").env("BP_PHP_SESSION_STORE", store.name()), |app: &App| {
            let package = format!("Downloading php{php}-{store} with apt");
            let version = format!("{} from the distribution", suite.extension(store));
            assert_contains!(app.log, &package);
            assert_contains!(app.log, &version);
            let service = BoundService::start(store, ODD_PASSWORD);
            assert_sessions_are_shared(app, &["--env", &service.env()]);
        });
    }
}

#[test]
fn debian_forky() {
    shares_sessions(FORKY, "8.4");
}

#[test]
fn ubuntu_24_04() {
    shares_sessions(NOBLE, "8.3");
}
