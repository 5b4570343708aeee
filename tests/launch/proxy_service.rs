//! The session proxy's processes before a real Redis that restarts, changes its password, moves, or allows little.

use crate::proxy_harness::{Proxy, scrape, wait_until};
use crate::proxy_site::{PASSWORD, Php};
use crate::redis_process::{Redis, free_port, run};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::PathBuf;
use std::thread::{self, sleep};
use std::time::Duration;
use tempfile::TempDir;

/// A Redis, the proxy's processes before it, and their log.
struct Site {
    redis: Redis,
    proxy: Proxy,
    folder: TempDir,
}

impl Site {
    /// A server with these options, and a proxy with these variables.
    fn start(options: &[&str], environment: &[(&'static str, String)]) -> Self {
        let redis = Redis::start(&[&["--requirepass", PASSWORD], options].concat());
        let credentials = login(&redis, PASSWORD);
        Self::before(redis, &credentials, environment)
    }

    fn before(redis: Redis, bound: &Value, environment: &[(&'static str, String)]) -> Self {
        let mut proxy = Proxy::new();
        proxy.bind(bound);
        proxy.environment.extend_from_slice(environment);
        let folder = tempfile::tempdir().unwrap();
        let site = Self { redis, proxy, folder };
        site.proxy.supervise(File::create(site.log_file()).unwrap());
        site
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap()
    }

    fn php(&self, number: u32) -> Php {
        Php::new(self.proxy.connect().expect("a proxy"), number)
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.php(0).say(&["SESSIONPROXY.STATUS"])).unwrap()
    }
}

fn login(redis: &Redis, password: &str) -> Value {
    json!({"host": "127.0.0.1", "port": redis.port, "password": password})
}

#[test]
fn a_server_that_restarts_fails_no_request() {
    let mut site = Site::start(&[], &[]);
    let mut php = site.php(1);
    assert_eq!(php.count("a"), 1);
    assert_eq!(php.lock("a"), "+OK");
    assert_eq!(php.read("a"), "1");
    // The server, and its lock, go while the page works, for long enough that the page's end meets it.
    site.redis.stop();
    thread::scope(|scope| {
        let page = scope.spawn(|| (php.has_lock("a"), php.write("a", "2")));
        sleep(Duration::from_secs(1));
        site.redis.start_again();
        assert_eq!(page.join().unwrap(), (true, "+OK".to_owned()));
    });
    wait_until("the line", || site.log().contains("the service is responding again"));
    assert!(!site.log().contains(PASSWORD), "{}", site.log());
}

#[test]
fn another_password_and_another_server_need_no_restart() {
    const NEW: &str = "the-new-one";
    let site = Site::start(&[], &[]);
    let mut php = site.php(1);
    assert_eq!(php.count("a"), 1);
    site.proxy.bind(&login(&site.redis, NEW));
    run(&mut site.redis.admin(PASSWORD), &["CONFIG", "SET", "requirepass", NEW]);
    run(&mut site.redis.admin(NEW), &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    assert_eq!(php.count("a"), 2);
    // Another server, without any refusal.
    let other = Redis::start(&["--requirepass", NEW]);
    site.proxy.bind(&login(&other, NEW));
    wait_until("the other server", || {
        php.count("a");
        other.sessions(NEW) > 0
    });
    for password in [PASSWORD, NEW] {
        assert!(!site.log().contains(password), "{}", site.log());
    }
}

/// More PHP processes than the server takes connections.
#[test]
fn a_server_with_few_connections_is_enough() {
    let few = ("BPL_PHP_SESSION_PROXY_CONNECTIONS", "2".to_owned());
    let site = Site::start(&["--maxclients", "5"], &[few]);
    thread::scope(|scope| {
        for number in 1..=12 {
            let mut php = site.php(number);
            scope.spawn(move || {
                for count in 1..=20 {
                    assert_eq!(php.count(&number.to_string()), count);
                }
            });
        }
    });
    let status = site.status();
    assert!(status["connections"].as_u64() <= Some(2), "{status}");
}

/// A user with the rights that docs/operations.md names, and whatever a part of the proxy sends.
#[test]
fn the_documented_rights_are_enough_for_all_that_the_proxy_sends() {
    let redis = Redis::start(&["--requirepass", PASSWORD]);
    let mut admin = redis.admin(PASSWORD);
    let rights = php_session_store::php::redis_commands::rights("PHPREDIS_SESSION:");
    let user = ["ACL", "SETUSER", "shop", "on", ">of-the-shop"];
    run(&mut admin, &[&user[..], &rights.split(' ').collect::<Vec<_>>()].concat());
    let mut shop = login(&redis, "of-the-shop");
    shop["username"] = json!("shop");
    let port = free_port();
    let metrics = ("BPL_PHP_SESSION_METRICS", format!("127.0.0.1:{port}"));
    let site = Site::before(redis, &shop, &[metrics]);
    let mut php = site.php(1);
    assert_eq!([php.count("a"), php.count("a"), php.count("a")], [1, 2, 3]);
    assert_eq!(php.exists("a"), ":1");
    let before = site.status();
    assert_eq!(before["role"], "master", "{before}");
    for _ in 0..3 {
        let text = scrape(port).expect("metrics");
        assert!(text.contains(r#"role="master""#), "{text}");
    }
    // To look at it is not to use it.
    let after = site.status();
    for counted in ["round_trips", "failures", "retries", "opened"] {
        assert_eq!(after[counted], before[counted], "{counted}: {before} {after}");
    }
    let refused: Vec<redis::Value> = redis::cmd("ACL").arg("LOG").query(&mut admin).unwrap();
    assert!(refused.is_empty(), "{refused:?}");
    assert!(!site.log().contains("refuses"), "{}", site.log());
}
