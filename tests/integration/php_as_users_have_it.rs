//! PHP as people have it: with every extension of the distribution, and with settings that get in the way.

use crate::support::app::{App, build, config, make_readable, root};
use crate::support::http_client::{HttpClient, assert_sessions_are_shared};
use crate::support::input::BuildInput;
use crate::support::layout::Layout;
use crate::support::sample::{app_for_every_server, write};
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::BoundService;
use crate::support::{BOOKWORM, Suite, TRIXIE, on_both};
use php_session_store::store::Store;
use std::fs;
use tempfile::TempDir;

/// Settings that people have, each with its name; PHP reads them after its own ini files, before ours.
const SETTINGS: [(&str, &str); 23] = [
    (
        "hardened",
        "disable_functions=phpinfo,phpversion,exec,ini_get_all,ini_set,ini_get,system,json_encode,get_loaded_extensions",
    ),
    ("auto-start", "session.auto_start=1"),
    ("strict-mode", "session.use_strict_mode=1"),
    ("files-handler", "session.save_handler=files\nsession.save_path=/var/lib/php/sessions"),
    ("user-handler", "session.save_handler=user"),
    // The handler of php-memcache (without a d), which is there beside php-memcached.
    ("memcache-handler", "session.save_handler=memcache\nsession.save_path=tcp://127.0.0.1:11211"),
    (
        "cookies",
        "session.cookie_secure=0\nsession.cookie_httponly=1\nsession.cookie_samesite=Lax\nsession.cookie_lifetime=3600",
    ),
    ("lazy-write", "session.lazy_write=0"),
    ("open-basedir", "open_basedir=/workspace:/tmp"),
    ("prepend-prints", "auto_prepend_file=/workspace/prints.php\noutput_buffering=4096"),
    ("prepend-exits", "auto_prepend_file=/workspace/exits.php"),
    ("little-memory", "memory_limit=8M"),
    ("jit", "opcache.enable_cli=1\nopcache.jit_buffer_size=8M\nopcache.jit=tracing"),
    ("preload", "opcache.enable=1\nopcache.enable_cli=1\nopcache.preload=/workspace/preload.php"),
    ("file-cache-only", "opcache.enable_cli=1\nopcache.file_cache=/tmp\nopcache.file_cache_only=1"),
    ("errors-to-stderr", "display_errors=stderr\nhtml_errors=1"),
    ("error-log", "error_log=/proc/nowhere/php.log\nlog_errors=1"),
    ("xdebug-develop", "xdebug.mode=develop"),
    (
        "xdebug-everything",
        "xdebug.mode=debug,coverage,profile,trace\nxdebug.start_with_request=yes\nxdebug.client_host=127.0.0.1\nxdebug.output_dir=/tmp",
    ),
    ("igbinary-serializer", "session.serialize_handler=igbinary"),
    ("output-buffering", "output_buffering=4096\nimplicit_flush=1"),
    ("precision", "precision=3\nserialize_precision=3"),
    ("short-lived", "max_execution_time=1\nmax_input_time=1"),
];

fn app_with_settings(settings: &str) -> TempDir {
    let app = tempfile::tempdir().expect("a folder");
    make_readable(app.path());
    fs::copy(root().join("samples/counter/index.php"), app.path().join("index.php"))
        .expect("our own folder");
    let write = |name, text| write(app.path(), name, text);
    write("settings/settings.ini", settings);
    // Both on the command line only, which is where the build asks; a visitor is to see the counter alone.
    write("prints.php", "<?php if (PHP_SAPI === 'cli') { echo '{\"printed\": \"by the app\"} '; }");
    write("exits.php", "<?php if (PHP_SAPI === 'cli') { echo 'not here'; exit(1); }");
    write("preload.php", "<?php class Preloaded {}");
    app
}

/// PHP reads the app's settings at build and at launch.
const SCAN_DIR: &str = ":/workspace/settings";

fn config_with_settings(suite: Suite, app: &TempDir, store: Store) -> BuildInput {
    let mut config = config(suite, "everything");
    config.app_dir(app.path());
    config.env("BP_PHP_SESSION_STORE", store.name()).env("PHP_INI_SCAN_DIR", SCAN_DIR);
    config
}

fn settings_keep_sessions(suite: Suite, service: &BoundService, name: &str, settings: &str) {
    eprintln!("settings: {name}");
    let app = app_with_settings(settings);
    build(&config_with_settings(suite, &app, service.store()), |app| {
        let (scan_dir, bound) = (format!("PHP_INI_SCAN_DIR={SCAN_DIR}"), service.env());
        let options = ["--env", &scan_dir, "--env", &bound];
        let (a, b) = (app.start(&options), app.start(&options));
        let mut visitor = HttpClient::new();
        let counts: Vec<u32> =
            [&a, &b, &a].map(|instance| visitor.count(instance.address())).to_vec();
        assert_eq!(counts, [1, 2, 3], "{name}: {}", a.container.logs());
    });
}

/// What an app may enable of the extensions; Debian's redis needs igbinary before it.
const ENABLED: [&[&str]; 2] = [&["igbinary"], &["redis", "igbinary"]];
const ALSO_ENABLED: [&[&str]; 2] = [&["redis"], &["igbinary", "redis"]];

fn ini_that_enables(extensions: &[&str]) -> String {
    let lines: Vec<String> =
        extensions.iter().map(|name| format!("extension = {name}.so")).collect();
    lines.join("\n")
}

