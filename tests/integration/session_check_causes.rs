//! `session-check` tells apart what may be wrong: real servers in each of these states.

mod memcached;

use crate::fake_cloud::{Answer, serve};
use crate::support::app::{App, build, config, root};
use crate::support::certificates::Authority;
use crate::support::check::{
    Checked, assert_cause, assert_verdict, check as support_check, check_service,
};
use crate::support::docker::{docker, wait_until};
use crate::support::layout::Layout;
use crate::support::relay::Relay;
use crate::support::secrets::{MARKER, ODD_PASSWORD};
use crate::support::services::{Redis, run, vcap};
use crate::support::sharding::twemproxy;
use crate::support::tls::TlsServer;
use crate::support::{Suite, on_both};
use libcnb_test::{assert_contains, assert_not_contains};
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::time::Duration;

fn with_app(suite: Suite, store: Store, test: impl FnOnce(&App)) {
    let mut config = config(suite, "full");
    build(config.env("BP_PHP_SESSION_STORE", store.name()), test);
}

/// A login with a token: the source gives none, for now or at all; or the server does not take it.
fn cloud_login(app: &App, host: &str) {
    let credentials = json!({"host": host, "tls": false, "auth": "google-iam"});
    let bound = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials)]));
    for (answers, kind, what, advice) in [
        (404, "no-token", "says HTTP 404", "runs on Google Cloud with a service account"),
        (503, "no-token-yet", "says HTTP 503", "runs on Google Cloud with a service account"),
        (200, "wrong-password", "WRONGPASS", "roles/redis.dbConnectionUser"),
    ] {
        let token = json!({"access_token": MARKER, "expires_in": 3600});
        let source = serve(move |_| Answer::Reply(answers, token.to_string()));
        let relay = Relay::start(source.parse().unwrap(), Duration::ZERO);
        let source = format!("GCE_METADATA_HOST={}:{}", relay.host(), relay.port());
        let checked = support_check(app, &["--env", &bound, "--env", &source]);
        assert_cause(&checked, kind);
        let cause = &checked.1["causes"][0];
        assert_contains!(cause["what"].as_str().unwrap(), what);
        assert_contains!(cause["advice"].as_str().unwrap(), advice);
        assert_not_contains!(checked.1.to_string(), MARKER);
    }
}

fn redis_causes(suite: Suite) {
    with_app(suite, Store::Redis, |app| {
        let redis = Redis::start_with(&[
            "--requirepass",
            ODD_PASSWORD,
            "--enable-protected-configs",
            "yes",
        ]);
        let host = redis.host();
        let check = |credentials: Value| check_service(app, "redis-sessions", &credentials);
        let login = |host: &str, password: &str| json!({"host": host, "password": password});
        let odd = |rest: &[(&str, Value)]| {
            let mut credentials = login(&host, ODD_PASSWORD);
            for (name, value) in rest {
                credentials[*name] = value.clone();
            }
            credentials
        };
        assert_cause(&check(login("nowhere.invalid", MARKER)), "name-not-resolved");
        assert_cause(&check(odd(&[("port", json!(1))])), "connection-refused");
        assert_cause(&check(login(&host, MARKER)), "wrong-password");
        assert_cause(&check(json!({"host": host})), "password-missing");
        assert_cause(&check(odd(&[("ssl", json!(true))])), "tls-not-spoken");
        assert_cause(&check(odd(&[("cluster_mode", json!(true))])), "is-no-cluster");

        let mut admin = redis.connection();
        run(&mut admin, &["AUTH", ODD_PASSWORD]);
        let password = format!(">{MARKER}");
        run(&mut admin, &["ACL", "SETUSER", "shop", "on", "~other:*", "+@all", &password]);
        let user = |name: &str| json!({"host": host, "username": name, "password": MARKER});
        assert_cause(&check(user("shop")), "no-permission");
        run(&mut admin, &["ACL", "SETUSER", "clerk", "on", "~*", "+@all", "-eval", &password]);
        assert_cause(&check(user("clerk")), "no-permission");

        run(&mut admin, &["CONFIG", "SET", "maxmemory", "1"]);
        assert_cause(&check(odd(&[])), "out-of-memory");
        run(&mut admin, &["CONFIG", "SET", "maxmemory", "0"]);
        run(&mut admin, &["REPLICAOF", "127.0.0.1", "1"]);
        assert_cause(&check(odd(&[])), "read-only-replica");

        run(&mut admin, &["REPLICAOF", "NO", "ONE"]);
        refused_writes(&mut admin, &|| check(odd(&[])));
        too_busy(&redis, &mut admin, &|| check(odd(&[])));

        let trailing = check(login(&host, &format!("{ODD_PASSWORD} ")));
        assert_cause(&trailing, "wrong-password");
        let advice = trailing.1["causes"][0]["advice"].as_str().unwrap();
        assert_contains!(advice, "ends with a blank");
        assert_cause(&check(json!({"host": "localhost"})), "loopback");
        let without_eval = Redis::start_with(&["--rename-command", "EVAL", ""]);
        assert_cause(&check(json!({"host": without_eval.host()})), "unknown-command");
        cloud_login(app, &host);
        open_server(&check);
    });
}

