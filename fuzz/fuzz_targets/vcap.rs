//! `VCAP_SERVICES`, as any platform may set it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use php_session_store::services::VCAP_SERVICES;

fuzz_target!(|json: &str| {
    php_session_store_fuzz::launch(&[(VCAP_SERVICES, json)].into_iter().collect());
});
