//! When the buildpack takes part, and how it says what is wrong.

use crate::support::BOOKWORM;
use crate::support::app::{build, build_fails, buildpack, buildpack_id, config, root};
use crate::support::pack_build::PackBuild;
use crate::support::secrets::MARKER;
use crate::support::services::vcap;
use libcnb_test::{assert_contains, assert_not_contains};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn without_a_service_detect_fails_in_one_line_and_says_what_was_looked_at() {
    let db = json!({"name": "db", "credentials": {"password": MARKER}});
    let services = json!({"postgres": [db]}).to_string();
    let log = build_fails(config(BOOKWORM, "full").env("VCAP_SERVICES", services));
    let expected = "No session service is bound, and BP_PHP_SESSION_STORE is not set. Looked for \
        a name containing \"redis-sessions\" or the type php-redis-session, a name containing \
        \"memcached-sessions\" or the type php-memcached-session in service bindings in \
        /platform/bindings (no service), VCAP_SERVICES (\"db\").";
    assert!(log.lines().any(|line| line.ends_with(expected)), "{log}");
}

/// The package of a group in `folder`: we as an optional member, then another buildpack.
fn package_of_group(folder: &Path) -> String {
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    fs::create_dir_all(folder.join("other/bin")).unwrap();
    write(
        "other/buildpack.toml",
        "api = \"0.10\"\n[buildpack]\nid = \"other\"\nversion = \"1.0.0\"\n[[targets]]\nos = \"linux\"\n".into(),
    );
    for (script, text) in [("detect", ""), ("build", "echo the other one builds")] {
        let path = format!("other/bin/{script}");
        write(&path, format!("#!/bin/sh\n{text}\n"));
        let path = folder.join(path);
        assert!(Command::new("chmod").arg("755").arg(path).status().unwrap().success());
    }
    write(
        "buildpack.toml",
        format!(
            "api = \"0.10\"\n[buildpack]\nid = \"group\"\nversion = \"1.0.0\"\n\
             [[order]]\n[[order.group]]\nid = \"{}\"\nversion = \"0.1.0\"\noptional = true\n\
             [[order.group]]\nid = \"other\"\nversion = \"1.0.0\"\n",
            buildpack_id()
        ),
    );
    write(
        "package.toml",
        format!(
            "[buildpack]\nuri = \".\"\n[[dependencies]]\nuri = \"{}\"\n[[dependencies]]\nuri = \"other\"\n",
            buildpack()
        ),
    );
    let package = folder.join("group.cnb");
    let output = Command::new("pack")
        .args(["buildpack", "package", "--format", "file", "--target", "linux/amd64"])
        .arg(&package)
        .arg("--config")
        .arg(folder.join("package.toml"))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    package.display().to_string()
}

#[test]
fn as_an_optional_member_the_group_goes_on_without_us() {
    let folder = tempfile::tempdir().unwrap();
    let package = package_of_group(folder.path());
    let app_dir = root().join("samples/counter");
    let build = PackBuild::with(&[&package], BOOKWORM, "full", &app_dir, &[]);
    let log = &build.app().log;
    assert_contains!(log, "the other one builds");
    assert_not_contains!(log, "## PHP session store");

    // What was perhaps meant for sessions is said by the build: detect's words are hidden.
    let cache = json!({"name": "cache", "credentials": {"host": "h", "password": MARKER}});
    let near = format!("VCAP_SERVICES={}", json!({"p.redis": [cache]}));
    let build = PackBuild::with(&[&package], BOOKWORM, "full", &app_dir, &["--env", &near]);
    let log = &build.app().log;
    assert_contains!(log, "the other one builds");
    assert_contains!(log, "## PHP session store");
    for part in [
        "is a Redis service. To keep sessions there, set REDIS_SESSION_STORE_SERVICE_NAME=cache",
        "BP_PHP_SESSION_STORE=none",
    ] {
        assert_contains!(log, part);
    }

    // What is wrong, however, stops the build, although we are optional.
    let broken = ["--env", "VCAP_SERVICES={\"p.redis\": 5}"];
    let build = PackBuild::with(&[&package], BOOKWORM, "full", &app_dir, &broken);
    assert!(
        build.failed_log().contains("VCAP_SERVICES has no list at \"p.redis\""),
        "{}",
        build.failed_log()
    );
}

#[test]
fn malformed_options_json_stops_the_build_with_its_position() {
    let mut config = config(BOOKWORM, "full");
    config.file(".bp-config/options.json", "{\n  \"WEBDIR\": htdocs\n}");
    let log = build_fails(&config);
    assert_contains!(log, ".bp-config/options.json is not valid JSON");
    assert_contains!(log, "line 2");
}

/// `BP_LOG_LEVEL=DEBUG` says what was looked at; the helpers of every build search the log for the password.
#[test]
fn details_on_request() {
    let services = vcap(&[
        ("db", json!({"password": MARKER})),
        ("my-redis-sessions", json!({"host": "h", "password": MARKER})),
    ]);
    let mut config = config(BOOKWORM, "full");
    config.env("VCAP_SERVICES", services);
    let details = [
        "Looked in service bindings in /platform/bindings (no service), VCAP_SERVICES (\"db\", \"my-redis-sessions\")",
        "Redis, name containing \"redis-sessions\": \"my-redis-sessions\"",
        "Memcached, type php-memcached-session: no service",
        "/usr/bin/php8.2, extension API 20220829, not thread-safe, not debug",
        "PHP_SESSION_SAVE_PATH",
    ];
    build(&config, |app| {
        for line in details {
            assert_not_contains!(app.log, line);
        }
    });
    build(config.env("BP_LOG_LEVEL", "debug"), |app| {
        for line in details {
            assert!(app.log.contains(line), "{line}:\n{}", app.log);
        }
    });
}
