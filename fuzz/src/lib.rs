//! What every target does with a platform's input: the way of the launch, and what must hold after it.

use php_session_store::app::AppOptions;
use php_session_store::config::environment::Environment;
use php_session_store::endpoint::{self, Endpoint};
use php_session_store::php::tls::TlsFiles;
use php_session_store::php::directives::connect;
use php_session_store::plan::Plan;
use php_session_store::services::Services;
use php_session_store::services::matching::find_session_service;
use php_session_store::services::search_keys::SearchKeys;
use php_session_store::store::Store;
use php_session_store::variable::Variable;
use std::path::Path;
use std::time::Duration;

/// Reads the services of an environment and connects to the one for sessions, whichever it is.
pub fn launch(environment: &Environment) {
    let Ok(services) = Services::read(environment, Path::new("/nowhere")) else { return };
    // Whatever the services are, they can be shown.
    let _ = services.to_string();
    let keys = SearchKeys::determine(environment, &AppOptions::default()).expect("text");
    for store in Store::ALL {
        let Ok(Some(found)) = find_session_service(&services, &keys, &[store]) else { continue };
        let Ok(reading) = endpoint::read(store, found.service) else { continue };
        check(&Plan::settle(reading.endpoint, &reading.options));
    }
}

/// Tells PHP of the plan in every version, and checks that nothing leaves its place.
fn check(plan: &Plan) {
    let versions = match plan.endpoint {
        Endpoint::Redis(_) => ["5.0.2", "5.3.7", "6.2.0"],
        Endpoint::Memcached(_) => ["3.1.5", "3.2.0", "3.3.0"],
    };
    for version in versions {
        let version = version.parse().expect("a version");
        let Ok(settings) = connect(plan, &TlsFiles::default(), &version, Duration::ZERO) else {
            continue;
        };
        for (variable, value) in settings.variables {
            assert!(!value.contains('\0'), "{variable:?} has a NUL");
            if variable == Variable::SavePath {
                assert_save_path(&plan.endpoint, &value);
            }
        }
    }
}

/// A save path is split at blanks and commas, and ends at a newline.
fn assert_save_path(endpoint: &Endpoint, path: &str) {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | ';' | '$' | '{' | '}');
    match endpoint {
        Endpoint::Redis(_) => {
            // What PHP's `files` handler makes of it.
            let path = path.strip_suffix("&files=;600;/tmp").unwrap_or(path);
            assert!(path.chars().all(|c| plain(c) && c != ','), "{path}");
        }
        Endpoint::Memcached(_) => {
            assert!(path.chars().all(plain), "{path}");
            assert!(path.split(',').all(|server| server.len() <= 300), "{path}");
        }
    }
}
