//! Memcached in the states that `session-check` tells apart.

use super::with_app;
use crate::support::Suite;
use crate::support::app::{App, make_readable};
use crate::support::check::{assert_cause, assert_verdict, check as support_check, check_service};
use crate::support::secrets::{MARKER, ODD_PASSWORD};
use crate::support::services::{Memcached, vcap};
use libcnb_test::{assert_contains, assert_not_contains};
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::fs;

pub(super) fn causes(suite: Suite) {
    with_app(suite, Store::Memcached, |app| {
        let check = |credentials: Value| check_service(app, "memcached-sessions", &credentials);
        let closed = Memcached::start_with_login("shop", ODD_PASSWORD);
        let login =
            |servers: &str| json!({"servers": servers, "username": "shop", "password": MARKER});
        assert_cause(&check(login(&closed.server())), "wrong-password");
        assert_cause(&check(json!({"servers": "nowhere.invalid"})), "name-not-resolved");
        assert_cause(
            &check(json!({"servers": format!("{}:1", closed.container.ip())})),
            "connection-refused",
        );
        assert_cause(&check(json!({"servers": closed.server()})), "password-missing");
        let text_only = Memcached::start_with("exec memcached -u memcache -B ascii");
        let checked = check(login(&text_only.server()));
        assert_cause(&checked, "text-protocol-only");
        let open = Memcached::start();
        assert_cause(&check(login(&open.server())), "password-not-wanted");
        let services = vcap(&[("memcached-sessions", json!({"servers": open.server()}))]);
        let bound = format!("VCAP_SERVICES={services}");
        // Through the session proxy, nothing tells the size of items.
        long_ids(app, &["--env", &bound, "--env", "BPL_PHP_SESSION_PROXY=off"]);
        without_plugins(app, &closed.server());
        // Of two servers, the report tells which one it is.
        let two = format!("{},{}:1", open.server(), closed.container.ip());
        let (_, report) = check(json!({ "servers": two }));
        let steps = report["steps"].as_array().unwrap();
        let failed: Vec<&Value> = steps.iter().filter(|it| it["ok"] == false).collect();
        assert_eq!(failed.len(), 1, "{report:#}");
        assert_eq!(failed[0]["server"], format!("{}:1", closed.container.ip()));
    });
}

/// The image has none of libsasl2's plugins, through which PHP's own handler logs in.
fn without_plugins(app: &App, server: &str) {
    let login = json!({"servers": server, "username": "shop", "password": ODD_PASSWORD});
    let bound = format!("VCAP_SERVICES={}", vcap(&[("memcached-sessions", login)]));
    let off = ["--env", &bound, "--env", "BPL_PHP_SESSION_PROXY=off"];
    let checked = support_check(app, &off);
    assert_cause(&checked, "mechanisms-missing");
    let advice = checked.1["causes"][0]["advice"].as_str().unwrap();
    assert_contains!(advice, "Debian: libsasl2-modules");
    let (_, said) = app.run(&off, &["true"]);
    assert_contains!(
        said,
        "warning: PHP's own handler logs in through libsasl2, and the image has none"
    );
    assert_contains!(said, "Debian: libsasl2-modules");
    let (_, said) = app.run(&["--env", &bound], &["true"]);
    assert_not_contains!(said, "libsasl2");
}

/// An id of 256 characters, with an ini file of the app's own; and the report tells how large a session may be.
fn long_ids(app: &App, bound: &[&str]) {
    let checked = support_check(app, bound);
    assert_verdict(&checked, "kept");
    assert!(checked.1.to_string().contains("at most 1048576 bytes (item_size_max)"), "{checked:?}");
    let folder = tempfile::tempdir().unwrap();
    make_readable(folder.path());
    fs::write(folder.path().join("long.ini"), "session.sid_length = 256\n").unwrap();
    let mount = format!("--volume={}:/long:ro", folder.path().display());
    let scanned = ["--env", "PHP_INI_SCAN_DIR=:/long", &mount];
    let checked = support_check(app, &[bound, &scanned].concat());
    assert_cause(&checked, "key-too-long");
    let advice = checked.1["causes"][0]["advice"].as_str().unwrap();
    assert_contains!(advice, "Set session.sid_length to 231 or less");
}
