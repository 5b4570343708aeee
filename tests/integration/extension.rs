//! Where the extension comes from, for each kind of image that a user may have.

use crate::support::app::{
    App, PackBuild, app_of, build, build_and_keep, build_fails, buildpack, buildpack_id, config,
    layer, make_readable, root,
};
use crate::support::certificates::Authority;
use crate::support::docker::{Container, docker};
use crate::support::http_client::assert_sessions_are_shared;
use crate::support::input::BuildInput;
use crate::support::mirror::{
    MIRROR_OF_APP, app_with_mirror, build_offline, mirror, php_in_a_layer,
};
use crate::support::services::{BoundService, Memcached, vcap};
use crate::support::{BOOKWORM, Suite, on_both};
use libcnb::data::buildpack::BuildpackId;
use libcnb::data::sbom::SbomFormat;
use libcnb_test::{SbomType, TestContext};
use php_session_store::store::Store;
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

const PASSWORD: &str = "mArKeR4f1c9e of the extension's tests";

/// A build for a store, on one kind of image.
fn config_for(suite: Suite, variant: &str, store: Store) -> BuildInput {
    let mut config = config(suite, variant);
    config.env("BP_PHP_SESSION_STORE", store.name());
    config
}

/// The app keeps a session in a real server of the store that asks for a password.
fn assert_store_works(app: &App, store: Store) {
    let service = BoundService::start(store, PASSWORD);
    assert_sessions_are_shared(app, &["--env", &service.env()]);
}

/// The image's PHP is the distribution's, and has no extension.
fn apt_provides(suite: Suite, store: Store) {
    build(&config_for(suite, "bare", store), |app| {
        let version = suite.extension(store);
        let expected = format!("{store} {version} from the distribution");
        assert!(app.log.contains(&expected), "{}", app.log);
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
fn assert_libraries_are_the_extensions_alone(app: &App, store: Store) {
    let ours = layer("extension/libraries");
    let (_, environment) = app.run(&TRY, &["env"]);
    let path = environment.lines().find(|line| line.starts_with("LD_LIBRARY_PATH="));
    assert!(!path.unwrap_or_default().contains(&layer("")), "{environment}");
    let maps = memory_of_php(app, "");
    if store == Store::Redis {
        // Debian's programs have them from the system, and so has PHP.
        let (_, of_apt) = app.run(&TRY, &["sh", "-c", "LD_TRACE_LOADED_OBJECTS=1 apt-get"]);
        assert!(of_apt.contains("libzstd.so.1 => /") && !of_apt.contains(&ours), "{of_apt}");
        assert!(maps.contains("/libzstd.so.1") && !maps.contains(&ours), "{maps}");
        return;
    }
    for library in ["libmemcached.so.11", "libhashkit.so.2", "libsasl2.so.2"] {
        assert!(maps.contains(&format!("{ours}/{library}")), "{library}: {maps}");
    }
    // As a rebase would bring it.
    let system = "/usr/lib/x86_64-linux-gnu";
    let maps = memory_of_php(app, &format!("cp {ours}/libhashkit.so.2 {system} &&"));
    let has = |folder: &str| maps.contains(&format!("{folder}/libhashkit.so.2"));
    assert!(has(system) && !has(&ours), "{maps}");
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
            assert!(app.log.contains(&format!("(loads {load})")), "{}", app.log);
            assert_store_works(app, store);
        });
    }
}

#[test]
fn php_in_a_layer_has_its_extension_compiled_without_a_network() {
    let app_dir = app_with_mirror(|_| {});
    let build = build_offline("headers", app_dir.path(), Store::Redis, &[]);
    let app = build.app();
    for expected in ["redis 6.2.0 (380 kB)", "phpredis 6.2.0, compiled from source (loads redis)"] {
        assert!(app.log.contains(expected), "{expected}: {}", app.log);
    }
    assert_store_works(app, Store::Redis);
}

