//! PHP's own tests of sessions, over our settings, beside the same extension with its own defaults.
//!
//! They are those of PHP 8.2 on both releases. What PHP 8.4 does in another way fails in both runs; its deprecations
//! are not shown.

use crate::support::app::{build, config, make_readable, of_setup, root};
use crate::support::docker::Container;
use crate::support::sample::write;
use crate::support::secrets::MARKER;
use crate::support::services::{Memcached, Redis, vcap};
use crate::support::{Suite, on_both};
use php_session_store::php::PHP_INI_SCAN_DIR;
use php_session_store::store::Store;
use serde_json::json;
use std::collections::BTreeSet;

/// What fails with our settings for Redis alone. `session_reset()` takes the session's lock again, which its request has
/// already (docs/operations.md); phpredis' defaults have no lock.
const OURS_ALONE: &[&str] = &["session_reset_basic.phpt"];

/// What fails with PHP's `files` handler alone, where a test chooses it over our settings for Redis. One test sets no
/// handler and an empty path, all others have a handler of their own that takes the save path for a folder.
const FILES_OVER_OURS: &[&str] = &[
    "bug79221.phpt",
    "session_set_save_handler_class_002.phpt",
    "session_set_save_handler_class_016.phpt",
    "session_set_save_handler_class_017.phpt",
    "session_set_save_handler_class_018.phpt",
    "session_set_save_handler_iface_001.phpt",
    "session_set_save_handler_iface_003.phpt",
    "session_set_save_handler_sid_001.phpt",
];

/// Names of tests.
type Names = BTreeSet<String>;

/// The tests as PHP has them, or without the lines that set its `files` handler or a path.
#[derive(Clone, Copy)]
enum Kind {
    Theirs,
    Ours,
}

/// Whose settings PHP has.
#[derive(Clone, Copy)]
enum Settings {
    /// What the launch gives it.
    Launched,
    /// The extension's own, with the bare place of a server.
    Extension,
    /// PHP's own.
    Php,
}

/// A container of the app, beside PHP's tests.
struct Tests<'a> {
    container: &'a Container,
    kind: Kind,
}

impl Tests<'_> {
    /// Runs tests, side by side on this many workers; gives those that ran, and those that failed.
    fn run(&self, settings: Settings, workers: &str, names: &[&str]) -> (Names, Names) {
        let scan_dir = format!("{PHP_INI_SCAN_DIR}=:/extension");
        let before: &[&str] = match settings {
            Settings::Launched => &["/cnb/lifecycle/launcher", "--"],
            Settings::Extension => &["env", &scan_dir],
            Settings::Php => &[],
        };
        let kind = match self.kind {
            Kind::Theirs => "theirs",
            Kind::Ours => "ours",
        };
        let script = ["sh", "/php_session_tests.sh", workers, kind];
        let said = self.container.exec(&[before, &script, names].concat());
        let results: Vec<(&str, &str)> =
            said.lines().filter_map(|line| line.split_once('\t')).collect();
        let failed = results.iter().filter(|(result, _)| !matches!(*result, "PASSED" | "XFAILED"));
        let name = |(_, name): &(&str, &str)| (*name).to_owned();
        (results.iter().map(name).collect(), failed.map(name).collect())
    }

    /// Those of `names` that fail with the launch's settings, also when they run by themselves, and pass with others.
    fn fail_launched_alone(&self, names: &[&str], others: Settings) -> Names {
        let (all, failed) = self.run(Settings::Launched, "2", names);
        assert!(all.len() > 100, "{all:?}");
        let among = |settings, workers, names: &Names| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            if names.is_empty() { Names::new() } else { self.run(settings, workers, &names).1 }
        };
        let with_others = among(others, "2", &failed);
        let (all, failing, theirs) = (all.len(), failed.len(), with_others.len());
        println!("of {all} tests {failing} fail, {theirs} of them with other settings as well");
        let alone = failed.difference(&with_others).cloned().collect();
        among(Settings::Launched, "1", &alone)
    }
}

/// A bare place of a server, as the extension's documentation has it, and our service.
fn with_servers(store: Store, test: impl FnOnce(&str, &str)) {
    match store {
        Store::Redis => {
            let (ours, other) = (Redis::start(MARKER), Redis::start(MARKER));
            let credentials = json!({"host": ours.host(), "password": MARKER});
            let place = format!("tcp://{}:6379?auth={MARKER}", other.host());
            test(&vcap(&[("redis-sessions", credentials)]), &place);
        }
        Store::Memcached => {
            let (ours, other) = (Memcached::start(), Memcached::start());
            let credentials = json!({"servers": ours.server()});
            test(&vcap(&[("memcached-sessions", credentials)]), &other.server());
        }
    }
}

fn php_passes_its_own_tests(suite: Suite, store: Store, proxy: &str) {
    let mut config = config(suite, "web");
    // The tests expect PHP's own name.
    config.env("BP_PHP_SESSION_STORE", store.name()).env("BP_PHP_SESSION_NAME", "PHPSESSID");
    build(&config, |app| {
        with_servers(store, |services, other_server| {
            let ini = tempfile::tempdir().expect("a folder");
            make_readable(ini.path());
            let text =
                format!("session.save_handler={store}\nsession.save_path=\"{other_server}\"\n");
            write(ini.path(), "extension.ini", &text);
            let extension = format!("{}:/extension:ro", ini.path().display());
            let tests = format!("{}:/tests:ro", of_setup("php-session-tests").display());
            let script = root().join("tests/integration/php_session_tests.sh");
            let script = format!("{}:/php_session_tests.sh:ro", script.display());
            let services = format!("VCAP_SERVICES={services}");
            let volumes = ["--volume", &extension, "--volume", &tests, "--volume", &script];
            let proxy = format!("BPL_PHP_SESSION_PROXY={proxy}");
            let patience = "BPL_PHP_SESSION_OPTIONS=lock_timeout=1";
            let environment = ["--env", &services, "--env", &proxy, "--env", patience];
            let options = [&volumes[..], &environment, &["--entrypoint", "sleep"]].concat();
            let container = Container::start(&options, &app.image, &["infinity"]);

            let (ours, theirs) = match store {
                Store::Redis => (OURS_ALONE, FILES_OVER_OURS),
                Store::Memcached => (&[][..], &[][..]),
            };
            let expected = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
            let tests = Tests { container: &container, kind: Kind::Ours };
            let alone = tests.fail_launched_alone(&[], Settings::Extension);
            assert_eq!(alone, expected(ours), "{suite:?}, {store}");

            // PHP takes Memcached's servers for a folder that is not there, whoever gives them.
            let tests = Tests { kind: Kind::Theirs, ..tests };
            let others = if store == Store::Redis { Settings::Php } else { Settings::Extension };
            let alone = tests.fail_launched_alone(&["changed"], others);
            assert_eq!(alone, expected(theirs), "{suite:?}, {store}");
        });
    });
}

on_both! {
    php_passes_its_own_tests_with_redis: |suite| php_passes_its_own_tests(suite, Store::Redis, "off");
    php_passes_its_own_tests_through_the_proxy: |suite| php_passes_its_own_tests(suite, Store::Redis, "on");
    php_passes_its_own_tests_with_memcached: |suite| php_passes_its_own_tests(suite, Store::Memcached, "off");
    php_passes_its_own_tests_with_memcached_through_the_proxy:
        |suite| php_passes_its_own_tests(suite, Store::Memcached, "on");
}
