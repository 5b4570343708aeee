//! Servers of every kind, by every route: what the launch says, what pages do and what `session-check` finds is the same.

use crate::support::app::{App, Instance, Server, build};
use crate::support::check::{assert_cause, assert_verdict, check};
use crate::support::hammer::hammer;
use crate::support::http_client::HttpClient;
use crate::support::sample::app_with_holding_page;
use crate::support::services::{Redis, run, vcap};
use crate::support::sharding::{envoy, twemproxy};
use crate::support::tls::{PASSWORD, TlsServer};
use crate::support::{BOOKWORM, Suite, TRIXIE};
use php_session_store::php::redis_commands::rights;
use php_session_store::store::Store;
use redis::Connection;
use serde_json::{Value, json};

/// What is right for a server by one route.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Right {
    /// PHP's own handler keeps sessions.
    Direct,
    /// The session proxy keeps them.
    Proxy,
    /// No session will ever be kept: what the launch says, and the kind of cause that the check names.
    Refused(&'static str, &'static str),
    /// None is kept now, which may pass.
    Waits(&'static str, &'static str),
}

/// A row of the table: what is right with `BPL_PHP_SESSION_PROXY` off, on and auto, which is one of the others from the
/// launch on: what it says is which.
pub(crate) struct Row {
    pub(crate) credentials: Value,
    /// `BPL_PHP_SESSION_OPTIONS`
    pub(crate) options: &'static str,
    /// What the launch warns of by each route, if it does.
    pub(crate) warnings: [Option<&'static str>; 3],
    pub(crate) right: [Right; 3],
    /// Whether another program stands before the servers, so that they may well be far.
    pub(crate) is_behind_proxy: bool,
}

/// Starts until a server on this machine seems near, however busy the machine is.
const STARTS: usize = 8;

impl Row {
    /// A server that keeps sessions by both routes; `auto` is the one that the launch chooses.
    pub(crate) fn kept(credentials: Value, auto: Right) -> Self {
        Self {
            credentials,
            options: "",
            warnings: [None; 3],
            right: [Right::Direct, Right::Proxy, auto],
            is_behind_proxy: false,
        }
    }

    /// A server that keeps none by any route.
    pub(crate) fn none(credentials: Value, right: Right) -> Self {
        Self { right: [right; 3], ..Self::kept(credentials, Right::Direct) }
    }

    pub(crate) fn assert(&self, suite: Suite) {
        let mut input = app_with_holding_page(suite, Store::Redis);
        input.file("htdocs/logout.php", "<?php session_start(); session_destroy();");
        input.file(
            "htdocs/strict.php",
            "<?php ini_set('session.use_strict_mode', 1); include 'hold.php';",
        );
        build(&input, |app| self.assert_of(&app.served_by(Server::NginxFpm)));
    }

