//! Memcached sessions, end to end.

use crate::support::app::{App, build, build_fails, config};
use crate::support::certificates::Authority;
use crate::support::docker::Container;
use crate::support::http_client::{HttpClient, assert_sessions_are_shared};
use crate::support::relay::Relay;
use crate::support::secrets::{MARKER, ODD_PASSWORD};
use crate::support::services::{BoundService, IMAGE, Memcached, vcap};
use crate::support::sharding::twemproxy_of_memcached;
use crate::support::{BOOKWORM, Suite, TRIXIE, on_both};
use libcnb_test::{assert_contains, assert_not_contains};
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn services(credentials: Value) -> String {
    vcap(&[("my-memcached-sessions", credentials)])
}

/// Builds an app for Memcached and goes on with it.
fn with_app(suite: Suite, test: impl FnOnce(&App)) {
    with_app_on(suite, "full", test);
}

fn with_app_on(suite: Suite, variant: &str, test: impl FnOnce(&App)) {
    let mut config = config(suite, variant);
    build(config.env("BP_PHP_SESSION_STORE", "memcached"), |app| {
        let version = suite.extension(Store::Memcached);
        assert_contains!(app.log, &format!("Using php-memcached {version}"));
        test(app);
    });
}

fn sessions_with_and_without_a_login(suite: Suite) {
    with_app(suite, |app| {
        let open = Memcached::start();
        let environment = services(json!({"servers": open.server()}));
        assert_sessions_are_shared(app, &["--env", &format!("VCAP_SERVICES={environment}")]);
        assert_eq!(open.items(), 1);

        let closed = BoundService::start(Store::Memcached, ODD_PASSWORD);
        assert_sessions_are_shared(app, &["--env", &closed.env()]);
    });
}

/// Without the session proxy, whose open connection would go on. The image brings libsasl2's plugins.
fn a_wrong_password_fails_at_once_and_says_so(suite: Suite) {
    with_app_on(suite, "mechanisms", |app| {
        let service = BoundService::start(Store::Memcached, ODD_PASSWORD);
        let direct = "BPL_PHP_SESSION_PROXY=off";
        let instance = app.start(&["--env", &service.env(), "--env", direct]);
        let mut visitor = HttpClient::new();
        visitor.count(instance.address());
        let password = format!("another {ODD_PASSWORD}");
        service.set_password(&password);
        let start = Instant::now();
        let answer = visitor.get(instance.address(), "/");
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        let log = instance.container.logs();
        assert!(log.contains("AUTHENTICATION FAILURE"), "{answer:?} {log}");
        assert_not_contains!(log, "libsasl2");
        // The same line for each try for the lock would fill the log.
        assert!(log.matches("Failed to write session lock").count() < 5, "{log}");

        // A restart with the new password needs no new image.
        let bound = service.env_with(&password);
        let renewed = app.start(&["--env", &bound]);
        assert_eq!(visitor.count(renewed.address()), 2);
    });
}

fn two_servers_are_both_used(suite: Suite) {
    with_app(suite, |app| {
        // The container of the other one, and its address, outlive it.
        let a = Memcached::start();
        let b = Memcached::start_with("memcached -u memcache; sleep 600");
        let servers = format!("{}, {}", a.server(), b.server());
        let environment = services(json!({ "servers": servers }));
        let bound = format!("VCAP_SERVICES={environment}");
        let instance = app.start(&["--env", &bound, "--env", "BPL_PHP_SESSION_PROXY=off"]);
        let mut visitors: Vec<HttpClient> = (0..30).map(|_| HttpClient::new()).collect();
        for visitor in &mut visitors {
            assert_eq!(visitor.count(instance.address()), 1);
            assert_eq!(visitor.count(instance.address()), 2);
        }
        assert_eq!(a.items() + b.items(), 30);
        // The session proxy finds them where PHP's own handler has put them, and the other way round.
        let behind_proxy = app.start(&["--env", &bound, "--env", "BPL_PHP_SESSION_PROXY=on"]);
        for visitor in &mut visitors {
            assert_eq!(visitor.count(behind_proxy.address()), 3);
            assert_eq!(visitor.count(instance.address()), 4);
        }
        assert_eq!(a.items() + b.items(), 30);
        assert!(a.items() > 0, "{} {}", a.items(), b.items());
        assert!(b.items() > 0, "{} {}", a.items(), b.items());

        // A session and its lock lie on either: about a quarter has both on the one that is left.
        b.container.exec_as_root(&["pkill", "-KILL", "-x", "memcached"]);
        let kept = |visitor: &mut HttpClient| {
            let answer = visitor.get(instance.address(), "/");
            answer.status == 200 && answer.body.starts_with("5,")
        };
        let kept = visitors.iter_mut().map(kept).filter(|kept| *kept).count();
        assert!((1..=20).contains(&kept), "{kept} of 30");
    });
}