/// Sessions are kept, nothing is loaded twice, and the build says what to do where PHP goes on to warn.
fn assert_enabled_extensions_are_used(app: &App, extensions: &[&str], launch: &[&str]) {
    assert_sessions_are_shared(app, launch);
    let (_, started) = app.run(launch, &["php", "-r", "echo 'up';"]);
    assert!(!started.contains("already loaded"), "{extensions:?}: {started}");
    let warns = started.contains("undefined symbol: igbinary_serialize");
    assert_eq!(warns, extensions[0] == "redis", "{extensions:?}: {started}");
    let said = "Remove the line `extension=redis.so`, or put `extension=igbinary.so` before it";
    assert_eq!(app.log.contains(said), warns, "{extensions:?}: {}", app.log);
}

/// On PHP as Paketo lays it out, the app's `.php.ini.d` enables extensions.
fn enabled_extensions_are_used(rows: [&[&str]; 2]) {
    let service = BoundService::start(Store::Redis, ODD_PASSWORD);
    for extensions in rows {
        let app = app_for_every_server();
        write(app.path(), ".php.ini.d/extensions.ini", &ini_that_enables(extensions));
        let build = Layout::Paketo.build(app.path(), Store::Redis, &[]);
        let bound = service.env();
        assert_enabled_extensions_are_used(build.app(), extensions, &["--env", &bound]);
    }
}

#[test]
fn extensions_that_the_app_enables_are_used_in_any_order() {
    enabled_extensions_are_used(ENABLED);
}

/// Which settings do not get in each other's way (with Redis, PHP does not survive `auto-start` and `preload` together).
/// Each alone takes minutes.
const TOGETHER: [&[&str]; 3] = [
    &[
        "hardened",
        "strict-mode",
        "files-handler",
        "cookies",
        "lazy-write",
        "open-basedir",
        "prepend-prints",
        "little-memory",
        "jit",
        "preload",
        "errors-to-stderr",
        "xdebug-develop",
        "igbinary-serializer",
        "precision",
        "short-lived",
    ],
    &["auto-start", "memcache-handler", "prepend-exits", "error-log"],
    &["user-handler", "file-cache-only", "xdebug-everything", "output-buffering"],
];

fn settings_together_keep_sessions(suite: Suite, store: Store) {
    let mut known: Vec<&str> = SETTINGS.iter().map(|(name, _)| *name).collect();
    let mut tested = TOGETHER.concat();
    known.sort_unstable();
    tested.sort_unstable();
    assert_eq!(tested, known);
    let service = BoundService::start(store, ODD_PASSWORD);
    for names in TOGETHER {
        let chosen = SETTINGS.iter().filter(|(name, _)| names.contains(name));
        let settings: Vec<&str> = chosen.map(|(_, settings)| *settings).collect();
        settings_keep_sessions(suite, &service, &names.join(", "), &settings.join("\n"));
    }
}

#[test]
fn settings_that_people_have_keep_sessions_in_redis() {
    settings_together_keep_sessions(TRIXIE, Store::Redis);
}

/// Xdebug's variable sets the mode over every ini file and every option, at build as well.
fn xdebug_in_every_mode_keeps_sessions(suite: Suite) {
    let modes = ["off", "develop", "debug", "coverage", "profile", "trace", "gcstats"];
    let settings =
        "xdebug.start_with_request=yes\nxdebug.client_host=127.0.0.1\nxdebug.output_dir=/tmp";
    let service = BoundService::start(Store::Redis, ODD_PASSWORD);
    let app = app_with_settings(settings);
    let mut config = config_with_settings(suite, &app, Store::Redis);
    build(config.env("XDEBUG_MODE", modes[1..].join(",")), |app| {
        let (scan_dir, bound) = (format!("PHP_INI_SCAN_DIR={SCAN_DIR}"), service.env());
        let mut visitor = HttpClient::new();
        for (count, mode) in (1..).zip(modes) {
            let variable = format!("XDEBUG_MODE={mode}");
            let options = ["--env", &scan_dir, "--env", &bound, "--env", &variable];
            let instance = app.start(&options);
            assert_eq!(visitor.count(instance.address()), count, "{mode}");
        }
    });
}

on_both! {
    xdebug_in_every_mode_keeps_sessions;
}

mod slow {
    use super::*;

    #[test]
    fn each_setting_that_people_have_keeps_sessions() {
        let service = BoundService::start(Store::Redis, ODD_PASSWORD);
        for (name, settings) in SETTINGS {
            settings_keep_sessions(BOOKWORM, &service, name, settings);
        }
    }

    #[test]
    fn other_extensions_that_the_app_enables_are_used_in_any_order() {
        enabled_extensions_are_used(ALSO_ENABLED);
    }

    /// Where the app's ini files take the place of Debian's.
    #[test]
    fn extensions_that_the_app_enables_instead_of_debians_are_used_in_any_order() {
        let service = BoundService::start(Store::Redis, ODD_PASSWORD);
        for extensions in [ENABLED, ALSO_ENABLED].concat() {
            let app = app_with_settings(&ini_that_enables(extensions));
            let mut config = config(TRIXIE, "full");
            config.app_dir(app.path()).env("BP_PHP_SESSION_STORE", "redis");
            build(config.env("PHP_INI_SCAN_DIR", "/workspace/settings"), |app| {
                let (scan_dir, bound) = ("PHP_INI_SCAN_DIR=/workspace/settings", service.env());
                let launch = ["--env", scan_dir, "--env", &bound];
                assert_enabled_extensions_are_used(app, extensions, &launch);
            });
        }
    }

    on_both! {
        settings_that_people_have_keep_sessions_in_memcached: |suite| settings_together_keep_sessions(suite, Store::Memcached);
    }
}
