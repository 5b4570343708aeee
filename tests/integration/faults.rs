//! What users notice when something fails, measured: `slow`, which `make bench` shows. The usual tests look at the same, with
//! one request of each visitor and less patience.

mod cluster;
mod sentinel;
mod table;

use crate::session_proxy::who_shows;
use crate::support::app::{App, Instance, Server, build};
use crate::support::faulty::{Clients, FaultyServer, Kind, Outcome, PASSWORD};
use crate::support::figures::record;
use crate::support::http_client::HttpClient;
use crate::support::sample::app_with_holding_page;
use crate::support::services::vcap;
use crate::support::{BOOKWORM, Suite, on_both};
use libcnb_test::assert_contains;
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use table::{FAULTS, FAULTS_OF_PROXY, Fault, REFUSALS};

/// A web server, its workers and its options.
#[derive(Clone, Copy)]
struct Web {
    name: &'static str,
    /// As many visitors as there are workers: nobody waits for another one.
    workers: u32,
    options: &'static [&'static str],
    /// None for the sample's own.
    command: &'static [&'static str],
}

/// Whatever a busy machine takes for a distance.
const DIRECT: &[&str] = &["--env", "BPL_PHP_SESSION_PROXY=off"];
const NGINX_FPM: Web = Web { name: "php-fpm", workers: 4, options: DIRECT, command: &[] };
const PHP_ITSELF: Web = Web {
    name: "php -S",
    workers: 1,
    options: DIRECT,
    command: &["php", "-S", "0.0.0.0:8080", "-t", "htdocs"],
};
const PROXY: &[&str] = &["--env", "BPL_PHP_SESSION_PROXY=on"];
const NGINX_FPM_PROXY: Web = Web { name: "php-fpm, proxy", options: PROXY, ..NGINX_FPM };
const PHP_ITSELF_PROXY: Web = Web { name: "php -S, proxy", options: PROXY, ..PHP_ITSELF };
/// A request gives up earlier.
const IMPATIENT: Web = Web {
    name: "php -S, lock_timeout=1",
    options: &["--env", "BPL_PHP_SESSION_OPTIONS=lock_timeout=1", DIRECT[0], DIRECT[1]],
    ..PHP_ITSELF
};
const NGINX_FPM_IMPATIENT: Web =
    Web { name: "php-fpm, lock_timeout=1", options: IMPATIENT.options, ..NGINX_FPM };

/// As most users have it: where only the session proxy can serve, it is the default.
const NGINX_FPM_DEFAULT: Web = Web { name: "php-fpm, proxy", options: &[], ..NGINX_FPM };
const NGINX_FPM_WAIT: Web = Web {
    name: "php-fpm, proxy, wait_replicas=1",
    options: &["--env", "BPL_PHP_SESSION_OPTIONS=wait_replicas=1"],
    ..NGINX_FPM
};

fn record_figure(server: &str, what: &str, suite: Suite, web: Web, outcome: Outcome) {
    let Outcome { requests, errors, forgotten, lost, longest } = outcome;
    let figure = json!({
        "server": server, "what": what, "web": web.name, "suite": suite.name,
        "requests": requests, "errors": errors, "forgotten": forgotten, "lost": lost,
        "longest_seconds": longest.as_secs_f64(),
    });
    record("faults", &figure);
}

/// Every fault in turn, and after each of them all is well again. Each visitor makes so many requests at most meanwhile.
fn faults_in_turn(suite: Suite, kind: Kind, web: Web, faults: &[Fault], most_rounds: u32) {
    let store = if kind == Kind::Redis { Store::Redis } else { Store::Memcached };
    build(&app_with_holding_page(suite, store), |app| {
        let server = FaultyServer::start(kind);
        let name = format!("my-{}", store.default_search_key());
        let bound = format!("VCAP_SERVICES={}", vcap(&[(&name, server.credentials())]));
        let instance = start(app, &[&["--env", &bound], web.options].concat(), web.command);
        let mut clients = Clients::served(web.workers as usize, &instance);
        let mut worse = Vec::new();
        for fault in faults.iter().copied() {
            let rounds = fault.rounds().min(most_rounds);
            fault.happen(&server, &instance);
            let outcome = clients.visit(&instance, rounds);
            record_figure(&kind.to_string(), &fault.to_string(), suite, web, outcome);
            let row = fault.row(kind, web, rounds);
            let noticed = (outcome.errors, outcome.forgotten + outcome.lost);
            let longest = Duration::from_secs_f64(row.longest);
            if noticed != (row.errors, row.forgotten) || outcome.longest > longest {
                worse.push(format!("{fault}: {outcome:?}"));
            }
            if web.options == PROXY && store == Store::Memcached {
                let came = Instant::now();
                let answer = HttpClient::new().get(instance.address(), "/");
                assert_eq!(answer.status, 200, "{fault}, a visitor without a cookie: {answer:?}");
                assert!(came.elapsed() < Duration::from_secs(6), "{fault}: {:?}", came.elapsed());
            }
            // Without the proxy, they all do: see below.
            if web.options == PROXY {
                assert_eq!(who_shows(&instance, &[PASSWORD]), [] as [&str; 0], "{fault}");
            }
            server.heal();
            clients = Clients::served(web.workers as usize, &instance);
        }
        assert!(worse.is_empty(), "{kind}, {}: {worse:#?}", web.name);
        // So the search does find it.
        if kind == Kind::Redis && web.options != PROXY {
            assert_eq!(who_shows(&instance, &[PASSWORD]), ["a page", "the launch", "the log"]);
        }
    });
}