/// PHP's own handler and the session proxy find each other's sessions behind a proxy that spreads keys.
#[test]
fn twemproxy_keeps_sessions_on_both_ways() {
    with_app(BOOKWORM, |app| {
        let twemproxy = twemproxy_of_memcached();
        let environment = services(json!({"servers": twemproxy.ip()}));
        let bound = format!("VCAP_SERVICES={environment}");
        let [direct, proxy] = ["off", "on"].map(|way| {
            app.start(&["--env", &bound, "--env", &format!("BPL_PHP_SESSION_PROXY={way}")])
        });
        let began = Instant::now();
        for _ in 0..10 {
            let mut visitor = HttpClient::new();
            for (count, instance) in (1..).zip([&proxy, &direct, &proxy, &proxy, &direct, &direct])
            {
                assert_eq!(visitor.count(instance.address()), count);
            }
        }
        // Nothing is refused and sent again, and no lock is left.
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    });
}

/// PHP's command line keeps no connection: libmemcached aborts a process whose parent has used it. And it gets no session
/// proxy, although the server is far: that would be another child to wait for.
fn a_task_that_forks_loses_nothing(suite: Suite) {
    with_app(suite, |app| {
        let memcached = Memcached::start();
        let relay = Relay::start(memcached.container.address(11211), Duration::from_millis(1));
        let server = format!("{}:{}", relay.host(), relay.port());
        let bound = format!("VCAP_SERVICES={}", services(json!({"servers": server})));
        let task = "function count_up() { session_id('abc'); session_start(); \
            $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; session_write_close(); return $_SESSION['n']; } \
            count_up(); \
            for ($child = 0; $child < 3; $child++) if (pcntl_fork() === 0) { \
            for ($i = 0; $i < 5; $i++) count_up(); exit(0); } \
            while (pcntl_wait($status) > 0) if ($status !== 0) exit('a child failed'); \
            exit('counted ' . count_up());";
        let (succeeded, output) = app.run(&["--env", &bound], &["--", "php", "-r", task]);
        assert!(succeeded, "{output}");
        assert_contains!(output, "counted 17");
    });
}

/// PHP warns, and the log says it once; what was there before stays.
fn a_session_above_the_servers_size_is_said_and_keeps_what_was_there(suite: Suite) {
    with_app(suite, |app| {
        let memcached = Memcached::start();
        let bound = format!("VCAP_SERVICES={}", services(json!({"servers": memcached.server()})));
        let task = "function store($data) { session_id('abc'); session_start(); \
            $before = $_SESSION['data'] ?? ''; $_SESSION['data'] = $data; session_write_close(); return $before; } \
            store('small'); store(str_repeat('x', 1 << 20)); store(str_repeat('y', 1 << 20)); \
            exit('before: ' . store('last'));";
        // Output would be in the way of the next session.
        let settings = ["-d", "display_errors=stderr", "-d", "log_errors=0"];
        let php = [&["--", "php"], &settings[..], &["-r", task]].concat();
        let on = "BPL_PHP_SESSION_PROXY=on";
        let (_, output) = app.run(&["--env", &bound, "--env", on], &php);
        assert_contains!(output, "before: small");
        assert_eq!(output.matches("Failed to write session data").count(), 2, "{output}");
        let said = "was not written: the server keeps no item of this size (item_size_max)";
        assert_eq!(output.matches(said).count(), 1, "{output}");
    });
}

