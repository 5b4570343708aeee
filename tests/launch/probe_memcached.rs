//! What the launch says of a real Memcached that keeps no session for it, on both ways from PHP.

use crate::harness::{Harness, PROXY_SOCKET};
use crate::memcached_process::Memcached;
use crate::redis_process::{Redis, free_port};
use crate::servers::serve;
use nix::sys::signal::Signal;
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const PASSWORD: &str = "s&cret w0rd";

fn harness() -> Harness {
    Harness::new(Store::Memcached, "3.3.0")
}

fn at(port: u16, password: Option<&str>) -> Value {
    let server = format!("127.0.0.1:{port}");
    match password {
        Some(password) => json!({"servers": server, "username": "shop", "password": password}),
        None => json!({"servers": server}),
    }
}

fn assert_refused(credentials: &Value, proxy: &str, expected: &str) {
    let (_, said) = harness().asked(credentials, proxy);
    assert!(said.starts_with("No session can be kept"), "{proxy}: {said}");
    assert!(said.contains(expected), "{proxy}: {expected:?} is not in\n{said}");
}

/// A port of the server behind which a reply takes a millisecond longer.
fn far(server: u16) -> u16 {
    serve(move |mut client| {
        let mut server = TcpStream::connect(("127.0.0.1", server)).expect("the server");
        let (mut from, mut to) =
            (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            to.shutdown(Shutdown::Write)
        });
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = server.read(&mut buffer) {
            thread::sleep(Duration::from_millis(1));
            if client.write_all(&buffer[..read]).is_err() {
                return;
            }
        }
    })
}

/// One that is near seems far to a busy machine: the integration test `distance` asks it where nothing else runs.
#[test]
fn auto_takes_the_proxy_for_a_server_that_is_far() {
    let server = Memcached::start(&[]);
    let credentials = at(far(server.port), None);
    let (path, said) = harness().asked(&credentials, "auto");
    assert!(path.is_some_and(|path| path.contains(PROXY_SOCKET)), "{said}");
    assert!(said.contains("through the session proxy (a reply takes "), "{said}");
    assert!(!said.contains("warning"), "{said}");
    let mut persistent = credentials.clone();
    persistent["persistent"] = json!("on");
    let sets = Some("memcached.sess_binary_protocol (.user.ini)".to_owned());
    let of_app = harness().recorded(|record| record.own_setting = sets);
    for (harness, credentials, way, reason) in [
        (harness(), credentials.clone(), "off", ""),
        (harness(), persistent, "auto", "through PHP's own handler (persistent is set)"),
        (of_app, credentials, "auto", "the app sets memcached.sess_binary_protocol (.user.ini)"),
    ] {
        let (path, said) = harness.asked(&credentials, way);
        assert!(path.is_some_and(|path| !path.contains(PROXY_SOCKET)), "{way}: {said}");
        assert!(said.contains(reason), "{way}: {said}");
        assert!(!said.contains("through the session proxy"), "{way}: {said}");
    }
}

#[test]
fn a_server_that_will_never_keep_a_session_stops_the_start() {
    let (closed, open) = (Memcached::with_sasl(PASSWORD), Memcached::start(&[]));
    let redis = Redis::start(&["--requirepass", "another"]);
    for proxy in ["off", "on"] {
        assert_refused(&at(closed.port, Some("wrong")), proxy, "password or the user is wrong");
        assert_refused(&at(open.port, Some(PASSWORD)), proxy, "supports no logins");
        assert_refused(&at(redis.port, None), proxy, "not Memcached");
    }
    assert_refused(&at(closed.port, None), "off", "requires a password");
    // One of several is enough.
    let several = format!("127.0.0.1:{},127.0.0.1:{}", open.port, closed.port);
    assert_refused(&json!({"servers": several}), "off", "requires a password");
    let text_only = Memcached::start(&["-B", "ascii"]);
    assert_refused(&at(text_only.port, Some(PASSWORD)), "off", "speaks only the text protocol");
    for (port, password) in
        [(closed.port, Some(PASSWORD)), (open.port, None), (text_only.port, None)]
    {
        let (_, said) = harness().asked(&at(port, password), "off");
        assert!(said.starts_with("sessions in memcached"), "{said}");
        assert!(!said.contains("session can be kept"), "{said}");
    }
}

#[test]
fn what_may_pass_and_what_was_told_to_be_no_more_than_a_warning_starts() {
    for proxy in ["off", "on"] {
        let (_, said) = harness().asked(&at(free_port(), None), proxy);
        assert!(said.contains("warning: for now"), "{proxy}: {said}");
    }
    let closed = Memcached::with_sasl(PASSWORD);
    let service =
        json!({"x": [{"name": "memcached-sessions", "credentials": at(closed.port, None)}]});
    let warning =
        [("VCAP_SERVICES", service.to_string()), ("BPL_PHP_SESSION_PROBE", "warn".into())];
    let warning = warning.each_ref().map(|(name, value)| (*name, value.as_str()));
    let said = harness().said_with(&warning);
    assert!(said.contains("warning: no session can be kept"), "{said}");
    assert!(said.contains("requires a password"), "{said}");
}

/// What an app's setting does through the proxy is said as it is.
#[test]
fn a_setting_that_the_proxy_cannot_follow_is_named() {
    let server = Memcached::start(&[]);
    for (setting, words) in [
        ("memcached.sess_prefix (lock_helper.php)", "remove it, or sessions may be lost"),
        ("memcached.sess_lock_retries (a.php)", "as long as lock_timeout in"),
    ] {
        let harness = harness().recorded(|record| record.own_setting = Some(setting.to_owned()));
        let (_, said) = harness.asked(&at(server.port, None), "on");
        let expected = format!("the app sets {setting}, which the session proxy cannot follow: ");
        assert!(said.contains(&expected), "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_server_that_hangs_costs_the_start_three_seconds() {
    let server = Memcached::start(&[]);
    server.signal(Signal::SIGSTOP);
    for proxy in ["off", "on"] {
        let begun = Instant::now();
        let (_, said) = harness().asked(&at(server.port, None), proxy);
        assert!(said.contains("warning: for now"), "{proxy}: {said}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{proxy}: {:?}", begun.elapsed());
    }
    server.signal(Signal::SIGCONT);
}

/// The same words as without the proxy, although the proxy's own question gets no answer.
#[test]
fn a_login_that_is_missing_is_said_through_the_proxy_too() {
    let closed = Memcached::with_sasl(PASSWORD);
    assert_refused(&at(closed.port, None), "on", "requires a password");
}

#[test]
fn a_server_that_keeps_small_items_is_named() {
    let (small, usual) = (Memcached::start(&["-I", "512k"]), Memcached::start(&[]));
    let words = "at most 524288 bytes (item_size_max)";
    for proxy in ["off", "on"] {
        let said = |port| harness().asked(&at(port, None), proxy).1;
        assert!(said(small.port).contains(words), "{proxy}: {}", said(small.port));
        assert!(!said(usual.port).contains("item_size_max"), "{proxy}: {}", said(usual.port));
    }
}
