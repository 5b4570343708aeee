//! What PHP, or somebody else, says to the session proxy before Memcached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session_proxy::Incoming;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some((incoming, length))) = Incoming::parse(bytes, b"P:") {
        assert!((1..=bytes.len()).contains(&length));
        // What is read does not depend on what comes after it.
        assert!(Incoming::parse(&bytes[..length], b"P:") == Ok(Some((incoming, length))));
    }
});
