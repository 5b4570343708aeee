//! What users notice when something fails, measured. `make bench` shows it.

use crate::session_proxy::who_shows;
use crate::support::app::{App, Instance, Server, build};
use crate::support::faulty::{Clients, FaultyServer, Kind, Outcome, PASSWORD};
use crate::support::figures::record;
use crate::support::sample::app_with_holding_page;
use crate::support::services::vcap;
use crate::support::{BOOKWORM, Suite, TRIXIE};
use php_session_store::store::Store;
use serde_json::json;
use std::fmt;
use std::time::Duration;

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

const NGINX_FPM: Web = Web { name: "php-fpm", workers: 4, options: &[], command: &[] };
const PHP_ITSELF: Web = Web {
    name: "php -S",
    workers: 1,
    options: &[],
    command: &["php", "-S", "0.0.0.0:8080", "-t", "htdocs"],
};
const PROXY: &[&str] = &["--env", "BPL_PHP_SESSION_PROXY=on"];
const NGINX_FPM_PROXY: Web = Web { name: "php-fpm, proxy", options: PROXY, ..NGINX_FPM };
const PHP_ITSELF_PROXY: Web = Web { name: "php -S, proxy", options: PROXY, ..PHP_ITSELF };
/// A request gives up earlier.
const IMPATIENT: Web = Web {
    name: "php -S, lock_timeout=1",
    options: &["--env", "BPL_PHP_SESSION_OPTIONS=lock_timeout=1"],
    ..PHP_ITSELF
};

/// What happens to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Restart,
    Down,
    Hung,
    WrongPassword,
    Reset,
    Dropped,
    LockedOut,
    Full,
    NoPermission,
    Demoted,
    Loading,
    LoadingForLong,
    WorkerKilled,
    SupervisorKilled,
    FolderRemoved,
}

const FAULTS: [Fault; 6] =
    [Fault::Restart, Fault::Down, Fault::WrongPassword, Fault::Reset, Fault::Dropped, Fault::Hung];
/// What Redis answers, and takes no session.
const REFUSALS: [Fault; 6] = [
    Fault::LockedOut,
    Fault::Full,
    Fault::NoPermission,
    Fault::Demoted,
    Fault::Loading,
    Fault::LoadingForLong,
];
/// What happens to the proxy itself.
const FAULTS_OF_PROXY: [Fault; 3] =
    [Fault::WorkerKilled, Fault::SupervisorKilled, Fault::FolderRemoved];

/// What is noticed, as docs/operations.md says.
struct Row {
    errors: u32,
    /// Pages with a session of nobody.
    forgotten: u32,
    /// At most, in seconds.
    longest: f64,
}

impl Fault {
    fn happen(self, server: &FaultyServer, instance: &Instance) {
        let as_root = |command: &str| instance.container.exec_as_root(&["sh", "-c", command]);
        match self {
            Self::Restart => server.kill(false),
            Self::Down => server.kill(true),
            Self::Hung => server.hang(),
            Self::WrongPassword => server.change_password(),
            Self::Reset => server.cut("REJECT --reject-with tcp-reset"),
            Self::Dropped => server.cut("DROP"),
            Self::LockedOut => server.lock_out(),
            Self::Full => server.fill(),
            Self::NoPermission => server.forbid(),
            Self::Demoted => server.demote(),
            Self::Loading => server.load(2),
            Self::LoadingForLong => server.load(60),
            Self::WorkerKilled => drop(as_root("pkill -KILL -f 'session-proxy [w]ork'")),
            Self::SupervisorKilled => drop(as_root("pkill -KILL -f 'session-proxy [s]upervise'")),
            Self::FolderRemoved => drop(as_root("rm -r /tmp/php-session-store-*")),
        }
    }

    /// How many requests each visitor makes while it lasts.
    fn rounds(self) -> u32 {
        if self == Self::Hung || REFUSALS.contains(&self) { 1 } else { 3 }
    }

