//! What the build says of the app, and of what other buildpacks have left.

use crate::support::app::{make_readable, root};
use crate::support::check::{assert_cause, assert_verdict, check};
use crate::support::docker::docker;
use crate::support::http_client::assert_sessions_are_shared;
use crate::support::layout::Layout;
use crate::support::pack_build::PackBuild;
use crate::support::sample::{app_for_every_server, copy, write};
use crate::support::secrets::{MARKER, ODD_PASSWORD};
use crate::support::services::BoundService;
use crate::support::{BOOKWORM, TRIXIE};
use libcnb_test::{assert_contains, assert_not_contains};
use php_session_store::store::Store;
use tempfile::TempDir;

/// The counter with further files.
fn counter_with(files: &[(&str, &str)]) -> TempDir {
    let app = tempfile::tempdir().unwrap();
    make_readable(app.path());
    copy(&root().join("samples/counter"), app.path());
    for (name, text) in files {
        write(app.path(), name, text);
    }
    app
}

/// Where README put the binding once, and where a copied `.env` puts the password.
#[test]
fn credentials_in_the_app_are_named() {
    let dotenv = format!("REDIS_PASSWORD={MARKER}\n");
    let app = counter_with(&[
        ("bindings/redis-sessions/type", "redis"),
        ("bindings/redis-sessions/host", "redis.shop.svc"),
        ("bindings/redis-sessions/password", MARKER),
        (".env", &dotenv),
    ]);
    let bound = format!("{}:/platform/bindings:ro", app.path().join("bindings").display());
    let build = PackBuild::run(BOOKWORM, "full", app.path(), &["--volume", &bound]);
    let log = &build.app_with_credentials().log;
    for said in [
        "bindings/redis-sessions in the app looks like a service binding, so its credentials are in the image",
        ".env in the app contains the password of the bound service, so it is in the image",
    ] {
        assert_contains!(log, said);
    }
}

#[test]
fn the_password_is_in_no_variable_that_the_app_does_not_read() {
    let service = BoundService::start(Store::Redis, ODD_PASSWORD);
    let bound = service.env();
    let reads = "<?php new Redis(['auth' => getenv('PHP_SESSION_STORE_PASSWORD')]);";
    for (files, are_set) in [(&[][..], false), (&[("src/cache.php", reads)], true)] {
        let app = counter_with(files);
        let options = ["--env", "BP_PHP_SESSION_STORE=redis"];
        let build = PackBuild::run(TRIXIE, "full", app.path(), &options);
        let (_, names) = build.app().run(&["--env", &bound], &["sh", "-c", "env | cut -d= -f1"]);
        assert_contains!(names, "PHP_SESSION_STORE_HOST");
        for name in ["PHP_SESSION_STORE_URL", "PHP_SESSION_STORE_PASSWORD"] {
            assert_eq!(names.contains(name), are_set, "{names}");
        }
    }
}

#[test]
fn codeigniter_3_is_told_its_lines() {
    let app = counter_with(&[
        ("system/core/CodeIgniter.php", "<?php\n\tconst CI_VERSION = '3.1.13';\n"),
        ("application/config/config.php", "<?php\n$config['sess_driver'] = 'files';\n"),
    ]);
    let options = ["--env", "BP_PHP_SESSION_STORE=redis"];
    let build = PackBuild::run(BOOKWORM, "full", app.path(), &options);
    let app = build.app();
    let lines = "$config['sess_driver'] = 'redis';";
    assert_contains!(app.log, "CodeIgniter 3.1.13");
    assert_contains!(app.log, lines);
    let service = BoundService::start(Store::Redis, ODD_PASSWORD);
    let checked = check(app, &[&format!("--env={}", service.env())]);
    assert_verdict(&checked, "not-kept");
    assert_cause(&checked, "framework-keeps-its-own");
}