/// Visitors that come all the time, before, while and after something happens to a Redis of several servers. The session
/// proxy, if it serves, says which servers these are: `told` has its commands, and what they say.
fn visited_meanwhile(
    suite: Suite,
    web: Web,
    credentials: &Value,
    told: &[(&str, &str)],
    happens: impl FnOnce(),
) -> Outcome {
    let mut outcome = Outcome::default();
    build(&app_with_holding_page(suite, Store::Redis), |app| {
        let bound =
            format!("VCAP_SERVICES={}", vcap(&[("my-redis-sessions", credentials.clone())]));
        let instance = start(app, &[&["--env", &bound], web.options].concat(), web.command);
        let mut clients = Clients::served(web.workers as usize, &instance);
        let is_over = AtomicBool::new(false);
        outcome = thread::scope(|scope| {
            let visits = scope.spawn(|| clients.visit_until(&instance, &is_over));
            let happened = catch_unwind(AssertUnwindSafe(happens));
            is_over.store(true, Ordering::Relaxed);
            let outcome = visits.join().expect("visits");
            happened.unwrap_or_else(|panic| resume_unwind(panic));
            outcome
        });
        if outcome.errors + outcome.forgotten + outcome.lost > 0 {
            println!("{}", instance.container.logs());
        }
        if web.options != DIRECT {
            for (command, words) in told {
                let said = instance.container.exec(&["sh", "-c", &format!("launcher {command}")]);
                assert_contains!(said, words);
            }
        }
    });
    outcome
}

fn start(app: &App, options: &[&str], command: &[&str]) -> Instance {
    let app = app.served_by(Server::NginxFpm);
    if command.is_empty() { app.start(options) } else { app.start_command(options, command) }
}

/// What the usual tests look at: once.
fn once(kind: Kind, web: Web, faults: &[&[Fault]]) {
    faults_in_turn(BOOKWORM, kind, web, &faults.concat(), 1);
}

#[test]
fn redis_that_fails_and_refuses() {
    once(Kind::Redis, NGINX_FPM_IMPATIENT, &[&FAULTS, &REFUSALS]);
}

#[test]
fn redis_that_fails_behind_the_proxy() {
    once(Kind::Redis, NGINX_FPM_PROXY, &[&FAULTS]);
}

#[test]
fn redis_that_refuses_behind_the_proxy_and_a_proxy_that_fails() {
    once(Kind::Redis, NGINX_FPM_PROXY, &[&REFUSALS, &FAULTS_OF_PROXY]);
}

#[test]
fn memcached_with_a_login_that_fails() {
    once(Kind::MemcachedWithLogin, NGINX_FPM_PROXY, &[&FAULTS, &FAULTS_OF_PROXY]);
}

mod slow {
    use super::*;

    fn faults(suite: Suite, kind: Kind, web: Web) {
        let faults = FAULTS.into_iter().filter(|fault| {
            // Without a login there is no password.
            kind != Kind::Memcached || *fault != Fault::WrongPassword
        });
        faults_in_turn(suite, kind, web, &faults.collect::<Vec<_>>(), 3);
    }

    fn refusals(suite: Suite, web: Web, more: &[Fault]) {
        faults_in_turn(suite, Kind::Redis, web, &[&REFUSALS, more].concat(), 3);
    }

    on_both! {
        redis_behind_nginx: |suite| faults(suite, Kind::Redis, NGINX_FPM);
        redis_behind_nginx_and_the_proxy: |suite| faults(suite, Kind::Redis, NGINX_FPM_PROXY);
        memcached_with_a_login_behind_nginx_and_the_proxy:
            |suite| faults(suite, Kind::MemcachedWithLogin, NGINX_FPM_PROXY);
        memcached_and_the_proxy_behind_nginx: |suite| faults(suite, Kind::Memcached, NGINX_FPM_PROXY);
        redis_that_sentinel_watches: |suite| sentinel::measure(suite);
        a_cluster: |suite| cluster::measure(suite);
        redis_that_refuses_behind_nginx: |suite| refusals(suite, NGINX_FPM, &[]);
        redis_that_refuses_and_the_proxy_behind_nginx:
            |suite| refusals(suite, NGINX_FPM_PROXY, &FAULTS_OF_PROXY);
    }

    #[test]
    fn redis_with_php_itself() {
        faults(BOOKWORM, Kind::Redis, PHP_ITSELF);
    }

    #[test]
    fn redis_with_php_itself_and_the_proxy() {
        faults(BOOKWORM, Kind::Redis, PHP_ITSELF_PROXY);
    }

    /// For three minutes, a server hangs.
    #[test]
    fn memcached_behind_nginx() {
        faults(BOOKWORM, Kind::Memcached, NGINX_FPM);
    }

    #[test]
    fn memcached_with_php_itself() {
        faults(BOOKWORM, Kind::Memcached, IMPATIENT);
    }

    /// With libsasl2's plugins in the image.
    #[test]
    fn memcached_with_a_login_behind_nginx() {
        faults(BOOKWORM, Kind::MemcachedWithLogin, NGINX_FPM);
    }

    #[test]
    fn memcached_with_a_login_with_php_itself_and_the_proxy() {
        faults(BOOKWORM, Kind::MemcachedWithLogin, PHP_ITSELF_PROXY);
    }

    #[test]
    fn memcached_with_php_itself_and_the_proxy() {
        faults(BOOKWORM, Kind::Memcached, PHP_ITSELF_PROXY);
    }
}