/// Volumes that give the build image libsasl2's library, as another image has it, without the headers.
fn with_libsasl2() -> (TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    make_readable(folder.path());
    let output_of = |variant: &str, command: &[&str]| {
        let image = BOOKWORM.image(variant);
        docker(&[&["run", "--rm", "--entrypoint", command[0], &image], &command[1..]].concat())
            .stdout
    };
    let library = "/usr/lib/x86_64-linux-gnu/libsasl2.so.2";
    let packages = ["dpkg-query", "--status", "libsasl2-2", "libsasl2-modules-db"];
    let status = [
        output_of("compiler", &["cat", "/var/lib/dpkg/status"]),
        output_of("libraries", &packages),
    ];
    fs::write(folder.path().join("status"), status.join(&b'\n')).unwrap();
    fs::write(folder.path().join("library"), output_of("libraries", &["cat", library])).unwrap();
    let places = [
        ("status", "/var/lib/dpkg/status"),
        ("library", library),
        ("library", &*format!("{library}.0.25")),
    ];
    let volumes = places
        .map(|(name, path)| format!("--volume={}:{path}:ro", folder.path().join(name).display()));
    (folder, volumes.to_vec())
}

#[test]
fn php_in_a_layer_has_memcached_compiled_with_headers_by_apt() {
    let app_dir = app_with_mirror(|_| {});
    let (_folder, volumes) = with_libsasl2();
    let later = root().join("tests/buildpacks/ini-after").display().to_string();
    let buildpacks = [&*php_in_a_layer(), &buildpack(), &later];
    let options = ["--env", "BP_PHP_SESSION_STORE=memcached", "--env", MIRROR_OF_APP];
    let options: Vec<&str> =
        options.into_iter().chain(volumes.iter().map(String::as_str)).collect();
    let build = PackBuild::with(&buildpacks, BOOKWORM, "compiler", app_dir.path(), &options);
    let app = build.app();
    let path = app.log.lines().find(|line| line.contains("A later buildpack has LD_LIBRARY_PATH"));
    assert!(!path.expect("the later buildpack's line").contains(&layer("")), "{}", app.log);
    for expected in ["libmemcached-dev 1.", "memcached 3.3.0, compiled", "libsasl2-modules 2."] {
        assert!(app.log.contains(expected), "{expected}: {}", app.log);
    }
    assert_store_works(app, Store::Memcached);
    assert_libraries_are_the_extensions_alone(app, Store::Memcached);
}

#[test]
fn mechanisms_that_only_the_build_image_has_are_carried_without_a_network() {
    let build = PackBuild::run(
        BOOKWORM,
        "mechanisms",
        &root().join("samples/counter"),
        &["--network", "none", "--env", "BP_PHP_SESSION_STORE=memcached"],
    );
    assert_store_works(build.app(), Store::Memcached);
}

#[test]
fn without_a_network_missing_mechanisms_are_said_and_sessions_work_without_a_login() {
    let app_dir = app_with_mirror(|_| {});
    let mut build = build_offline("headers", app_dir.path(), Store::Memcached, &[]);
    let log = &build.app().log;
    assert!(log.contains("libsasl2's mechanism plugins"), "{log}");
    let memcached = Memcached::start();
    let services = vcap(&[("memcached-sessions", json!({"servers": memcached.server()}))]);
    let open = format!("VCAP_SERVICES={services}");
    assert_sessions_are_shared(build.app(), &["--env", &open]);
    // The launch says it, too, where there is a login.
    let service = BoundService::start(Store::Memcached, PASSWORD);
    let login = service.env();
    let (_, said) = build.app().run(&["--env", &login], &["true"]);
    assert!(said.contains("lacks libsasl2's plugins to log in with"), "{said}");
    // With a service that has none, nobody misses them, or waits for them.
    let without = build_offline("headers", app_dir.path(), Store::Memcached, &["--env", &open]);
    assert!(!without.app().log.contains("libsasl2"), "{}", without.app().log);

    // What is missing is looked for again by the next build, which has a network.
    build.again(&["--env", "BP_PHP_SESSION_STORE=memcached", "--env", MIRROR_OF_APP]);
    assert!(
        build
            .app()
            .log
            .contains("Rebuilding the extension layer: the last build did not finish it"),
        "{}",
        build.app().log
    );
    assert_store_works(build.app(), Store::Memcached);
}

