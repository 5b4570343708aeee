//! What PHP, or somebody else, says to the session proxy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session_proxy::{Request, parse};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some((parts, length))) = parse(bytes) {
        assert!(length <= bytes.len());
        if let Ok(Request::Write { key, .. } | Request::Get(key)) = Request::read(&parts, b"P:") {
            assert!(key.starts_with(b"P:"));
        }
    }
});
