//! Further options.

use crate::harness::Harness;
use php_session_store::php::variable::Variable;
use php_session_store::store::Store;
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
    assert!(error.contains("\"tmeout\"") && error.contains("timeout (seconds"), "{error}");

    let cluster = json!({"x": [{"name": "redis-sessions", "credentials": {"cluster.nodes": "h"}}]});
    let cluster = cluster.to_string();
    let environment = [("VCAP_SERVICES", &*cluster), ("BPL_PHP_SESSION_OPTIONS", "database=1")];
    assert!(harness.launch(&environment).unwrap_err().contains("a cluster has only database 0"));
}