    /// The row of the table for this fault. The waits are those of the ini files.
    fn row(self, kind: Kind, web: Web) -> Row {
        let all = self.rounds() * web.workers;
        let (errors, forgotten, longest) = match (self, kind) {
            (Self::Restart, Kind::Redis)
            | (Self::WorkerKilled | Self::SupervisorKilled | Self::FolderRemoved, _) => (0, 0, 2.0),
            (Self::Loading, _) if web.options == PROXY => (0, 0, 5.0),
            (Self::Full, _) if web.options == PROXY => (all, 0, 2.0),
            (Self::LockedOut | Self::NoPermission, _) if web.options == PROXY => (0, all, 2.0),
            // phpredis takes a refusal for somebody else's lock, and tries again for 15 seconds and more.
            (Self::Full | Self::NoPermission | Self::Demoted, _) if web.options != PROXY => {
                (all, 0, 50.0)
            }
            (Self::Loading | Self::LoadingForLong, _) if web.options != PROXY => (all, 0, 5.0),
            // The proxy's connections outlive the password; it waits for 5 seconds, and lets nobody wait longer.
            (Self::WrongPassword, _) if web.options == PROXY => (0, 0, 2.0),
            _ if web.options == PROXY => (0, all, 6.0),
            // Memcached keeps everything in memory: each visitor starts over, once.
            (Self::Restart, _) => (0, web.workers, 2.0),
            (Self::Hung, Kind::Redis) => (all, 0, 4.0),
            (Self::Hung, Kind::MemcachedWithLogin) => (0, all, 7.0),
            // Each of 38 tries for the lock waits 5 seconds (8 tries with a second's timeout); no setting
            // changes that.
            (Self::Hung, Kind::Memcached) if web.name == IMPATIENT.name => (0, all, 45.0),
            (Self::Hung, Kind::Memcached) => (0, all, 200.0),
            (Self::Dropped, Kind::Redis) => (0, all, 3.0),
            (Self::Dropped, Kind::Memcached) => (0, all, 7.5),
            _ => (0, all, 2.0),
        };
        Row { errors, forgotten, longest }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Restart => "restarted",
            Self::Down => "down",
            Self::Hung => "hung (SIGSTOP)",
            Self::WrongPassword => "password changed",
            Self::Reset => "network answers with resets",
            Self::Dropped => "network drops packets",
            Self::LockedOut => "password changed, connections closed",
            Self::Full => "out of memory (OOM)",
            Self::NoPermission => "user may not write (NOPERM)",
            Self::Demoted => "demoted (READONLY)",
            Self::Loading => "restarted, loads its data for 2 s (LOADING)",
            Self::LoadingForLong => "restarted, loads its data for 60 s",
            Self::WorkerKilled => "proxy's worker killed",
            Self::SupervisorKilled => "proxy's supervisor killed",
            Self::FolderRemoved => "proxy's folder removed",
        })
    }
}

fn record_outcome(fault: Fault, kind: Kind, suite: Suite, web: Web, outcome: Outcome) {
    let Outcome { requests, errors, forgotten, longest } = outcome;
    let figure = json!({
        "server": kind.to_string(), "what": fault.to_string(), "web": web.name, "suite": suite.name,
        "requests": requests, "errors": errors, "forgotten": forgotten,
        "longest_seconds": longest.as_secs_f64(),
    });
    record("faults", &figure);
}

/// Every fault in turn, and after each of them all is well again.
fn faults(suite: Suite, kind: Kind, web: Web) {
    let faults = FAULTS.into_iter().filter(|fault| {
        // Without a login there is no password.
        kind != Kind::Memcached || *fault != Fault::WrongPassword
    });
    faults_in_turn(suite, kind, web, &faults.collect::<Vec<_>>());
}

