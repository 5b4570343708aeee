//! Builds that compile an extension, or several in turn.

use crate::extension::{
    assert_libraries_are_the_extensions_alone, assert_store_works, extension_of,
};
use crate::support::BOOKWORM;
use crate::support::app::{buildpack, layer, make_readable, root};
use crate::support::certificates::Authority;
use crate::support::docker::{Container, docker};
use crate::support::mirror::{
    MIRROR_OF_APP, app_with_mirror, build_offline, mirror, php_in_a_layer,
};
use crate::support::pack_build::PackBuild;
use libcnb_test::assert_contains;
use php_session_store::store::Store;
use std::fs;
use tempfile::TempDir;

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
    for expected in ["libmemcached-dev 1.", "memcached 3.3.0, compiled"] {
        assert!(app.log.contains(expected), "{expected}: {}", app.log);
    }
    assert_store_works(app, Store::Memcached);
    assert_libraries_are_the_extensions_alone(app, Store::Memcached);
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
    assert_contains!(log, &file);
    assert!(log.to_lowercase().contains("certificate"), "{log}");
}

#[test]
fn auto_goes_on_where_php_refuses_the_extension_that_it_has() {
    let app_dir = app_with_mirror(|_| {});
    let extensions = app_dir.path().join("extensions-of-php");
    fs::create_dir(&extensions).unwrap();
    fs::write(extensions.join("redis.so"), "this is no library").unwrap();
    let build = build_offline("headers", app_dir.path(), Store::Redis, &[]);
    let log = &build.app().log;
    assert_contains!(log, "phpredis 6.2.0, compiled from source");
    assert_store_works(build.app(), Store::Redis);

    let only = ["--env", "BP_PHP_SESSION_EXTENSION=installed"];
    let build = build_offline("headers", app_dir.path(), Store::Redis, &only);
    let log = build.failed_log();
    assert_contains!(log, "installed: PHP does not load");
    assert_contains!(log, "file too short");
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
    assert_contains!(log, "phpredis 6.2.0, compiled from source");
    fs::write(app_dir.path().join("composer.json"), r#"{"require": {"ext-redis": "*"}}"#).unwrap();
    let build = build_offline("headers", app_dir.path(), Store::Redis, &[]);
    assert!(build.app().log.contains("phpredis 5.3.7 from the image"), "{}", build.app().log);
}
