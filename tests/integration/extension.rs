//! Where the extension comes from, for each kind of image that a user may have.

use crate::support::app::{App, build, build_fails, config, layer, root};
use crate::support::docker::docker;
use crate::support::http_client::assert_sessions_are_shared;
use crate::support::input::BuildInput;
use crate::support::pack_build::PackBuild;
use crate::support::services::BoundService;
use crate::support::{BOOKWORM, Suite, on_both};
use libcnb_test::{assert_contains, assert_not_contains};
use php_session_store::store::Store;
use std::fs;

pub(crate) const PASSWORD: &str = "mArKeR4f1c9e of the extension's tests";

/// A build for a store, on one kind of image.
pub(crate) fn config_for(suite: Suite, variant: &str, store: Store) -> BuildInput {
    let mut config = config(suite, variant);
    config.env("BP_PHP_SESSION_STORE", store.name());
    config
}

/// The app keeps a session in a real server of the store that asks for a password.
pub(crate) fn assert_store_works(app: &App, store: Store) {
    let service = BoundService::start(store, PASSWORD);
    assert_sessions_are_shared(app, &["--env", &service.env()]);
}

/// The image's PHP is the distribution's, and has no extension.
fn apt_provides(suite: Suite, store: Store) {
    build(&config_for(suite, "bare", store), |app| {
        let version = suite.extension(store);
        let expected = format!("{store} {version} from the distribution");
        assert_contains!(app.log, &expected);
        assert_store_works(app, store);
        assert_libraries_are_the_extensions_alone(app, store);
    });
}

/// A launch that needs no service, as the user who may change the image.
const TRY: [&str; 4] = ["--user", "0", "--env", "BPL_PHP_SESSION_MISSING=files"];

/// What is in PHP's memory, after this shell command.
fn memory_of_php(app: &App, command: &str) -> String {
    // As a script it prints itself: there is no PHP in it.
    let command = format!("{command} php /proc/self/maps");
    let (succeeded, maps) = app.run(&TRY, &["sh", "-c", &command]);
    assert!(succeeded, "{maps}");
    maps
}

/// PHP's extension finds the layer's libraries where the system has none, and nobody else does.
pub(crate) fn assert_libraries_are_the_extensions_alone(app: &App, store: Store) {
    let ours = layer("extension/libraries");
    let (_, environment) = app.run(&TRY, &["env"]);
    let path = environment.lines().find(|line| line.starts_with("LD_LIBRARY_PATH="));
    assert!(!path.unwrap_or_default().contains(&layer("")), "{environment}");
    let maps = memory_of_php(app, "");
    if store == Store::Redis {
        // Debian's programs have them from the system, and so has PHP.
        let (_, of_apt) = app.run(&TRY, &["sh", "-c", "LD_TRACE_LOADED_OBJECTS=1 apt-get"]);
        assert_contains!(of_apt, "libzstd.so.1 => /");
        assert_not_contains!(of_apt, &ours);
        assert_contains!(maps, "/libzstd.so.1");
        assert_not_contains!(maps, &ours);
        return;
    }
    for library in ["libmemcached.so.11", "libhashkit.so.2", "libsasl2.so.2"] {
        assert!(maps.contains(&format!("{ours}/{library}")), "{library}: {maps}");
    }
    // As a rebase would bring it.
    let system = "/usr/lib/x86_64-linux-gnu";
    let maps = memory_of_php(app, &format!("cp {ours}/libhashkit.so.2 {system} &&"));
    let has = |folder: &str| maps.contains(&format!("{folder}/libhashkit.so.2"));
    assert!(has(system), "{maps}");
    assert!(!has(&ours), "{maps}");
}

#[test]
fn a_library_that_only_the_build_image_has_is_carried() {
    build(&config_for(BOOKWORM, "libraries", Store::Memcached), |app| {
        assert_store_works(app, Store::Memcached);
    });
}

#[test]
fn what_is_present_and_not_loaded_is_loaded_by_the_ini_file() {
    for (store, load) in
        [(Store::Redis, "igbinary, redis"), (Store::Memcached, "igbinary, msgpack, memcached")]
    {
        build(&config_for(BOOKWORM, "disabled", store), |app| {
            assert_contains!(app.log, &format!("(loads {load})"));
            assert_store_works(app, store);
        });
    }
}

