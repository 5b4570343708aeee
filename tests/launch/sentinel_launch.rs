//! What the launch makes of credentials with Sentinels, and what it says if they name no primary.

use crate::fake_server::plain;
use crate::harness::{Harness, PROXY_SOCKET};
use crate::proxy_harness::{Proxy, wait_until};
use crate::proxy_site::{PASSWORD, Php, credentials_of};
use crate::redis_process::{Redis, free_port, run};
use crate::sentinel_site::{MASTER, Sentinel, Watched};
use nix::sys::signal::Signal;
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::time::{Duration, Instant};
use store_client::{Address, Auth, Secret, Target, Tls};

fn harness() -> Harness {
    Harness::new(Store::Redis, "6.2.0")
}

/// The save path, if there is one, and what the launch says, where it may choose the way.
fn asked(credentials: &Value) -> (Option<String>, String) {
    harness().asked(credentials, "auto")
}

fn is_proxy(path: Option<&String>) -> bool {
    path.is_some_and(|path| path.starts_with(&format!("unix://{PROXY_SOCKET}")))
}

#[test]
fn each_form_of_credentials_leads_to_its_sentinels() {
    let own = || Some(Auth::new(Some("s".to_owned()), Secret::new("sp")));
    for (credentials, master, nodes, auth) in [
        // Spring.
        (
            json!({"sentinel.master": "m", "sentinel.nodes": "a:1,b", "password": "p"}),
            "m",
            "a:1 b:26379",
            None,
        ),
        (
            json!({"sentinel": {"master": "m", "nodes": ["a:1"], "username": "s", "password": "sp"}}),
            "m",
            "a:1",
            own(),
        ),
        // a9s without the host that follows a failover.
        (
            json!({"hosts": ["e-0", "e-1"], "redis": {"password": "p", "port": 6379},
                "sentinel": {"master_name": "m", "username": "s", "password": "sp", "port": 5000}}),
            "m",
            "e-0:5000 e-1:5000",
            own(),
        ),
        (
            json!({"hosts": ["e-0"], "sentinel_master_name": "m", "sentinel_port": 5000}),
            "m",
            "e-0:5000",
            None,
        ),
        // Beside a host, Sentinels of their own are meant.
        (json!({"host": "h", "sentinel.master": "m", "sentinel.nodes": "a"}), "m", "a:26379", None),
        (json!({"sentinels": "a,b"}), "mymaster", "a:26379 b:26379", None),
    ] {
        let Target::Sentinel { sentinel, tls } = credentials_of(&credentials).target else {
            panic!("{credentials}")
        };
        let found: Vec<String> = sentinel.nodes.iter().map(Address::to_string).collect();
        assert_eq!((sentinel.master.as_str(), found.join(" ").as_str()), (master, nodes));
        assert_eq!((sentinel.auth, sentinel.tls, tls), (auth, None, None), "{credentials}");
    }
}

#[test]
fn sentinels_have_the_tls_of_the_server_unless_they_have_their_own() {
    for (more, of_sentinel, of_server) in [
        (json!({"tls": true}), true, true),
        (json!({"tls": true, "sentinel.tls": false}), false, true),
        (json!({"tls": false, "sentinel.tls": true}), true, false),
    ] {
        let mut credentials = json!({"sentinel.master": "m", "sentinel.nodes": "a"});
        credentials.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let Target::Sentinel { sentinel, tls } = credentials_of(&credentials).target else {
            panic!("{credentials}")
        };
        let expected = |wanted: bool| wanted.then(Tls::default);
        assert_eq!((sentinel.tls, tls), (expected(of_sentinel), expected(of_server)), "{more}");
    }
}

#[test]
fn php_reaches_a_primary_through_the_proxy_and_not_by_itself() {
    let site = Watched::start(Some("of-sentinel"));
    let (path, said) = asked(&site.credentials());
    assert!(is_proxy(path.as_ref()), "{said}");
    assert!(said.contains(&format!("Sentinel {MASTER} at 127.0.0.1:")), "{said}");
    assert!(!said.contains("warning"), "{said}");
    let (_, said) = harness().asked(&site.credentials(), "off");
    assert!(said.contains("needs Sentinel"), "{said}");
    assert!(said.contains("BPL_PHP_SESSION_PROXY=auto"), "{said}");
    let mut wrong = site.credentials();
    wrong["sentinel.master"] = json!("other");
    let (_, said) = asked(&wrong);
    assert!(said.starts_with("No session can be kept"), "{said}");
    for sentinel in &site.sentinels {
        let line = format!("127.0.0.1:{} knows no primary of this name", sentinel.port);
        assert!(said.contains(&line), "{said}");
    }
    let mut wrong = site.credentials();
    wrong["sentinel.password"] = json!("hunter3");
    let (_, said) = asked(&wrong);
    assert!(said.starts_with("No session can be kept"), "{said}");
    assert!(said.contains("WRONGPASS"), "{said}");
    assert!(!said.contains("hunter3"), "{said}");
}

#[test]
fn where_no_sentinel_answers_each_is_named_with_what_it_said() {
    let (refused, other) = (free_port(), plain(|_| Some("-ERR unknown command\r\n")));
    let nodes = format!("127.0.0.1:{refused},127.0.0.1:{other}");
    let (path, said) = asked(&json!({"sentinel.master": "m", "sentinel.nodes": nodes}));
    // It may pass.
    assert!(is_proxy(path.as_ref()), "{said}");
    assert!(said.contains(&format!("127.0.0.1:{refused}: nothing listens there")), "{said}");
    assert!(said.contains(&format!("127.0.0.1:{other} says ERR unknown command")), "{said}");
}