/// Which PHP's own handler cannot reach: the session proxy connects.
fn a_server_with_tls_keeps_sessions(suite: Suite) {
    with_app(suite, |app| {
        let authority = Authority::new();
        let script = format!(
            "{}; exec memcached -u memcache -Z -o ssl_chain_cert=/tls/cert.pem,ssl_key=/tls/key.pem",
            Authority::wait_command()
        );
        let tls = format!("{}:/tls:ro", authority.folder().display());
        let container = Container::start(&["--volume", &tls], IMAGE, &["sh", "-c", &script]);
        authority.give_identity(&[&container.ip()]);
        container.wait_for_port(11211);
        let credentials =
            json!({"host": container.ip(), "ssl": true, "ca.crt": authority.certificate});
        let bound = format!("VCAP_SERVICES={}", services(credentials));
        assert_sessions_are_shared(app, &["--env", &bound]);
        let (kept, said) = app.check(&["--env", &bound]);
        assert!(kept, "{said}");
        // Nobody is believed whose authority is another one.
        let stranger =
            json!({"host": container.ip(), "ssl": true, "ca.crt": Authority::new().certificate});
        let (kept, said) = app.check(&["--env", &format!("VCAP_SERVICES={}", services(stranger))]);
        assert!(!kept, "{said}");
    });
}

/// What the server shows of the options: its keys, and when they expire.
#[test]
fn the_options_reach_the_server() {
    with_app(TRIXIE, |app| {
        let memcached = Memcached::start();
        let environment = services(json!({"servers": memcached.server()}));
        let bound = format!("VCAP_SERVICES={environment}");
        let options = "BPL_PHP_SESSION_OPTIONS=prefix=shop.&lock_expire=5";
        let killed = "session_id('abc'); session_start(); $_SESSION['a'] = 1; session_write_close(); \
            session_start(); exec('kill -9 ' . getmypid()); sleep(5);";
        let task = ["--", "sh", "-c", "php -r \"$0\"; echo status $?", killed];
        let (off, options) = ("BPL_PHP_SESSION_PROXY=off", ["--env", &bound, "--env", options]);
        let (_, output) = app.run(&[&options[..], &["--env", off]].concat(), &task);
        assert_contains!(output, "status 137");
        let expirations = memcached.expirations();
        let keys: Vec<&String> = expirations.keys().collect();
        assert_eq!(keys, ["shop.abc", "shop.lock.abc"], "{output}");
        assert!((1..=5).contains(&expirations["shop.lock.abc"]), "{expirations:?}");
    });
}

/// An app is built for one store; the launch does not take the other one in its place.
#[test]
fn a_service_of_the_other_store_stops_the_start_and_both_stop_the_build() {
    let redis = vcap(&[("my-redis-sessions", json!({"host": "h", "password": MARKER}))]);
    with_app(BOOKWORM, |app| {
        let (started, log) = app.run(&["--env", &format!("VCAP_SERVICES={redis}")], &["true"]);
        assert!(!started, "{log}");
        let expected =
            "built for sessions in memcached, but the service bound now is a redis service";
        assert_contains!(log, expected);
        assert_contains!(log, "my-redis-sessions");
        assert_contains!(log, "BP_PHP_SESSION_STORE=redis");
    });
    let both = vcap(&[
        ("my-redis-sessions", json!({"host": "h", "password": MARKER})),
        ("my-memcached-sessions", json!({"servers": "h"})),
    ]);
    let log = build_fails(config(BOOKWORM, "full").env("VCAP_SERVICES", &both));
    for part in ["my-redis-sessions", "my-memcached-sessions", "BP_PHP_SESSION_STORE"] {
        assert!(log.contains(part), "{part}: {log}");
    }
    // The variable decides.
    let mut config = config(BOOKWORM, "full");
    config.env("VCAP_SERVICES", &both).env("BP_PHP_SESSION_STORE", "redis");
    build(&config, |app| {
        assert_contains!(app.log, "Redis: service \"my-redis-sessions\"");
    });
}

on_both! {
    a_session_above_the_servers_size_is_said_and_keeps_what_was_there;
    a_server_with_tls_keeps_sessions;
    a_wrong_password_fails_at_once_and_says_so;
    two_servers_are_both_used;
    a_task_that_forks_loses_nothing;
    sessions_with_and_without_a_login;
}