#[test]
fn where_nobody_provides_it_each_says_why() {
    let none = PackBuild::run(
        BOOKWORM,
        "bare",
        &root().join("samples/counter"),
        &["--network", "none", "--env", "BP_PHP_SESSION_STORE=redis"],
    );
    let log = none.failed_log();
    for expected in [
        "installed: /usr/lib/php/20220829/redis.so does not exist",
        "apt: `apt-get",
        "Temporary failure resolving",
        "source: the build image has no phpize, php-config, autoconf, make, cc",
        "apt-get install php8.2-redis",
    ] {
        assert!(log.contains(expected), "{expected}:\n{log}");
    }

    let choices = [
        ("bare", "installed", "redis.so does not exist"),
        ("bare", "source", "source: the build image has no phpize"),
        ("full", "apt", "PHP cannot load both"),
        ("full", "cargo", "Use one of: auto, installed, apt, source"),
        (
            "mixed",
            "auto",
            "PHP's programs disagree about the redis extension: cli, apache2, cgi loads it, fpm does not",
        ),
    ];
    for (variant, choice, expected) in choices {
        let mut config = config_for(BOOKWORM, variant, Store::Redis);
        let log = build_fails(config.env("BP_PHP_SESSION_EXTENSION", choice));
        assert!(log.contains(expected), "{choice} on {variant}:\n{log}");
        // What was not to be asked has refused nothing.
        let asked = matches!(choice, "auto" | "installed");
        assert!(asked || !log.contains("installed: "), "{choice} on {variant}:\n{log}");
    }
}

#[test]
fn what_composer_asks_of_the_extension_is_said_where_it_is_not_met() {
    let build_with = |constraint: &str| {
        let mut config = config_for(BOOKWORM, "full", Store::Redis);
        let json = format!("{{\"require\": {{\"ext-redis\": \"{constraint}\"}}}}");
        config.file("composer.json", json);
        let mut log = String::new();
        build(&config, |app| log = app.log.clone());
        log
    };
    let log = build_with("^6.0");
    assert_contains!(log, "composer.json requires ext-redis ^6.0, but this is 5.3.7");
    assert!(!build_with("^5.3 || ^6.0").contains("composer.json requires"));
}

/// An extension of a variant of Debian 12.
pub(crate) fn extension_of(variant: &str, name: &str) -> Vec<u8> {
    let object = format!("/usr/lib/php/20220829/{name}.so");
    docker(&["run", "--rm", "--entrypoint", "cat", &BOOKWORM.image(variant), &object]).stdout
}

/// php-memcache has a save handler of its own, `memcache`.
#[test]
fn memcache_without_a_d_is_not_taken_for_memcached() {
    let app = tempfile::tempdir().unwrap();
    fs::copy(root().join("samples/counter/index.php"), app.path().join("index.php")).unwrap();
    fs::write(app.path().join("memcache.so"), extension_of("everything", "memcache")).unwrap();
    fs::create_dir(app.path().join("ini")).unwrap();
    let ini = "extension=/workspace/memcache.so\nsession.save_handler=memcache\n";
    fs::write(app.path().join("ini/memcache.ini"), ini).unwrap();
    let scan_dir = ["--env", "PHP_INI_SCAN_DIR=:/workspace/ini"];
    let store = ["--env", "BP_PHP_SESSION_STORE=memcached"];
    let options = [&scan_dir[..], &store].concat();
    let build = PackBuild::run(BOOKWORM, "bare", app.path(), &options);
    let log = &build.app().log;
    assert_contains!(log, "memcached 3.2.0 from the distribution");
    let service = BoundService::start(Store::Memcached, PASSWORD);
    let bound = service.env();
    let launch = [&scan_dir[..], &["--env", &bound]].concat();
    let ask =
        "echo extension_loaded('memcache') ? 'both' : 'one', ini_get('session.save_handler');";
    let (_, said) = build.app().run(&launch, &["php", "-r", ask]);
    assert_contains!(said, "bothmemcached");
    assert_sessions_are_shared(build.app(), &launch);

    let only = [&options[..], &["--env", "BP_PHP_SESSION_EXTENSION=installed"]].concat();
    let build = PackBuild::run(BOOKWORM, "bare", app.path(), &only);
    let log = build.failed_log();
    assert_contains!(log, "memcached.so does not exist (PHP has memcache, without a d");
    assert_contains!(log, "apt-get install php8.2-memcached");
}

on_both! {
    apt_provides_redis: |suite| apt_provides(suite, Store::Redis);
    apt_provides_memcached: |suite| apt_provides(suite, Store::Memcached);
}