#[test]
fn a_mirror_over_https_is_trusted_by_the_images_certificates() {
    let authority = Authority::new();
    let script = format!(
        "{} && cd /mirror && exec openssl s_server -accept 443 -key /tls/key.pem -cert /tls/cert.pem -WWW",
        Authority::wait_command()
    );
    let files = format!("{}:/mirror:ro", mirror().display());
    let tls = format!("{}:/tls:ro", authority.folder().display());
    let mirror = Container::start(
        &["--volume", &files, "--volume", &tls],
        "php-session-store/services",
        &["sh", "-c", &script],
    );
    authority.give_identity(&[&mirror.ip()]);
    mirror.wait_for_log("ACCEPT");
    let app_dir = app_with_mirror(|get| fs::remove_dir_all(get).unwrap());
    fs::write(app_dir.path().join("ca.pem"), &authority.certificate).unwrap();
    let build = |options: &[&str]| {
        let address = format!("BP_DEPENDENCY_MIRROR=https://{}", mirror.ip());
        // By default pack makes a network of its own, which does not reach other containers.
        let network = ["--network", "bridge", "--env", "BP_PHP_SESSION_STORE=redis"];
        let all = [&network[..], &["--env", &address]].concat();
        let buildpacks = [&*php_in_a_layer(), &buildpack()];
        PackBuild::with(
            &buildpacks,
            BOOKWORM,
            "headers",
            app_dir.path(),
            &[&all[..], options].concat(),
        )
    };
    let trusting = build(&["--env", "SSL_CERT_FILE=/workspace/ca.pem"]);
    assert!(trusting.app().log.contains("phpredis 6.2.0, compiled"), "{}", trusting.app().log);
    let log = build(&[]).failed_log().to_owned();
    let file = format!("https://{}/get/redis-6.2.0.tgz cannot be downloaded", mirror.ip());
    assert!(log.contains(&file) && log.to_lowercase().contains("certificate"), "{log}");
}

