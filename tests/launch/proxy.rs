//! The way to Redis: PHP's own handler, or the session proxy.

use crate::fake_server::{Answer, plain, with_tls};
use crate::harness::{Harness, PROXY_SOCKET, Variables};
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::thread::sleep;
use std::time::Duration;

const PASSWORD: &str = "hunter2";

/// Launches with `BPL_PHP_SESSION_PROXY` set to this.
fn launch(harness: &Harness, setting: &str, credentials: &Value) -> Result<Variables, String> {
    let service = json!({"label": "x", "name": "redis-sessions", "credentials": credentials});
    let services = json!({"x": [service]}).to_string();
    harness.launch(&[
        ("VCAP_SERVICES", &services),
        ("BPL_PHP_SESSION_PROXY", setting),
        ("BPL_PHP_SESSION_OPTIONS", "lock_timeout=7&prefix=shop:"),
    ])
}

fn uses_proxy(version: &str, tls: bool, setting: &str, credentials: &Value) -> bool {
    let harness = Harness::with_tls(Store::Redis, version, tls);
    let variables = launch(&harness, setting, credentials).unwrap();
    variables["PHP_SESSION_SAVE_PATH"].contains(PROXY_SOCKET)
}

#[test]
fn behind_the_proxy_php_has_a_socket_and_no_password() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let credentials = json!({"host": "h", "user": "u", "password": PASSWORD, "database": 3});
    let variables = launch(&harness, "on", &credentials).unwrap();
    assert_eq!(
        variables["PHP_SESSION_SAVE_PATH"],
        format!(
            "unix://{PROXY_SOCKET}?persistent=1&persistent_id=php-session-store&timeout=2&read_timeout=22&prefix=shop%3A&files=;600;/tmp"
        )
    );
    assert_eq!(variables["PHP_SESSION_LOCK_RETRIES"], "1");
    assert!(!format!("{variables:?}").contains(PASSWORD));
}

#[test]
fn auto_takes_the_proxy_for_tls_and_where_the_handler_cannot_serve() {
    let plain = json!({"host": "h", "password": PASSWORD});
    let tls = json!({"host": "h", "tls": true});
    let ipv6 = json!({"host": "2001:db8::1", "tls": true});
    // A decision for PHP's own handler.
    let persistent = json!({"host": "h", "tls": true, "persistent": "on"});
    let cluster = json!({"cluster.nodes": "h:1,i:1"});
    for (version, openssl, credentials, expected) in [
        ("5.3.7", true, &plain, false),
        ("5.3.7", true, &tls, true),
        ("5.3.7", true, &persistent, false),
        ("5.3.7", true, &ipv6, true),
        ("6.2.0", true, &tls, true),
        ("6.2.0", true, &persistent, false),
        ("6.2.0", false, &tls, true),
        ("6.2.0", true, &cluster, true),
    ] {
        assert_eq!(
            uses_proxy(version, openssl, "auto", credentials),
            expected,
            "{version} {credentials}"
        );
    }
    assert!(uses_proxy("6.2.0", true, "on", &plain));
    assert!(!uses_proxy("6.2.0", true, "off", &tls));
    let harness = Harness::new(Store::Redis, "5.3.7");
    assert!(launch(&harness, "off", &ipv6).unwrap_err().contains("TLS to an IPv6 address"));
}

#[test]
fn a_setting_that_is_none_is_said() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let message = launch(&harness, "yes", &json!({"host": "h"})).unwrap_err();
    assert!(message.contains("auto, on, off"), "{message}");
}

/// A server that does what PHP's own handler needs, and no script of the session proxy.
const FOR_PHP_ALONE: Answer = |words| {
    let script = words.get(1).copied().unwrap_or_default();
    let of_php = script.starts_with("if redis.call(\"get\",KEYS[1])") || words[0] != "EVAL";
    Some(if of_php {
        "+OK\r\n"
    } else {
        "-NOPERM User shop has no permissions to run the 'eval' command\r\n"
    })
};

#[test]
fn what_is_tried_is_what_the_route_sends() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let at = |port: u16| json!({"host": "127.0.0.1", "port": port});
    let tls = json!({"host": "localhost", "port": with_tls(FOR_PHP_ALONE), "tls": true, "verify_peer": "off"});

    let (path, said) = harness.asked(&tls, "auto");
    assert!(path.is_some_and(|path| path.starts_with("tls://")), "{said}");
    assert!(said.contains("PHP connects to the server itself, because it keeps"), "{said}");
    assert!(said.contains("may not run EVAL"), "{said}");

    // Whoever wants the proxy gets it or is told.
    let (path, said) = harness.asked(&at(plain(FOR_PHP_ALONE)), "on");
    assert_eq!(path, None, "{said}");
    assert!(said.contains("may not run EVAL"), "{said}");
    let (path, said) = harness.asked(&at(plain(FOR_PHP_ALONE)), "off");
    assert!(path.is_some(), "{said}");
    assert!(!said.contains("warning"), "{said}");

    let (path, said) = harness.asked(&at(plain(|_| Some("+OK\r\n"))), "on");
    assert!(path.is_some_and(|path| path.contains(PROXY_SOCKET)), "{said}");
    assert!(!said.contains("warning"), "{said}");
}

