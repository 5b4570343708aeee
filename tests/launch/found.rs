//! Which service is found where none says that it is for sessions: the only one of its kind, or a variable of the
//! platform, where the build chose the store; else a message that says what would use it.

use crate::harness::{Harness, PROBE_OFF};
use php_session_store::launch::embedded;
use php_session_store::services::{Origin, Services};
use php_session_store::store::Store;
use php_session_store::variable::Variable;
use serde_json::json;
use std::fs;

fn path(harness: &Harness, environment: &[(&str, &str)]) -> Result<String, String> {
    harness.launch(environment).map(|variables| harness.masked(&variables))
}

fn vcap(services: &serde_json::Value) -> String {
    services.to_string()
}

#[test]
fn where_the_build_chose_the_store_the_only_service_of_its_kind_is_meant() {
    let of = |label: &str, name: &str| json!({"label": label, "name": name, "credentials": {"host": name}});
    let tagged =
        json!({"label": "custom", "name": "t", "tags": ["Valkey"], "credentials": {"host": "t"}});
    for (services, host) in [
        (json!({"p.redis": [of("p.redis", "cache")]}), "cache"),
        (json!({"csb-aws-redis": [of("csb-aws-redis", "aws")]}), "aws"),
        (json!({"x": [tagged, of("postgres", "db")]}), "t"),
        // One that is meant for sessions and says so comes first.
        (
            json!({"p.redis": [of("p.redis", "cache"), of("p.redis", "redis-sessions")]}),
            "redis-sessions",
        ),
    ] {
        let services = vcap(&services);
        let found = path(&Harness::chosen(Store::Redis), &[("VCAP_SERVICES", &services)]);
        assert_eq!(found.unwrap(), format!("tcp://{host}:6379?…"), "{services}");
    }
    let two = vcap(&json!({"p.redis": [of("p.redis", "a"), of("p.redis", "b")]}));
    let error = path(&Harness::chosen(Store::Redis), &[("VCAP_SERVICES", &two)]).unwrap_err();
    for part in ["\"a\"", "\"b\"", "kind (Redis)", "REDIS_SESSION_STORE_SERVICE_NAME"] {
        assert!(error.contains(part), "{error}");
    }
    let memcached = vcap(&json!({"memcachier": [of("memcachier", "m")]}));
    let found = path(&Harness::chosen(Store::Memcached), &[("VCAP_SERVICES", &memcached)]);
    assert_eq!(found.unwrap(), "m:11211");
    // Another store's service is none of ours.
    let error = path(&Harness::chosen(Store::Redis), &[("VCAP_SERVICES", &memcached)]).unwrap_err();
    assert!(error.contains("No redis service is bound"), "{error}");
}

#[test]
fn where_the_build_did_not_choose_it_the_message_says_what_would_use_it() {
    let services = vcap(&json!({"p.redis": [{"name": "cache", "credentials": {"host": "h"}}]}));
    let harness = Harness::new(Store::Redis, "6.2.0");
    let error =
        path(&harness, &[("VCAP_SERVICES", &services), ("REDIS_URL", "redis://:hunter2@h")])
            .unwrap_err();
    for part in [
        "\"cache\" (VCAP_SERVICES, p.redis) is a Redis service",
        "set REDIS_SESSION_STORE_SERVICE_NAME=cache",
        "The variable REDIS_URL is set. An image built with BP_PHP_SESSION_STORE=redis would use it",
    ] {
        assert!(error.contains(part), "{part} is not in {error}");
        assert!(!error.contains("hunter2"), "{part} is not in {error}");
    }
    let error = path(&harness, &[("BP_PHP_SESSION_STORE", "memcached")]).unwrap_err();
    assert!(error.contains("is only read at build"), "{error}");
}

