//! What a Memcached server answers, in either protocol.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session_proxy::reply_lengths;

const KEY: &[u8] = b"memc.sess.key.a";

fuzz_target!(|bytes: &[u8]| {
    for (at, length) in reply_lengths(KEY, bytes).into_iter().enumerate() {
        let Some(length) = length else { continue };
        assert!((1..=bytes.len()).contains(&length));
        // What is read does not depend on what comes after it.
        assert!(reply_lengths(KEY, &bytes[..length])[at] == Some(length));
    }
});