/// A server whose replies take a millisecond.
const FAR: Answer = |_| {
    sleep(Duration::from_millis(1));
    Some("+OK\r\n")
};
/// The same, which does no script of the session proxy.
const FAR_FOR_PHP_ALONE: Answer = |words| {
    sleep(Duration::from_millis(1));
    FOR_PHP_ALONE(words)
};

/// One that is near seems far to a busy machine: the integration test `distance` asks it where nothing else runs.
#[test]
fn auto_takes_the_proxy_for_a_server_that_is_far() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let far = json!({"host": "127.0.0.1", "port": plain(FAR)});
    // A decision for PHP's own handler.
    let persistent = json!({"host": "127.0.0.1", "port": plain(FAR), "persistent": "off"});
    let takes = "through the session proxy (a reply takes ";
    for (credentials, setting, expected) in
        [(&far, "auto", true), (&far, "off", false), (&persistent, "auto", false)]
    {
        let (path, said) = harness.asked(credentials, setting);
        let through_proxy = path.is_some_and(|path| path.contains(PROXY_SOCKET));
        assert_eq!(through_proxy, expected, "{credentials} {setting}: {said}");
        assert_eq!(said.contains(takes), expected, "{credentials} {setting}: {said}");
        assert!(!said.contains("warning"), "{credentials} {setting}: {said}");
    }
    // Nobody has asked it, or the app's own waits count.
    assert!(!launch(&harness, "auto", &far).unwrap()["PHP_SESSION_SAVE_PATH"].contains("unix:"));
    let harness = harness.recorded(|record| record.own_setting = Some("a setting".to_owned()));
    let (path, said) = harness.asked(&far, "auto");
    assert!(path.is_some_and(|path| path.starts_with("tcp://")), "{said}");
    assert!(said.contains("because the app sets a setting, which the session proxy"), "{said}");
}

#[test]
fn the_line_says_why_it_is_phps_own_handler() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let port = plain(FAR);
    for (persistent, expected) in [("on", true), ("off", true), ("auto", false)] {
        let far = json!({"host": "127.0.0.1", "port": port, "persistent": persistent});
        let (_, said) = harness.asked(&far, "auto");
        let says = said.contains(", through PHP's own handler (persistent is set)");
        assert_eq!(says, expected, "{persistent}: {said}");
    }
}

#[test]
fn a_server_that_is_far_and_refuses_the_proxy_is_phps_own() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let far = json!({"host": "127.0.0.1", "port": plain(FAR_FOR_PHP_ALONE)});
    let (path, said) = harness.asked(&far, "auto");
    assert!(path.is_some_and(|path| path.starts_with("tcp://")), "{said}");
    assert!(said.contains("PHP connects to the server itself, because it keeps"), "{said}");
}

/// Only PHP can count its tries for a lock.
#[test]
fn an_app_that_says_how_long_to_wait_for_a_lock_keeps_phps_own_handler() {
    let setting = "redis.session.lock_retries (htdocs/index.php)";
    let harness = Harness::new(Store::Redis, "6.2.0")
        .recorded(|record| record.own_setting = Some(setting.to_owned()));
    let answer: Answer = |_| Some("+OK\r\n");
    let tls =
        json!({"host": "localhost", "port": with_tls(answer), "tls": true, "verify_peer": "off"});
    let (path, said) = harness.asked(&tls, "auto");
    assert!(path.is_some_and(|path| path.starts_with("tls://")), "{said}");
    let reason = format!("the app sets {setting}, which the session proxy cannot");
    assert!(said.contains(&reason), "{said}");
    let plain = json!({"host": "127.0.0.1", "port": plain(answer)});
    let (path, said) = harness.asked(&plain, "on");
    assert!(path.is_some_and(|path| path.contains(PROXY_SOCKET)), "{said}");
    assert!(said.contains(&format!("warning: {reason}")), "{said}");
    for way in ["auto", "off"] {
        assert!(!harness.asked(&plain, way).1.contains(setting), "{way}");
    }
}

/// When PHP's own handler would let a lock end, the session proxy does.
#[test]
fn lock_expire_is_passed_on() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let expire = |credentials: &Value| {
        launch(&harness, "on", credentials).unwrap()["PHP_SESSION_LOCK_EXPIRE"].clone()
    };
    assert_eq!(expire(&json!({"host": "h"})), "60");
    assert_eq!(expire(&json!({"host": "h", "lock_expire": "5"})), "5");
}

/// CodeIgniter 3 makes a folder named like the save path.
#[test]
fn a_save_path_that_is_taken_for_a_folder_holds_no_password() {
    let harness = Harness::new(Store::Redis, "6.2.0")
        .recorded(|record| record.app.takes_save_path_for_folder = true);
    let credentials = json!({"host": "h", "password": PASSWORD});
    let variables = launch(&harness, "auto", &credentials).unwrap();
    assert!(!variables["PHP_SESSION_SAVE_PATH"].contains(PASSWORD));
    assert!(variables["PHP_SESSION_SAVE_PATH"].contains(PROXY_SOCKET));
    // Where that cannot be, it is said.
    let cluster = json!({"cluster.nodes": "h:1", "password": PASSWORD});
    let warned = |credentials: &Value| {
        harness.said("x", credentials).contains("takes session.save_path for a folder")
    };
    assert!(warned(&cluster));
    assert!(warned(&credentials));
    assert!(!warned(&json!({"host": "h"})));
}
