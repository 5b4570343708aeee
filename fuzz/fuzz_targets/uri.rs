//! A Redis uri among the credentials.
#![no_main]

use libfuzzer_sys::fuzz_target;
use php_session_store::services::VCAP_SERVICES;
use serde_json::json;

fuzz_target!(|uri: &str| {
    let services = json!({"p.redis": [{"name": "redis-sessions", "credentials": {"uri": uri}}]});
    let services = services.to_string();
    php_session_store_fuzz::launch(&[(VCAP_SERVICES, services)].into_iter().collect());
});
