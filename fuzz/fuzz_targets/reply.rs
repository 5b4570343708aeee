//! What a Redis server answers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use store_client::Reply;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some((reply, length))) = Reply::parse(bytes) {
        assert!(length <= bytes.len());
        // What is read does not depend on what comes after it.
        assert!(Reply::parse(&bytes[..length]) == Ok(Some((reply, length))));
    }
});