fn faults_in_turn(suite: Suite, kind: Kind, web: Web, faults: &[Fault]) {
    let store = if kind == Kind::Redis { Store::Redis } else { Store::Memcached };
    build(&app_with_holding_page(suite, store), |app| {
        let server = FaultyServer::start(kind);
        let name = format!("my-{}", store.default_search_key());
        let bound = format!("VCAP_SERVICES={}", vcap(&[(&name, server.credentials())]));
        let instance = start(app, &[&["--env", &bound], web.options].concat(), web.command);
        let mut worse = Vec::new();
        for fault in faults.iter().copied() {
            let mut clients = Clients::new(web.workers as usize, &instance);
            fault.happen(&server, &instance);
            let outcome = clients.visit(&instance, fault.rounds());
            record_outcome(fault, kind, suite, web, outcome);
            let row = fault.row(kind, web);
            let noticed = (outcome.errors, outcome.forgotten);
            let longest = Duration::from_secs_f64(row.longest);
            if noticed != (row.errors, row.forgotten) || outcome.longest > longest {
                worse.push(format!("{fault}: {outcome:?}"));
            }
            // Without the proxy, they all do: see below.
            if web.options == PROXY {
                assert_eq!(who_shows(&instance, &[PASSWORD]), [] as [&str; 0], "{fault}");
            }
            server.heal();
            // libmemcached leaves a server alone for 2 seconds after a failure.
            std::thread::sleep(Duration::from_secs(3));
            Clients::new(web.workers as usize, &instance);
        }
        assert!(worse.is_empty(), "{kind}, {}: {worse:#?}", web.name);
        // So the search does find it.
        if kind == Kind::Redis && web.options != PROXY {
            assert_eq!(who_shows(&instance, &[PASSWORD]), ["a page", "the launch", "the log"]);
        }
    });
}

fn start(app: &App, options: &[&str], command: &[&str]) -> Instance {
    let app = app.served_by(Server::NginxFpm);
    if command.is_empty() { app.start(options) } else { app.start_command(options, command) }
}

#[test]
fn faults_of_redis_behind_nginx() {
    faults(BOOKWORM, Kind::Redis, NGINX_FPM);
}

#[test]
fn faults_of_redis_behind_nginx_on_debian_13() {
    faults(TRIXIE, Kind::Redis, NGINX_FPM);
}

#[test]
fn faults_of_redis_with_php_itself() {
    faults(BOOKWORM, Kind::Redis, PHP_ITSELF);
}

#[test]
fn faults_of_redis_behind_nginx_and_the_proxy() {
    faults(BOOKWORM, Kind::Redis, NGINX_FPM_PROXY);
}

#[test]
fn faults_of_redis_behind_nginx_and_the_proxy_on_debian_13() {
    faults(TRIXIE, Kind::Redis, NGINX_FPM_PROXY);
}

#[test]
fn faults_of_redis_with_php_itself_and_the_proxy() {
    faults(BOOKWORM, Kind::Redis, PHP_ITSELF_PROXY);
}

#[test]
fn faults_of_memcached_behind_nginx() {
    faults(BOOKWORM, Kind::Memcached, NGINX_FPM);
}

#[test]
fn faults_of_memcached_with_php_itself() {
    faults(BOOKWORM, Kind::Memcached, IMPATIENT);
}

#[test]
fn faults_of_memcached_with_a_login_behind_nginx() {
    faults(BOOKWORM, Kind::MemcachedWithLogin, NGINX_FPM);
}

#[test]
fn faults_of_memcached_with_a_login_behind_nginx_on_debian_13() {
    faults(TRIXIE, Kind::MemcachedWithLogin, NGINX_FPM);
}

#[test]
fn faults_of_memcached_with_a_login_with_php_itself() {
    faults(BOOKWORM, Kind::MemcachedWithLogin, PHP_ITSELF);
}

#[test]
fn faults_of_redis_that_refuses_behind_nginx() {
    faults_in_turn(BOOKWORM, Kind::Redis, NGINX_FPM, &REFUSALS);
}

#[test]
fn faults_of_redis_that_refuses_behind_nginx_on_debian_13() {
    faults_in_turn(TRIXIE, Kind::Redis, NGINX_FPM, &REFUSALS);
}

#[test]
fn faults_of_redis_that_refuses_and_of_the_proxy_behind_nginx() {
    faults_in_turn(
        BOOKWORM,
        Kind::Redis,
        NGINX_FPM_PROXY,
        &[&REFUSALS[..], &FAULTS_OF_PROXY].concat(),
    );
}

#[test]
fn faults_of_redis_that_refuses_and_of_the_proxy_behind_nginx_on_debian_13() {
    faults_in_turn(
        TRIXIE,
        Kind::Redis,
        NGINX_FPM_PROXY,
        &[&REFUSALS[..], &FAULTS_OF_PROXY].concat(),
    );
}
