//! Extensions that are compiled, for a PHP that another buildpack brings.

mod slow;

use crate::extension::assert_store_works;
use crate::support::mirror::{app_with_mirror, build_offline};
use libcnb_test::assert_contains;
use php_session_store::store::Store;
use std::fs;

#[test]
fn php_in_a_layer_has_its_extension_compiled_without_a_network() {
    let app_dir = app_with_mirror(|_| {});
    let build = build_offline("headers", app_dir.path(), Store::Redis, &[]);
    let app = build.app();
    for expected in ["source of redis 6.2.0", "phpredis 6.2.0, compiled from source (loads redis)"]
    {
        assert!(app.log.contains(expected), "{expected}: {}", app.log);
    }
    assert_store_works(app, Store::Redis);
}

#[test]
fn a_tampered_or_missing_release_is_refused_by_name() {
    let tampered = app_with_mirror(|get| {
        let path = get.join("redis-6.2.0.tgz");
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(path, bytes).unwrap();
    });
    let build = build_offline("headers", tampered.path(), Store::Redis, &[]);
    let log = build.failed_log();
    let expected = "file:///workspace/mirror/get/redis-6.2.0.tgz is not the expected file";
    assert_contains!(log, expected);
    assert_contains!(log, "5069c13dd22bd9e4");

    let missing = app_with_mirror(|get| fs::remove_file(get.join("redis-6.2.0.tgz")).unwrap());
    let build = build_offline("headers", missing.path(), Store::Redis, &[]);
    let log = build.failed_log();
    assert_contains!(log, "file:///workspace/mirror/get/redis-6.2.0.tgz cannot be read");
}