/// php-dist's own ini file has `session.save_handler = files`, and a cookie's name.
#[test]
fn paketos_php_is_not_suspected_and_an_app_that_names_a_server_is() {
    let app = app_for_every_server();
    write(app.path(), ".php.ini.d/a.ini", "session.save_handler = files\n");
    let build = Layout::Paketo.build(app.path(), Store::Redis, &[]);
    let log = &build.app().log;
    assert_not_contains!(log, "also sets where PHP keeps its sessions");
    assert_contains!(log, "PHP (cli, fpm) gives no new warning with it");
    assert_contains!(log, "session.name = JSESSIONID, which no longer counts");
    drop(build);
    write(app.path(), ".php.ini.d/b.ini", "session.save_path = \"tcp://old:6379?auth=old\"\n");
    let build =
        Layout::Paketo.build(app.path(), Store::Redis, &["--env", "BP_PHP_SESSION_NAME=SHOP"]);
    let log = &build.app().log;
    assert_contains!(log, "The app's .php.ini.d/b.ini also sets where PHP keeps");
    assert_not_contains!(log, "from another buildpack");
    assert_not_contains!(log, "no longer counts");
}

/// With `PHP_INI_SCAN_DIR`, php-dist's ini file that names the folder of the extensions is not read.
#[test]
fn paketos_extensions_are_found_where_their_ini_file_is_not_read() {
    let app = app_for_every_server();
    let scan_dir = ["--env", "PHP_INI_SCAN_DIR=/workspace/settings"];
    let build = Layout::Paketo.build(app.path(), Store::Redis, &scan_dir);
    let log = &build.app().log;
    assert_contains!(log, "Using phpredis 5.3.7 from the image");
    let service = BoundService::start(Store::Redis, ODD_PASSWORD);
    assert_sessions_are_shared(build.app(), &["--env", &service.env()]);
}

/// Debian's `redis.so` with its symbols looked up when they are used, as Paketo's is built: an ini file that enables it alone
/// leaves it registered, without its session handler.
fn without_bind_now() -> Vec<u8> {
    let object = "/usr/lib/php/20220829/redis.so";
    let cat = ["run", "--rm", "--entrypoint", "cat", &BOOKWORM.image("disabled"), object];
    let mut bytes = docker(&cat).stdout;
    let number = |bytes: &[u8], at: usize| {
        usize::try_from(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())).unwrap()
    };
    // ELF64: the program header of type 2 is the dynamic section.
    let headers = (0..usize::from(bytes[56])).map(|index| number(&bytes, 32) + index * 56);
    let headers: Vec<usize> = headers.collect();
    let dynamic = *headers.iter().find(|at| bytes[**at] == 2).unwrap();
    // What is looked up late must be writable: without PT_GNU_RELRO, which becomes PT_NULL.
    for header in headers {
        if bytes[header..header + 4] == [0x52, 0xe5, 0x74, 0x64] {
            bytes[header..header + 4].fill(0);
        }
    }
    let (start, size) = (number(&bytes, dynamic + 8), number(&bytes, dynamic + 32));
    for entry in (start..start + size).step_by(16) {
        match number(&bytes, entry) {
            // DT_FLAGS: DF_BIND_NOW.
            0x1e => bytes[entry + 8] &= !0x08,
            // DT_FLAGS_1: DF_1_NOW.
            0x6fff_fffb => bytes[entry + 8] &= !0x01,
            _ => {}
        }
    }
    bytes
}

#[test]
fn an_extension_that_lacks_only_igbinary_gets_it() {
    let app = app_for_every_server();
    std::fs::write(app.path().join("redis.so"), without_bind_now()).unwrap();
    write(app.path(), ".php.ini.d/redis.ini", "extension=/workspace/redis.so\n");
    let build = Layout::Paketo.build(app.path(), Store::Redis, &[]);
    let log = &build.app().log;
    assert_contains!(log, "from the image (loads igbinary)");
    let service = BoundService::start(Store::Redis, ODD_PASSWORD);
    assert_sessions_are_shared(build.app(), &["--env", &service.env()]);
}