    fn assert_of(&self, app: &App) {
        let mut instances = Vec::new();
        let routes = ["off", "on", "auto"].into_iter().zip(self.warnings).zip(self.right);
        for ((route, warning), right) in routes {
            let env = [
                format!("VCAP_SERVICES={}", vcap(&[("redis-sessions", self.credentials.clone())])),
                format!("BPL_PHP_SESSION_OPTIONS={}", self.options),
                format!("BPL_PHP_SESSION_PROXY={route}"),
            ];
            let options: Vec<&str> = env.iter().flat_map(|env| ["--env", env.as_str()]).collect();
            let seems_far = |log: &str| log.contains("session proxy (a reply takes ");
            let mut starts = (0..STARTS).map(|_| app.run(&options, &["true"]));
            let is_plausible = |(_, log): &(bool, String)| !seems_far(log) || self.is_behind_proxy;
            let (started, log) =
                starts.find(is_plausible).expect("a server nearby that seems near");
            let what = format!("{route}: {right:?}:\n{log}");
            if let Right::Refused(says, cause) | Right::Waits(says, cause) = right {
                assert_eq!(started, matches!(right, Right::Waits(..)), "{what}");
                assert!(log.contains(says), "{what}");
                if route != "auto" {
                    assert_cause(&check(app, &options), cause);
                    assert_pages_lose(app, &options);
                }
                continue;
            }
            assert!(started, "{what}");
            let through_proxy = log.contains("through the session proxy");
            let is_far = seems_far(&log);
            assert_eq!(through_proxy, is_far || matches!(right, Right::Proxy), "{what}");
            // Then it is as if it were on.
            let warning = if is_far { self.warnings[1] } else { warning };
            match warning {
                Some(warning) => assert!(log.contains(warning), "{what}"),
                None => assert!(!log.contains("warning"), "{what}"),
            }
            if route != "auto" {
                assert_verdict(&check(app, &options), "kept");
                instances.push(app.start(&options));
            }
        }
        assert_sessions_are_the_same(&instances);
        // What the launch warns of happens under load.
        let holds = self.warnings.iter().all(Option::is_none);
        if !instances.is_empty() && holds && !self.options.contains("locking=off") {
            let run = hammer(&instances.iter().collect::<Vec<_>>(), 120, 2);
            assert_eq!(run.counted, run.requests);
        }
    }
}

/// What the launch has said is right.
fn assert_pages_lose(app: &App, options: &[&str]) {
    const IMPATIENT: [&str; 4] =
        ["--env", "BPL_PHP_SESSION_PROBE=off", "--env", "BPL_PHP_SESSION_OPTIONS=lock_timeout=1"];
    let instance = app.start(&[options, &IMPATIENT].concat());
    let mut visitor = HttpClient::new();
    let kept = (1..=3).all(|number| {
        let answer = visitor.get(instance.address(), "/hold.php");
        answer.status == 200 && answer.body.trim() == format!("{number},kept")
    });
    assert!(!kept, "{}", instance.container.logs());
}

/// Whichever instance visitors meet, it knows their sessions, and ends them for all.
fn assert_sessions_are_the_same(instances: &[Instance]) {
    // A proxy may put a session where PHP's own handler finds it, by chance; hardly so for all of them.
    for _ in 0..8 {
        let mut visitor = HttpClient::new();
        let mut number = 0;
        for page in ["/hold.php", "/strict.php"] {
            for instance in instances {
                let answer = visitor.get(instance.address(), page);
                number += 1;
                let expected = format!("{number},kept");
                assert_eq!(answer.body.trim(), expected, "{}", instance.container.logs());
            }
        }
        for instance in instances {
            visitor.get(instance.address(), "/logout.php");
            assert_eq!(visitor.get(instance.address(), "/hold.php").body.trim(), "1,kept");
        }
    }
}

#[test]
fn a_plain_server() {
    let redis = Redis::start(PASSWORD);
    Row::kept(json!({"host": redis.host(), "password": PASSWORD}), Right::Direct).assert(BOOKWORM);
}

#[test]
fn a_server_with_tls() {
    let server = TlsServer::start("no", &[]);
    Row::kept(server.credentials(), Right::Proxy).assert(BOOKWORM);
}

#[test]
fn a_server_that_enforces_slots() {
    let redis = Redis::start_with(&["--cluster-enabled", "yes"]);
    redis.own_all_slots();
    Row::kept(json!({"host": redis.host()}), Right::Direct).assert(BOOKWORM);
}

#[test]
fn a_server_that_enforces_slots_with_tls() {
    let server = TlsServer::start_with_all_slots();
    Row::kept(server.credentials(), Right::Proxy).assert(TRIXIE);
}

#[test]
fn envoy_before_two_servers() {
    let proxy = envoy();
    let row = Row::kept(json!({"host": proxy.ip()}), Right::Direct);
    Row { is_behind_proxy: true, ..row }.assert(TRIXIE);
}

#[test]
fn twemproxy_before_two_servers() {
    let proxy = twemproxy();
    let row = Row::kept(json!({"host": proxy.ip()}), Right::Direct);
    Row { is_behind_proxy: true, ..row }.assert(BOOKWORM);
}

#[test]
fn a_server_without_eval() {
    let redis = Redis::start_with(&["--rename-command", "EVAL", ""]);
    let credentials = json!({"host": redis.host()});
    let refused = Right::Refused("does not know EVAL", "unknown-command");
    Row::none(credentials.clone(), refused).assert(BOOKWORM);
    Row { options: "locking=off", ..Row::kept(credentials, Right::Direct) }.assert(BOOKWORM);
}

#[test]
fn a_user_with_few_rights() {
    let redis = Redis::start_with(&[]);
    assert_rights_matter(&redis, BOOKWORM);
}

/// As few as docs/operations.md asks for, and fewer.
pub(crate) fn assert_rights_matter(redis: &Redis, suite: Suite) {
    let mut admin = redis.connection();
    let grant = |admin: &mut Connection, rights: &str| {
        run(
            admin,
            &[&["ACL", "SETUSER", "shop", "on", ">pw"], &rights.split(' ').collect::<Vec<_>>()[..]]
                .concat(),
        );
    };
    let credentials = json!({"host": redis.host(), "username": "shop", "password": "pw"});
    grant(&mut admin, &rights("PHPREDIS_SESSION:"));
    Row::kept(credentials.clone(), Right::Direct).assert(suite);
    grant(&mut admin, "-setex");
    Row::none(credentials, Right::Refused("+setex", "no-permission")).assert(suite);
}

#[test]
fn a_replica() {
    let redis = Redis::start_with(&["--replicaof", "127.0.0.1 1"]);
    let refused = Right::Refused("read-only replica", "read-only-replica");
    Row::none(json!({"host": redis.host()}), refused).assert(BOOKWORM);
}

#[test]
fn a_server_with_fewer_connections_than_workers() {
    let redis = Redis::start_with(&["--maxclients", "3"]);
    let few = Some("allows 3 connections, and php-fpm has 4 workers");
    let row = Row::kept(json!({"host": redis.host()}), Right::Direct);
    Row { warnings: [few, None, few], ..row }.assert(BOOKWORM);
}

#[test]
fn a_server_without_a_free_connection() {
    let redis = Redis::start_with(&["--maxclients", "1"]);
    assert_no_connection_is_free(&redis, BOOKWORM);
}

pub(crate) fn assert_no_connection_is_free(redis: &Redis, suite: Suite) {
    let _taken = redis.connection();
    let waits = Right::Waits("max number of clients", "too-many-clients");
    Row::none(json!({"host": redis.host()}), waits).assert(suite);
}

#[test]
fn a_server_in_protected_mode() {
    let redis = Redis::start_with(&["--protected-mode", "yes"]);
    assert_protected_mode_is_named(&redis, BOOKWORM);
}

pub(crate) fn assert_protected_mode_is_named(redis: &Redis, suite: Suite) {
    let refused = Right::Refused("protected mode", "protected-mode");
    Row::none(json!({"host": redis.host()}), refused).assert(suite);
}