/// The usual port, at an address of this process alone.
fn own_host() -> String {
    let number = std::process::id();
    format!("127.{}.{}.9", 1 + number / 250 % 250, 1 + number % 250)
}

#[test]
fn a_host_of_all_nodes_is_told_by_its_role_and_the_sentinel_beside_it() {
    let host = own_host();
    let bind = ["--bind", "127.0.0.1", &host];
    let site = Watched::with(None, &bind, "");
    let primary = site.servers[site.primary()].port;
    let _beside = Sentinel::start_at(
        &host,
        26379,
        primary,
        2,
        &format!("sentinel monitor mymaster 127.0.0.1 {primary} 2\n"),
    );
    for server in &site.servers {
        let bound = json!({"host": host, "port": server.port, "password": PASSWORD});
        wait_until("the Sentinel beside it", || {
            asked(&bound).1.contains(&format!("Sentinel mymaster at {host}:26379"))
        });
        assert!(is_proxy(asked(&bound).0.as_ref()));
        // Who is not to be asked is taken at his word.
        let path = harness().vcap("x", &bound).unwrap();
        assert!(path["PHP_SESSION_SAVE_PATH"].starts_with("tcp://"));
    }
    // A single server beside a Sentinel is what it says.
    let single = Redis::start(&["--requirepass", PASSWORD, "--bind", "127.0.0.1", &host]);
    let (_, said) = asked(&json!({"host": host, "port": single.port, "password": PASSWORD}));
    assert!(said.contains(&format!("at tcp://{host}:{}", single.port)), "{said}");
}

#[test]
fn a_primary_with_replicas_and_without_a_sentinel_starts_as_fast_as_ever() {
    let primary = Redis::start(&[]);
    let of = primary.port.to_string();
    let _replica = Redis::start(&["--replicaof", "127.0.0.1", &of]);
    let begun = Instant::now();
    let (_, said) = asked(&json!({"host": "127.0.0.1", "port": primary.port}));
    assert!(said.contains(&format!("at tcp://127.0.0.1:{}", primary.port)), "{said}");
    // Not as long as a request waits for Sentinels.
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn replicas_to_wait_for_have_to_be_there() {
    let site = Watched::start(None);
    for (count, is_enough) in [(2, true), (3, false)] {
        let mut credentials = site.credentials();
        credentials["wait_replicas"] = json!(count);
        let (path, said) = asked(&credentials);
        assert!(is_proxy(path.as_ref()), "{said}");
        assert_eq!(said.contains("2 of 3 replicas acknowledge"), !is_enough, "{said}");
    }
}

#[test]
fn sentinels_that_take_longer_than_requests_wait_are_said() {
    let site =
        Watched::with(None, &[], &format!("sentinel down-after-milliseconds {MASTER} 60000\n"));
    let (path, said) = asked(&site.credentials());
    assert!(is_proxy(path.as_ref()), "{said}");
    assert!(said.contains("Sentinel replaces a primary only after 60 s"), "{said}");
    assert!(said.contains("failover_timeout=65"), "{said}");
    let mut credentials = site.credentials();
    credentials["failover_timeout"] = json!("65");
    let (_, said) = asked(&credentials);
    assert!(!said.contains("warning"), "{said}");
}

#[test]
fn the_proxys_processes_say_which_primary_they_use() {
    let (site, proxy) = (Watched::start(None), Proxy::new());
    proxy.bind(&site.credentials());
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    proxy.supervise(File::create(&log).unwrap());
    let mut php = Php::new(proxy.connect().unwrap(), 1);
    assert_eq!(php.count("a"), 1);
    let old = site.primary();
    site.signal(old, Signal::SIGKILL);
    assert_eq!(php.count("a"), 2);
    let status: Value = serde_json::from_str(&php.say(&["SESSIONPROXY.STATUS"])).unwrap();
    let now = format!("127.0.0.1:{}", site.servers[site.primary()].port);
    assert_eq!(status["primary"], json!(now), "{status}");
    assert!(status["service"].as_str().unwrap().starts_with(&format!("Sentinel {MASTER} at ")));
    // The log comes after the answer.
    let line = format!("; primary now {now}");
    wait_until(&line, || fs::read_to_string(&log).unwrap().contains(&line));
}

/// Exactly those that docs/proxy.md names.
#[test]
fn the_documented_rights_are_enough_at_servers_and_sentinels() {
    let more = "user least on >least -@all +sentinel|get-master-addr-by-name\n\
                user usual on >usual -@all +sentinel|get-master-addr-by-name +sentinel|master\n";
    let site = Watched::with(None, &[], more);
    let rights = php_session_store::php::redis_commands::rights("PHPREDIS_SESSION:");
    let mut admin = site.servers[site.primary()].admin(PASSWORD);
    for (user, more, is_enough) in
        [("least", "+role", true), ("usual", "+role", true), ("usual", "-role", false)]
    {
        let login = format!(">{user}");
        let rule = ["ACL", "SETUSER", "shop", "reset", "on", &login];
        let rule = [&rule[..], &rights.split(' ').collect::<Vec<_>>(), &[more]].concat();
        run(&mut admin, &rule);
        let mut credentials = site.credentials();
        for (name, value) in [
            ("username", "shop"),
            ("password", user),
            ("sentinel.username", user),
            ("sentinel.password", user),
        ] {
            credentials[name] = json!(value);
        }
        let (_, said) = asked(&credentials);
        assert_eq!(!said.starts_with("No session can be kept"), is_enough, "{said}");
        assert_eq!(!said.contains("role"), is_enough, "{said}");
    }
}