#[test]
fn a_tampered_or_missing_release_is_refused_by_name() {
    let tampered = app_with_mirror(|get| {
        let path = get.join("redis-6.2.0.tgz");
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(path, bytes).unwrap();
    });
    let build = build_offline("headers", tampered.path(), Store::Redis, &[]);
    let log = build.failed_log();
    let expected = "file:///workspace/mirror/get/redis-6.2.0.tgz is not the expected file";
    assert!(log.contains(expected) && log.contains("5069c13dd22bd9e4"), "{log}");

    let missing = app_with_mirror(|get| fs::remove_file(get.join("redis-6.2.0.tgz")).unwrap());
    let build = build_offline("headers", missing.path(), Store::Redis, &[]);
    let log = build.failed_log();
    assert!(log.contains("file:///workspace/mirror/get/redis-6.2.0.tgz cannot be read"), "{log}");
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
fn auto_goes_on_where_php_refuses_the_extension_that_it_has() {
    let app_dir = app_with_mirror(|_| {});
    let extensions = app_dir.path().join("extensions-of-php");
    fs::create_dir(&extensions).unwrap();
    fs::write(extensions.join("redis.so"), "this is no library").unwrap();
    let build = build_offline("headers", app_dir.path(), Store::Redis, &[]);
    let log = &build.app().log;
    assert!(log.contains("phpredis 6.2.0, compiled from source"), "{log}");
    assert_store_works(build.app(), Store::Redis);

    let only = ["--env", "BP_PHP_SESSION_EXTENSION=installed"];
    let build = build_offline("headers", app_dir.path(), Store::Redis, &only);
    let log = build.failed_log();
    assert!(
        log.contains("installed: PHP does not load") && log.contains("file too short"),
        "{log}"
    );
}

#[test]
fn what_to_load_is_decided_anew_where_php_has_gained_an_extension() {
    let app = tempfile::tempdir().unwrap();
    fs::copy(root().join("samples/counter/index.php"), app.path().join("index.php")).unwrap();
    let store = ["--env", "BP_PHP_SESSION_STORE=redis"];
    let mut build = PackBuild::run(BOOKWORM, "bare", app.path(), &store);
    assert!(build.app().log.contains("(loads igbinary, redis)"), "{}", build.app().log);
    // PHP comes to load igbinary by itself.
    let igbinary = "/layers/php-session-store_php-session-store/extension/extensions/igbinary.so";
    fs::create_dir(app.path().join("ini")).unwrap();
    fs::write(app.path().join("ini/igbinary.ini"), format!("extension={igbinary}\n")).unwrap();
    let scan_dir = ["--env", "PHP_INI_SCAN_DIR=:/workspace/ini"];
    build.again(&[&store[..], &scan_dir].concat());
    let log = &build.app().log;
    assert!(
        log.contains("Reusing the cached extension layer") && log.contains("(loads redis)"),
        "{log}"
    );
    let service = BoundService::start(Store::Redis, PASSWORD);
    let bound = service.env();
    let options = [&scan_dir[..], &["--env", &bound]].concat();
    let (_, said) = build.app().run(&options, &["php", "-v"]);
    assert!(!said.contains("already loaded"), "{said}");
    assert_sessions_are_shared(build.app(), &options);
}

/// A security fix of the distribution comes with a rebuild, when the packages are old enough.
#[test]
fn packages_of_the_distribution_age() {
    let app_dir = root().join("samples/counter");
    let store = ["--env", "BP_PHP_SESSION_STORE=redis"];
    let mut build = PackBuild::run(BOOKWORM, "bare", &app_dir, &store);
    let old = ["--env", "BP_PHP_SESSION_EXTENSION_MAX_AGE=0"];
    build.again(&[&store[..], &old].concat());
    let log = &build.app().log;
    assert!(log.contains("Reusing the cached extension layer"), "{log}");
    assert!(log.contains("Downloading php8.2-redis with apt"), "{log}");
    assert_store_works(build.app(), Store::Redis);
    // Without a network, the old ones serve.
    build.again(&[&store[..], &old, &["--network", "none"]].concat());
    let log = &build.app().log;
    assert!(log.contains("0 days old and cannot be refreshed"), "{log}");
    assert_store_works(build.app(), Store::Redis);
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
    assert!(log.contains("composer.json requires ext-redis ^6.0, but this is 5.3.7"), "{log}");
    assert!(!build_with("^5.3 || ^6.0").contains("composer.json requires"));
}

/// An extension of a variant of Debian 12.
fn extension_of(variant: &str, name: &str) -> Vec<u8> {
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
    assert!(log.contains("memcached 3.2.0 from the distribution"), "{log}");
    let service = BoundService::start(Store::Memcached, PASSWORD);
    let bound = service.env();
    let launch = [&scan_dir[..], &["--env", &bound]].concat();
    let ask =
        "echo extension_loaded('memcache') ? 'both' : 'one', ini_get('session.save_handler');";
    let (_, said) = build.app().run(&launch, &["php", "-r", ask]);
    assert!(said.contains("bothmemcached"), "{said}");
    assert_sessions_are_shared(build.app(), &launch);

    let only = [&options[..], &["--env", "BP_PHP_SESSION_EXTENSION=installed"]].concat();
    let build = PackBuild::run(BOOKWORM, "bare", app.path(), &only);
    let log = build.failed_log();
    assert!(log.contains("memcached.so does not exist (PHP has memcache, without a d"), "{log}");
    assert!(log.contains("apt-get install php8.2-memcached"), "{log}");
}

#[test]
fn auto_prefers_the_version_that_composer_asks_for() {
    // Debian's PHP has 5.3.7 and does not load it; the pinned release is 6.2.0.
    let app_dir = app_with_mirror(|_| {});
    fs::write(app_dir.path().join("composer.json"), r#"{"require": {"ext-redis": "^6.0"}}"#)
        .unwrap();
    let extensions = app_dir.path().join("extensions-of-php");
    fs::create_dir(&extensions).unwrap();
    for name in ["redis", "igbinary"] {
        fs::write(extensions.join(format!("{name}.so")), extension_of("disabled", name)).unwrap();
    }
    let build = build_offline("headers", app_dir.path(), Store::Redis, &[]);
    let log = &build.app().log;
    assert!(log.contains("phpredis 6.2.0, compiled from source"), "{log}");
    fs::write(app_dir.path().join("composer.json"), r#"{"require": {"ext-redis": "*"}}"#).unwrap();
    let build = build_offline("headers", app_dir.path(), Store::Redis, &[]);
    assert!(build.app().log.contains("phpredis 5.3.7 from the image"), "{}", build.app().log);
}

#[test]
fn a_rebuild_reuses_the_layer_until_its_key_changes() {
    let config = config_for(BOOKWORM, "bare", Store::Redis);
    build_and_keep(&config, |context, app| {
        assert!(app.log.contains("Downloading php8.2-redis with apt"), "{}", app.log);
        assert_sboms_name_packages(&context);
        context.rebuild(config.config(), |context| {
            let log = app_of(&context).log;
            assert!(log.contains("Reusing the cached extension layer"), "{log}");
            assert!(!log.contains(" with apt"), "{log}");
            assert_sboms_name_packages(&context);
            let mut changed = config.clone();
            changed.env("BP_PHP_SESSION_EXTENSION", "apt");
            context.rebuild(changed.config(), |context| {
                let log = app_of(&context).log;
                let expected =
                    "Rebuilding the extension layer: provider changed from \"auto\" to \"apt\"";
                assert!(log.contains(expected), "{log}");
                assert!(log.contains("Downloading php8.2-redis with apt"), "{log}");
            });
        });
    });
}

/// The image's bills of materials name what the layers carry.
fn assert_sboms_name_packages(context: &TestContext) {
    let debs = ["php8.2-redis", "php8.2-igbinary", "libzstd1", "liblz4-1"];
    for text in assert_sboms_name(context, "extension", &debs) {
        let redis = "pkg:deb/debian/php8.2-redis@5.3.7%2B4.3.0-3?arch=amd64&distro=debian-12";
        assert!(text.contains(redis), "{text}");
    }
    assert_sboms_name(context, "session", &["php-session-store"]);
}

/// All three bills of a layer name these; gives the bills.
fn assert_sboms_name(context: &TestContext, layer: &str, expected: &[&str]) -> [String; 3] {
    context.download_sbom_files(|files| {
        [
            (SbomFormat::CycloneDxJson, "components"),
            (SbomFormat::SpdxJson, "packages"),
            (SbomFormat::SyftJson, "artifacts"),
        ]
        .map(|(format, list)| {
            let buildpack: BuildpackId = buildpack_id().parse().unwrap();
            let path = files.path_for(buildpack, SbomType::Layer(layer.parse().unwrap()), format);
            let document: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            let items = document[list].as_array().unwrap();
            let names: Vec<&str> = items.iter().map(|it| it["name"].as_str().unwrap()).collect();
            for name in expected {
                assert!(names.contains(name), "{name} of {names:?} in {document}");
            }
            document.to_string()
        })
    })
}

#[test]
fn an_extension_that_the_image_has_is_in_the_bill_as_well() {
    let mut config = config(BOOKWORM, "full");
    build_and_keep(config.env("BP_PHP_SESSION_STORE", "redis"), |context, _| {
        let expected = ["php-session-store", "php8.2-redis"];
        assert_sboms_name(&context, "session", &expected);
    });
}

on_both! {
    apt_provides_redis: |suite| apt_provides(suite, Store::Redis);
    apt_provides_memcached: |suite| apt_provides(suite, Store::Memcached);
}