/// A server without a password.
fn open_server(check: &dyn Fn(Value) -> Checked) {
    let open = Redis::start_with(&[]);
    assert_cause(&check(json!({"host": open.host(), "password": MARKER})), "password-not-wanted");
    docker(&["pause", &open.container.name]);
    assert_cause(&check(json!({"host": open.host()})), "no-answer");
    docker(&["unpause", &open.container.name]);
    run(&mut open.connection(), &["CONFIG", "SET", "protected-mode", "yes"]);
    assert_cause(&check(json!({"host": open.host()})), "protected-mode");
}

/// A server that does not write, for reasons that pass.
fn refused_writes(admin: &mut redis::Connection, check: &dyn Fn() -> Checked) {
    run(admin, &["CONFIG", "SET", "min-replicas-to-write", "1"]);
    assert_cause(&check(), "replicas-missing");
    run(admin, &["CONFIG", "SET", "min-replicas-to-write", "0"]);
    // Nothing can be written there.
    run(admin, &["CONFIG", "SET", "dir", "/proc"]);
    run(admin, &["CONFIG", "SET", "save", "3600 1"]);
    run(admin, &["BGSAVE"]);
    wait_until("a failure to save", || {
        let info: String = redis::cmd("INFO").arg("persistence").query(admin).unwrap();
        info.contains("rdb_last_bgsave_status:err")
    });
    assert_cause(&check(), "not-saved");
    run(admin, &["CONFIG", "SET", "save", ""]);
}

/// A server that runs a script that does not end, and one with all the clients that it takes.
fn too_busy(server: &Redis, admin: &mut redis::Connection, check: &dyn Fn() -> Checked) {
    run(admin, &["CONFIG", "SET", "busy-reply-threshold", "50"]);
    let script = "REDISCLI_AUTH=\"$1\" redis-cli EVAL 'while true do end' 0";
    let exec = ["exec", "--detach", &server.container.name, "sh", "-c", script, "-", ODD_PASSWORD];
    docker(&exec);
    let mut is_busy = || redis::cmd("PING").exec(admin).is_err();
    wait_until("the script", &mut is_busy);
    assert_cause(&check(), "busy");
    run(admin, &["SCRIPT", "KILL"]);
    wait_until("the end of the script", || redis::cmd("PING").exec(admin).is_ok());
    run(admin, &["CONFIG", "SET", "maxclients", "1"]);
    assert_cause(&check(), "too-many-clients");
    run(admin, &["CONFIG", "SET", "maxclients", "100"]);
}

/// Sessions are kept through it, but for what it does not know: SELECT and ECHO.
fn a_proxy_that_closes_the_connection_at_a_command(suite: Suite) {
    with_app(suite, Store::Redis, |app| {
        let proxy = twemproxy();
        let credentials = json!({"host": proxy.ip()});
        let services = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials)]));
        let check = |options: &str| {
            let options = format!("BPL_PHP_SESSION_OPTIONS={options}");
            let direct = "BPL_PHP_SESSION_PROXY=off";
            support_check(app, &["--env", &services, "--env", &options, "--env", direct])
        };
        assert_verdict(&check("timeout=2"), "kept");
        for (options, command) in [("database=1", "SELECT"), ("persistent=on", "ECHO")] {
            let checked = check(options);
            assert_cause(&checked, "unknown-command");
            let cause = &checked.1["causes"][0];
            assert!(cause["what"].as_str().unwrap().contains(command), "{cause:#}");
            let options = format!("BPL_PHP_SESSION_OPTIONS={options}");
            let direct = "BPL_PHP_SESSION_PROXY=off";
            let (started, said) =
                app.run(&["--env", &services, "--env", &options, "--env", direct], &["true"]);
            let refusal = format!("does not know {command}");
            assert!(!started, "{said}");
            assert_contains!(said, &refusal);
        }
        let (started, said) = app.run(&["--env", &services], &["true"]);
        assert!(started, "{said}");
        assert_not_contains!(said, "warning");
    });
}