#[test]
fn a_variable_of_the_platform_is_the_service_where_none_is_bound() {
    let redis = Harness::chosen(Store::Redis);
    let heroku = [("REDIS_URL", "redis://:pw@h:7000"), ("REDIS_TLS_URL", "rediss://:pw@h:7001")];
    let options = ("BPL_PHP_SESSION_OPTIONS", "verify_peer=off");
    let found = path(&redis, &[heroku[0], heroku[1], options]).unwrap();
    assert!(found.starts_with("tls://h:7001?"), "{found}");
    assert!(found.contains("auth=pw&stream[verify_peer"), "{found}");

    let memcachier = [
        ("MEMCACHIER_SERVERS", "a:1,b:2"),
        ("MEMCACHIER_USERNAME", "u"),
        ("MEMCACHIER_PASSWORD", "p"),
    ];
    let variables = Harness::chosen(Store::Memcached).launch(&memcachier).unwrap();
    assert_eq!(variables[Variable::SavePath.name()], "a:1,b:2");
    assert_eq!(variables[Variable::Password.name()], "p");

    // Dokku's, and one with a login.
    for (uri, user) in
        [("memcached://dokku-memcached-m:11211", None), ("memcached://u:p@m", Some("u"))]
    {
        let variables =
            Harness::chosen(Store::Memcached).launch(&[("MEMCACHED_URL", uri)]).unwrap();
        assert!(variables[Variable::SavePath.name()].ends_with("m:11211"), "{variables:?}");
        assert_eq!(variables.get(Variable::Username.name()).map(String::as_str), user);
    }

    // What is bound comes first.
    let bound = vcap(&json!({"x": [{"name": "redis-sessions", "credentials": {"host": "bound"}}]}));
    let found = path(&redis, &[heroku[0], ("VCAP_SERVICES", &bound)]).unwrap();
    assert!(found.starts_with("tcp://bound:"), "{found}");

    let two = [heroku[0], ("VALKEY_URL", "valkey://:pw@other")];
    assert!(path(&redis, &two).unwrap_err().contains("REDIS_URL, VALKEY_URL"));
    let chosen = ("BPL_PHP_SESSION_SERVICE_VARIABLE", "VALKEY_URL");
    assert_eq!(path(&redis, &[two[0], two[1], chosen]).unwrap(), "tcp://other:6379?…&auth=pw");
}

#[test]
fn bindings_that_are_mounted_at_the_wrong_depth_are_told_apart() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let root = tempfile::tempdir().unwrap();
    let error = |root: &std::path::Path| {
        path(&harness, &[("SERVICE_BINDING_ROOT", &format!("{} ", root.display()))]).unwrap_err()
    };
    assert!(error(&root.path().join("none")).contains("no such folder"));
    fs::create_dir_all(root.path().join("outer/inner")).unwrap();
    fs::write(root.path().join("outer/inner/type"), "php-redis-session").unwrap();
    let deep = error(root.path());
    assert!(
        deep.contains("\"outer\": its binding is mounted one level too deep, in inner"),
        "{deep}"
    );
    assert_eq!(deep.matches("outer").count() - deep.matches("(\"outer\")").count(), 1, "{deep}");
    assert!(!deep.contains("has no type"), "{deep}");
    // Where the folder's name alone is enough, too.
    fs::rename(root.path().join("outer"), root.path().join("redis-sessions")).unwrap();
    let named = error(root.path());
    assert!(named.contains("no credentials (its binding is mounted one level too deep"), "{named}");
    fs::rename(root.path().join("redis-sessions"), root.path().join("outer")).unwrap();
    let shallow = error(&root.path().join("outer/inner"));
    assert!(
        shallow.contains("this folder is itself a binding: mount it one level deeper"),
        "{shallow}"
    );
}

