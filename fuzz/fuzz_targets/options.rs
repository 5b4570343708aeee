//! The app's `.bp-config/options.json`, and the options of a launch.
#![no_main]

use libfuzzer_sys::fuzz_target;
use php_session_store::app::AppOptions;
use php_session_store::config::{options::Options, variables::OPTIONS};
use php_session_store::store::Store;
use std::ops::RangeInclusive;
use std::time::Duration;

fuzz_target!(|text: &str| {
    let _ = AppOptions::parse(text);
    for store in Store::ALL {
        match Options::read(&[(OPTIONS, text)].into_iter().collect(), store) {
            Ok(options) => assert_in_range(&options, store),
            // Whatever is wrong, the user learns where, and what would be right.
            Err(error) => assert!(error.to_string().contains(OPTIONS), "{error}"),
        }
    }
});

/// What was taken is what the README's table allows.
fn assert_in_range(options: &Options, store: Store) {
    let seconds = |value: Option<Duration>, range: RangeInclusive<f64>| {
        assert!(value.is_none_or(|it| range.contains(&it.as_secs_f64())), "{options:?}");
    };
    seconds(options.timeout, 0.1..=60.0);
    seconds(options.read_timeout, 0.1..=60.0);
    seconds(options.lock_timeout, 1.0..=600.0);
    seconds(options.lock_expire, 1.0..=86_400.0);
    let plain = |c: char| c.is_ascii_alphanumeric() || ":._-".contains(c);
    let fits = |prefix: &String| (1..=100).contains(&prefix.len()) && prefix.chars().all(plain);
    assert!(options.prefix.as_ref().is_none_or(fits), "{options:?}");
    if store == Store::Memcached {
        let of_redis = (options.read_timeout, options.database, options.verify_peer);
        assert_eq!(of_redis, (None, None, None));
    }
}