/// `-ERR unknown`, and no word more: without locks nothing unknown is asked.
fn a_proxy_that_says_unknown(suite: Suite) {
    with_app(suite, Store::Redis, |app| {
        let redis =
            Redis::start_with(&["--rename-command", "EVAL", "", "--rename-command", "EVALSHA", ""]);
        let relay = Relay::of_few_words(redis.container.address(6379));
        let credentials = json!({"host": relay.host(), "port": relay.port()});
        let services = format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", credentials)]));
        let with = |options: &str| {
            let options = format!("BPL_PHP_SESSION_OPTIONS={options}");
            let direct = "BPL_PHP_SESSION_PROXY=off";
            ["--env", &services, "--env", &options, "--env", direct].map(str::to_owned)
        };
        let check =
            |options: &str| support_check(app, &with(options).each_ref().map(String::as_str));
        let checked = check("locking=on");
        assert_cause(&checked, "unknown-command");
        assert!(checked.1["causes"][0]["what"].as_str().unwrap().contains("EVAL"), "{checked:?}");
        assert_verdict(&check("locking=off"), "kept");
        let start =
            |options: &str| app.run(&with(options).each_ref().map(String::as_str), &["true"]);
        let (started, said) = start("locking=on");
        assert!(!started, "{said}");
        assert_contains!(said, "does not know EVAL");
        let (started, said) = start("locking=off");
        assert!(started, "{said}");
        assert_not_contains!(said, "warning");
    });
}

/// A PHP that has lost its TLS since the build; the launch, which has a TLS of its own, can only warn.
#[test]
fn a_php_without_tls() {
    let build = Layout::Paketo.build(&root().join("samples/counter"), Store::Redis, &[]);
    let app = build.app();
    let server = TlsServer::start("no", &[]);
    let services = vcap(&[("redis-sessions", server.credentials())]);
    let bound = format!("VCAP_SERVICES={services}");
    let direct = ["--env", &bound, "--env", "BPL_PHP_SESSION_PROXY=off"];
    assert_verdict(&support_check(app, &direct), "kept");
    let find = ["--", "sh", "-c", "echo; find /layers -name openssl.so"];
    let (_, found) = app.run(&direct, &find);
    let openssl = found.lines().find(|line| line.starts_with("/layers")).expect(&found);
    let gone = format!("--volume=/dev/null:{openssl}:ro");
    assert_cause(&support_check(app, &[&direct[..], &[&gone]].concat()), "php-without-tls");
}

fn tls_causes(suite: Suite) {
    with_app(suite, Store::Redis, |app| {
        let check = |credentials: Value| check_service(app, "redis-sessions", &credentials);
        let server = TlsServer::start("no", &["redis.example"]);
        let mut credentials = server.credentials();
        let other_name = check(credentials.clone());
        assert_cause(&other_name, "tls-other-name");
        assert_says(&other_name, "it is for redis.example, not for");
        credentials.as_object_mut().unwrap().remove("cacrt");
        assert_cause(&check(credentials.clone()), "tls-not-trusted");
        let mut wrong = server.credentials();
        wrong["cacrt"] = json!(Authority::new().certificate);
        let wrong = check(wrong);
        assert_cause(&wrong, "tls-not-trusted");
        assert_says(&wrong, "no CA that we trust signed it");
        credentials["tls"] = json!(false);
        credentials["port"] = json!(6380);
        assert_cause(&check(credentials), "tls-expected");
        let strict = TlsServer::start("yes", &[]);
        assert_cause(&check(strict.credentials()), "tls-client-certificate");
    });
}

/// The likeliest cause has these words.
fn assert_says(checked: &Checked, words: &str) {
    let what = checked.1["causes"][0]["what"].as_str().unwrap();
    assert!(what.contains(words), "{words:?} is not in {what}");
}

on_both! {
    a_proxy_that_closes_the_connection_at_a_command;
    a_proxy_that_says_unknown;
    causes_with_redis: redis_causes;
    causes_with_tls: tls_causes;
    causes_with_memcached: memcached::causes;
}
