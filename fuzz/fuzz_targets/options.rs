//! The app's `.bp-config/options.json`, and the options of a launch.
#![no_main]

use libfuzzer_sys::fuzz_target;
use php_session_store::app::AppOptions;
use php_session_store::config::{options::Options, variables::OPTIONS};
use php_session_store::store::Store;

fuzz_target!(|text: &str| {
    let _ = AppOptions::parse(text);
    for store in Store::ALL {
        let _ = Options::read(&[(OPTIONS, text)].into_iter().collect(), store);
    }
});