#[test]
fn json_in_place_of_a_folder_is_said_with_the_variable_for_it() {
    let harness = Harness::new(Store::Redis, "6.2.0");
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("vcap.json");
    fs::write(&file, r#"{"redis": []}"#).unwrap();
    let error = |name: &str, value: &std::path::Path| {
        path(&harness, &[(name, value.to_str().unwrap())]).unwrap_err()
    };
    let is_file = error("SERVICE_BINDING_ROOT", &file);
    assert!(is_file.contains("is a file"), "{is_file}");
    assert!(is_file.contains("VCAP_SERVICES_FILE_PATH"), "{is_file}");
    let holds_file = error("SERVICE_BINDING_ROOT", root.path());
    assert!(
        holds_file.contains("a binding is a folder with a file for each credential"),
        "{holds_file}"
    );
    let variable = error("VCAP_SERVICES", &file);
    assert!(variable.contains("is a path. Set VCAP_SERVICES_FILE_PATH"), "{variable}");
    fs::remove_file(&file).unwrap();
    fs::create_dir(root.path().join("cache")).unwrap();
    fs::write(root.path().join("cache/credentials.json"), "{}").unwrap();
    let in_folder = error("SERVICE_BINDING_ROOT", root.path());
    assert!(in_folder.contains("its folder holds only credentials.json"), "{in_folder}");
    assert!(!in_folder.contains("has no type"), "{in_folder}");
}

#[test]
fn an_embedded_service_is_found_by_whatever_it_was_found_by_at_build() {
    let json = r#"{"p.redis": [{"name": "b1", "instance_name": "my-redis-sessions", "credentials": {"host": "h"}}]}"#;
    let services = Services::parse(json, Origin::Vcap).unwrap();
    let harness = Harness::new(Store::Redis, "6.2.0");
    embedded::write(harness.layer.path(), services.iter().next().unwrap()).unwrap();
    assert_eq!(path(&harness, &[]).unwrap(), "tcp://h:6379?…");
}

#[test]
fn credentials_that_cannot_be_read_are_not_left_out_of_what_is_embedded() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("redis-sessions")).unwrap();
    fs::write(root.path().join("redis-sessions/host"), "h").unwrap();
    fs::write(root.path().join("redis-sessions/password"), [0xff]).unwrap();
    let root_path = root.path().to_str().unwrap();
    let environment = [("SERVICE_BINDING_ROOT", root_path)].into_iter().collect();
    let services = Services::read(&environment, root.path()).unwrap();
    let layer = tempfile::tempdir().unwrap();
    let error =
        embedded::write(layer.path(), services.iter().next().unwrap()).unwrap_err().to_string();
    assert!(error.contains("\"password\" is not UTF-8 text"), "{error}");
    assert_eq!(layer.path().read_dir().unwrap().count(), 0);
}

#[test]
fn what_is_printed_for_debugging_shows_no_secret() {
    let json = r#"{"x": [{"name": "redis-sessions", "credentials": {"host": "h", "password": "hunter2"}}]}"#;
    let services = Services::parse(json, Origin::Vcap).unwrap();
    assert!(!format!("{services:?}").contains("hunter2"));
    let harness = Harness::new(Store::Redis, "6.2.0");
    let environment = [("VCAP_SERVICES", json), PROBE_OFF].into_iter().collect();
    let launch = php_session_store::launch::prepare::prepare(
        &environment,
        std::path::Path::new("/nowhere"),
        harness.layer.path(),
        std::path::Path::new("/nowhere"),
        &crate::harness::proxy,
    );
    let shown = format!("{:?}", launch.unwrap());
    assert!(shown.contains("SavePath"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn only_a_service_of_the_other_store_is_an_error_that_names_it() {
    let services = r#"{"x": [{"name": "my-memcached-sessions", "credentials": {"servers": "h"}}]}"#;
    let error = Harness::new(Store::Redis, "6.2.0").launch(&[("VCAP_SERVICES", services)]);
    let error = error.unwrap_err();
    assert!(error.contains("the service bound now is a memcached service"), "{error}");
    assert!(error.contains("my-memcached-sessions"), "{error}");
}
