//! What the session proxy does with real Memcached servers of every kind.

use crate::memcached_process::Memcached;
use crate::memcached_site::{
    EXISTS, GETKQ, INVALID, NOT_FOUND, NOT_STORED, SUCCESS, Site, TOO_LARGE, UNKNOWN, key, lock,
    request, servers,
};
use crate::proxy_harness::wait_until;
use crate::servers::Authority;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

fn round_trips(site: &Site) -> u64 {
    site.status()["round_trips"].as_u64().unwrap()
}

/// What all of PHP's requests come to, with the number of round trips to the server.
#[test]
fn a_page_takes_two_round_trips_and_keeps_what_phps_handler_keeps() {
    let server = Memcached::start(&[]);
    let site = Site::before(&[server.port]);
    let mut php = site.php();
    // Of the first page, while it is not known what the server is.
    assert_eq!(php.count("a"), 1);
    let before = round_trips(&site);
    // A new visitor, whose id is reserved.
    assert_eq!(php.create("b"), SUCCESS);
    assert_eq!(php.lock("b"), SUCCESS);
    assert_eq!(php.read("b"), (SUCCESS, String::new()));
    assert_eq!(server.stored(&key("b")).as_deref(), Some(""));
    assert_eq!(php.write("b", "1"), SUCCESS);
    assert_eq!(php.unlock("b"), SUCCESS);
    assert_eq!(round_trips(&site) - before, 2);
    assert_eq!(server.stored(&key("b")).as_deref(), Some("1"));
    assert_eq!(server.stored(&lock("b")), None);
    // One who changes nothing.
    assert_eq!(php.lock("b"), SUCCESS);
    assert_eq!(php.read("b"), (SUCCESS, "1".to_owned()));
    assert_eq!(php.touch("b"), SUCCESS);
    assert_eq!(php.unlock("b"), SUCCESS);
    assert_eq!(round_trips(&site) - before, 4);
    // Strict mode, and the end of a session.
    assert_eq!(php.exists("b"), EXISTS);
    assert_eq!(php.lock("b"), SUCCESS);
    assert_eq!(php.delete("b"), SUCCESS);
    assert_eq!(php.unlock("b"), SUCCESS);
    assert_eq!(php.exists("b"), SUCCESS);
    assert_eq!((server.stored(&key("b")), server.stored(&lock("b"))), (None, None));
    assert_eq!(php.touch("b"), NOT_FOUND);
    // A new visitor whose page locks nothing: another request, in strict mode, knows the id from then on.
    assert_eq!(php.create("c"), SUCCESS);
    assert_eq!(php.read("c"), (SUCCESS, String::new()));
    assert_eq!(site.php().exists("c"), EXISTS);
    assert_eq!(php.touch("c"), SUCCESS);
    // It is reserved once.
    assert_eq!(php.delete("c"), SUCCESS);
    assert_eq!(php.read("c"), (NOT_FOUND, String::new()));
}

#[test]
fn a_session_that_somebody_without_a_lock_has_written_lives_as_long_as_the_page_says() {
    let server = Memcached::start(&[]);
    let site = Site::before(&[server.port]);
    let mut php = site.php();
    assert_eq!(php.count("a"), 1);
    php.wait_for_lock("a");
    assert_eq!(php.read("a").1, "1");
    server.say(&format!("set {} 0 90000 1\r\n2\r\n", key("a")), "\r\n");
    assert_eq!(php.write("a", "2"), SUCCESS);
    let lives = server.say(&format!("mg {} t\r\n", key("a")), "\r\n");
    assert!(lives.starts_with("HD t14"), "{lives}");
}

/// As `session-check` does it, on a connection of its own.
#[test]
fn what_is_stored_without_a_lock_is_there() {
    let plain = Memcached::start(&[]);
    let with_login = Memcached::with_sasl("hunter2");
    let login = json!({"username": "shop", "password": "hunter2"});
    for (server, login) in [(&plain, json!({})), (&with_login, login)] {
        let mut credentials = servers(&[server.port]);
        credentials.as_object_mut().unwrap().extend(login.as_object().unwrap().clone());
        let site = Site::new(&credentials);
        let mut php = site.php();
        assert_eq!(php.write("a", "1"), SUCCESS);
        assert_eq!(php.read("a"), (SUCCESS, "1".to_owned()));
        // PHP's class `Memcached` asks quietly, which has no response for what is not there, and then for anything.
        let quietly = [request(GETKQ, &[], &key("b"), b""), request(GETKQ, &[], &key("a"), b"")];
        php.0.write_all(&quietly.concat()).unwrap();
        assert_eq!(php.response(GETKQ, &key("a")), (SUCCESS, b"1".to_vec()));
        assert_eq!(php.delete("a"), SUCCESS);
        assert_eq!(php.read("a").0, NOT_FOUND);
    }
}

