//! Further options.

use crate::harness::{CA, Harness};
use php_session_store::store::Store;
use php_session_store::variable::Variable;
use serde_json::json;

#[test]
fn options_of_the_launch_beat_those_of_the_binding() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let services = json!({"x": [{"name": "redis-sessions", "credentials":
        {"host": "h", "timeout": 7, "prefix": "b:", "database": 1}}]});
    let services = services.to_string();
    let options =
        "timeout=0.5&database=4&persistent=off&locking=off&lock_timeout=10&lock_expire=60";
    let environment = [("VCAP_SERVICES", services.as_str()), ("BPL_PHP_SESSION_OPTIONS", options)];
    let variables = harness.launch(&environment).unwrap();
    let expected = "tcp://h:6379?persistent=0&timeout=0.5&read_timeout=3&database=4&prefix=b%3A";
    assert_eq!(harness.masked(&variables), expected);
    assert_eq!(variables[Variable::Locking.name()], "0");
    assert_eq!(variables[Variable::LockRetries.name()], "2000");
    assert_eq!(variables[Variable::LockExpire.name()], "60");

    let environment =
        [("VCAP_SERVICES", services.as_str()), ("BPL_PHP_SESSION_OPTIONS", "tmeout=1")];
    let error = harness.launch(&environment).unwrap_err();
    assert!(error.contains("\"tmeout\""), "{error}");
    assert!(error.contains("timeout (seconds"), "{error}");

    let cluster = json!({"x": [{"name": "redis-sessions", "credentials": {"cluster.nodes": "h"}}]});
    let cluster = cluster.to_string();
    // Only the session proxy can use it, and only the server knows whether it has it.
    let database = [("VCAP_SERVICES", &*cluster), ("BPL_PHP_SESSION_OPTIONS", "database=1")];
    let auto = [&database[..], &[("BPL_PHP_SESSION_PROXY", "auto")]].concat();
    let path = &harness.launch(&auto).unwrap()[Variable::SavePath.name()];
    assert!(path.starts_with("unix:///proxy/redis.sock?"), "{path}");
    assert!(path.contains("prefix=PHPREDIS_CLUSTER_SESSION%3A"), "{path}");
    let error = harness.launch(&database).unwrap_err();
    assert!(error.contains("knows only database 0 of a cluster"), "{error}");
}

/// A broker's user cannot change what the broker writes, such as cloud.gov's `redis://` of a server with TLS alone.
#[test]
fn options_say_what_credentials_lack_or_have_wrong() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let ca = tempfile::NamedTempFile::with_suffix(".pem").unwrap();
    std::fs::write(ca.path(), CA).unwrap();
    let ca_path = ca.path().display().to_string();
    let launch = |credentials: serde_json::Value, options: &str| {
        let services = json!({"x": [{"name": "redis-sessions", "credentials": credentials}]});
        let environment =
            [("VCAP_SERVICES", &*services.to_string()), ("BPL_PHP_SESSION_OPTIONS", options)];
        harness.launch(&environment).map(|variables| harness.masked(&variables))
    };
    let uri = json!({"uri": "redis://shown:pw@h:6379"});
    for (options, expected) in [
        ("", "tcp://h:6379?…&auth[]=shown&auth[]=pw".to_owned()),
        ("tls=on", "tls://h:6379?…&auth[]=shown&auth[]=pw&stream[verify_peer]=1".to_owned()),
        ("username=default", "tcp://h:6379?…&auth=pw".to_owned()),
        ("username=shop", "tcp://h:6379?…&auth[]=shop&auth[]=pw".to_owned()),
        (
            &format!("username=default&ca={ca_path}"),
            format!(
                "tls://h:6379?…&auth=pw&stream[verify_peer]=1&stream[cafile]={}",
                ca_path.replace('/', "%2F")
            ),
        ),
    ] {
        assert_eq!(launch(uri.clone(), options).unwrap(), expected, "{options}");
    }
    let both = json!({"host": "h", "port": 1, "tls_port": 2, "ca.crt": "/nowhere/ca.pem"});
    assert_eq!(launch(both.clone(), "tls=off").unwrap(), "tcp://h:1?…");
    let odd = json!({"host": "h", "ssl_thing": "on"});
    assert!(launch(odd.clone(), "").unwrap_err().contains("tls=on, or tls=off"));
    assert_eq!(launch(odd, "tls=off").unwrap(), "tcp://h:6379?…");
    // A credential may name a file, too.
    let error = launch(both, "").unwrap_err();
    assert!(error.contains("\"ca.crt\" cannot be read: No such file"), "{error}");
    let file = json!({"host": "h", "ca": ca_path, "username": "u", "password": "p"});
    assert!(launch(file, "").unwrap().contains("&stream[cafile]="));
    let missing = launch(json!({"host": "h"}), "ca=/nowhere/ca.pem").unwrap_err();
    assert!(missing.contains("names the file /nowhere/ca.pem, which cannot be read"), "{missing}");
}