/// Each counts what all of them do: with and without a proxy, and through two of them.
fn visitors_lose_nothing(credentials: &Value, direct: Option<&Memcached>) {
    let sites = [Site::new(credentials), Site::new(credentials)];
    let pages = 25;
    thread::scope(|scope| {
        for visitor in 0..8 {
            let site = &sites[visitor % 2];
            scope.spawn(move || {
                let mut php = site.php();
                for _ in 0..pages {
                    php.count("a");
                }
            });
        }
        if let Some(server) = direct {
            scope.spawn(move || {
                for _ in 0..pages {
                    while server.say(&format!("add {} 0 60 1\r\n1\r\n", lock("a")), "\r\n")
                        != "STORED\r\n"
                    {
                        thread::sleep(Duration::from_millis(1));
                    }
                    let count: u32 =
                        server.stored(&key("a")).map_or(0, |count| count.parse().unwrap());
                    server.set(&key("a"), &(count + 1).to_string());
                    server.delete(&lock("a"));
                }
            });
        }
    });
    let all = 8 * pages + if direct.is_some() { pages } else { 0 };
    assert_eq!(sites[0].php().read("a"), (SUCCESS, all.to_string()));
}

#[test]
fn eight_visitors_of_two_containers_and_one_without_a_proxy_lose_nothing() {
    let server = Memcached::start(&[]);
    visitors_lose_nothing(&servers(&[server.port]), Some(&server));
}

#[test]
fn a_server_that_speaks_only_text_will_do() {
    let server = Memcached::start(&["-B", "ascii"]);
    visitors_lose_nothing(&servers(&[server.port]), Some(&server));
}

fn login(server: &Memcached, password: &str) -> Value {
    json!({"host": "127.0.0.1", "port": server.port, "username": "shop", "password": password})
}

#[test]
fn a_login_by_sasl_is_kept_and_follows_the_binding() {
    let server = Memcached::with_sasl("hunter2");
    visitors_lose_nothing(&login(&server, "hunter2"), None);
    let site = Site::new(&login(&server, "hunter2"));
    let mut php = site.php();
    let before = php.count("b");
    assert_eq!(php.count("b"), before + 1);
    let status = site.status();
    assert_eq!(
        (&status["opened"], status["service"].as_str().unwrap().contains("hunter2")),
        (&json!(1), false)
    );
    // Open connections go on; a new password in the binding needs new ones.
    "correct horse".clone_into(&mut server.password.lock().unwrap());
    assert_eq!(php.count("b"), before + 2);
    site.bind(&login(&server, "correct horse"));
    wait_until("another login", || {
        php.count("b");
        site.status()["opened"] == json!(2)
    });
}

/// The binding does not know yet, and there are more visitors than connections.
#[test]
fn a_password_that_changes_costs_nobody_a_session_while_a_connection_stands() {
    let server = Memcached::with_sasl("old");
    let site = Site::new(&login(&server, "old"));
    assert_eq!(site.php().count("a"), 1);
    *server.password.lock().unwrap() = "new".to_owned();
    thread::scope(|scope| {
        for visitor in 0..8 {
            let mut php = site.php();
            scope.spawn(move || {
                for count in 1..=50 {
                    assert_eq!(php.count(&visitor.to_string()), count);
                }
            });
        }
    });
    assert_eq!(site.status()["failures"], 0);
}

#[test]
fn a_password_that_the_server_refuses_fails_at_once() {
    let server = Memcached::with_sasl("hunter2");
    let site = Site::new(&login(&server, "wrong"));
    let begun = Instant::now();
    assert_eq!(site.php().lock("a"), NOT_STORED);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // The binding is corrected.
    site.bind(&login(&server, "hunter2"));
    wait_until("the login", || site.php().lock("a") == SUCCESS);
}

#[test]
fn a_login_in_the_text_protocol_works_and_no_password_gets_among_the_keys() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users");
    fs::write(&file, "shop:hunter2\n").unwrap();
    let server = Memcached::start(&["-Y", file.to_str().unwrap()]);
    visitors_lose_nothing(&login(&server, "hunter2"), None);
    assert_eq!(Site::new(&login(&server, "wrong")).php().lock("a"), NOT_STORED);
    let without = Memcached::start(&["-B", "ascii"]);
    assert_eq!(Site::new(&login(&without, "hunter2")).php().lock("a"), NOT_STORED);
    assert_eq!(without.stored("login"), None);
}

#[test]
fn a_server_with_tls_is_verified_and_shown_the_certificate_that_it_asks_for() {
    let authority = Authority::named("our own");
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key, ca] = ["crt", "key", "ca"].map(|name| folder.path().join(name));
    let (pem, private) = authority.identity("127.0.0.1");
    fs::write(&certificate, &pem).unwrap();
    fs::write(&key, &private).unwrap();
    fs::write(&ca, &authority.pem).unwrap();
    let options = format!("ssl_chain_cert={},ssl_key={}", certificate.display(), key.display());
    let tls = |server: &Memcached, ca: &str| json!({"host": "127.0.0.1", "port": server.port, "ssl": true, "ca.crt": ca});
    let server = Memcached::start(&["-Z", "-o", &options]);
    visitors_lose_nothing(&tls(&server, &authority.pem), None);
    let untrusted = tls(&server, &Authority::new().pem);
    assert_eq!(Site::new(&untrusted).php().lock("a"), NOT_STORED);

    let options = format!("{options},ssl_ca_cert={},ssl_verify_mode=2", ca.display());
    let strict = Memcached::start(&["-Z", "-o", &options]);
    let mut credentials = tls(&strict, &authority.pem);
    assert_eq!(Site::new(&credentials).php().lock("a"), NOT_STORED);
    credentials["tls.crt"] = pem.into();
    credentials["tls.key"] = private.into();
    visitors_lose_nothing(&credentials, None);
}

#[test]
fn a_session_that_the_server_does_not_keep_is_an_error_and_the_one_before_stays() {
    let server = Memcached::start(&["-I", "64k", "-o", "slab_chunk_max=32768"]);
    let site = Site::before(&[server.port]);
    let mut php = site.php();
    assert_eq!(php.count("a"), 1);
    php.wait_for_lock("a");
    assert_eq!(php.read("a").1, "1");
    assert_eq!(php.write("a", &"x".repeat(100_000)), TOO_LARGE);
    assert_eq!(php.unlock("a"), SUCCESS);
    assert_eq!(php.count("a"), 2);
    // As large as it keeps, and larger than one read.
    let large = "x".repeat(60_000);
    php.wait_for_lock("b");
    assert_eq!(php.write("b", &large), SUCCESS);
    assert_eq!(php.unlock("b"), SUCCESS);
    php.wait_for_lock("b");
    assert_eq!(php.read("b"), (SUCCESS, large));
}

#[test]
fn only_requests_of_sessions_are_passed_on() {
    let server = Memcached::start(&[]);
    let site = Site::before(&[server.port]);
    let mut php = site.php();
    let get = 0x0c;
    assert_eq!(php.say(get, &[], "other", b"").0, INVALID);
    assert_eq!(php.say(get, &[], &key(&"x".repeat(240)), b"").0, INVALID);
    // In the text protocol, this would be two commands.
    assert_eq!(php.say(get, &[], &key("a\r\nflush_all"), b"").0, INVALID);
    assert_eq!(php.say(0x01, &[], &key("a"), b"no lifetime").0, INVALID);
    // FLUSH, STAT, SASL AUTH, and what does not exist.
    for opcode in [0x08, 0x10, 0x21, 0xff] {
        assert_eq!(php.say(opcode, &[], &key("a"), b"").0, UNKNOWN);
    }
    assert_eq!(php.count("a"), 1);
    let mut other = site.php().0;
    other.write_all(b"get memc.sess.key.a\r\n").unwrap();
    let mut said = String::new();
    other.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("ERROR the session proxy speaks only the binary"), "{said}");
    let mut other = site.php().0;
    let mut endless = request(0x01, &[0; 8], &key("a"), b"");
    endless[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
    other.write_all(&endless).unwrap();
    let mut said = Vec::new();
    other.read_to_end(&mut said).unwrap();
    assert_eq!((said.len(), said[7]), (24, 3));
}
