//! Orders of several buildpacks: ours in the middle, last, after Paketo's handler, and by `project.toml`.

use crate::support::BOOKWORM;
use crate::support::app::{App, buildpack, buildpack_id, make_readable, of_setup, root};
use crate::support::check::{assert_verdict, check};
use crate::support::http_client::assert_sessions_are_shared;
use crate::support::pack_build::PackBuild;
use crate::support::sample::{app_for_every_server, write};
use crate::support::secrets::MARKER;
use crate::support::services::Redis;
use crate::support::tls::PASSWORD;
use libcnb_test::{assert_contains, assert_not_contains};
use std::fs;
use tempfile::TempDir;

fn of_tests(name: &str) -> String {
    root().join("tests/buildpacks").join(name).display().to_string()
}

/// A binding's folder.
fn binding(redis: &Redis, kind: &str, password: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    make_readable(folder.path());
    for (name, text) in [("type", kind), ("host", &redis.host()), ("password", password)] {
        write(folder.path(), &format!("shop-redis-sessions/{name}"), text);
    }
    folder
}

/// Builds the counter with these buildpacks and a binding.
fn build(buildpacks: &[&str], app: &TempDir, binding: &TempDir) -> PackBuild {
    let php = format!("{}:/php-dist:ro", of_setup("php-dist").display());
    let bound = format!("{}:/platform/bindings:ro", binding.path().display());
    let options = ["--volume", &php, "--volume", &bound];
    PackBuild::with(buildpacks, BOOKWORM, "servers", app.path(), &options)
}

fn assert_kept(app: &App, binding: &TempDir) {
    let bound = format!("{}:/platform/bindings:ro", binding.path().display());
    assert_sessions_are_shared(app, &["--volume", &bound]);
    let (kept, said) = app.check(&["--volume", &bound]);
    assert!(kept, "{said}");
}

#[test]
fn in_the_middle_and_last() {
    let redis = Redis::start(MARKER);
    let binding = binding(&redis, "redis", MARKER);
    let app = app_for_every_server();
    let (php, ours, after) = (of_tests("php-as-paketo"), buildpack(), of_tests("ini-after"));
    for order in [[&php, &ours, &after], [&php, &after, &ours]] {
        let build = build(&order.map(String::as_str), &app, &binding);
        assert_kept(build.app(), &binding);
        let (_, limit) = build.app().run(
            &["--volume", &format!("{}:/platform/bindings:ro", binding.path().display())],
            &["php", "-r", "echo ini_get('memory_limit');"],
        );
        assert_contains!(limit, "64M");
    }
}

/// The handler writes the password into the image, which is its way; ours decides where sessions are.
#[test]
fn after_paketos_handler_ours_is_in_force() {
    let (theirs, ours) = (Redis::start(PASSWORD), Redis::start(PASSWORD));
    let at_build = binding(&theirs, "php-redis-session", PASSWORD);
    let app = app_for_every_server();
    let order = [of_tests("php-as-paketo"), of_tests("redis-handler-as-paketo"), buildpack()];
    let build = build(&order.each_ref().map(String::as_str), &app, &at_build);
    let log = &build.app_with_credentials().log;
    for part in [
        "php-redis-config/php-redis.ini, from another buildpack",
        "a name that contains \"redis-sessions\"",
    ] {
        assert_contains!(log, part);
    }
    let at_launch = binding(&ours, "php-redis-session", PASSWORD);
    assert_kept(build.app_with_credentials(), &at_launch);
    assert_eq!((ours.sessions(PASSWORD), theirs.sessions(PASSWORD)), (1, 0));
    let bound = format!("{}:/platform/bindings:ro", at_launch.path().display());
    let (_, said) = build.app_with_credentials().run(&["--volume", &bound], &["php", "-v"]);
    // Two buildpacks load the extension: docs/migration.md says so, and what to do.
    assert_contains!(said, "Module \"redis\" is already loaded");
}

/// Where the handler comes last, its settings are in force, and `session-check` sees where they lead.
#[test]
fn before_paketos_handler_theirs_is_in_force() {
    let (theirs, other) = (Redis::start(PASSWORD), Redis::start(PASSWORD));
    let at_build = binding(&theirs, "php-redis-session", PASSWORD);
    let app = app_for_every_server();
    let order = [of_tests("php-as-paketo"), buildpack(), of_tests("redis-handler-as-paketo")];
    let build = build(&order.each_ref().map(String::as_str), &app, &at_build);
    let app = build.app_with_credentials();
    let options =
        |binding: &TempDir| format!("--volume={}:/platform/bindings:ro", binding.path().display());
    let checked = check(app, &[&options(&at_build)]);
    assert_verdict(&checked, "kept");
    assert!(
        checked.1["summary"].as_str().unwrap().contains("another buildpack"),
        "{:#}",
        checked.1
    );
    let (_, said) = app.run(&[&options(&at_build)], &["php", "-v"]);
    assert_contains!(said, "php-redis-config/php-redis.ini after ours");
    // Kept, but not in what is bound.
    let at_launch = binding(&other, "php-redis-session", PASSWORD);
    assert_verdict(&check(app, &[&options(&at_launch)]), "unknown");
}

/// The sample's groups, with our own buildpacks in place of those of a registry.
#[test]
fn the_sample_project_toml() {
    let redis = Redis::start(MARKER);
    let binding = binding(&redis, "redis", MARKER);
    let app = app_for_every_server();
    let text = fs::read_to_string(root().join("samples/project.toml")).unwrap();
    let mut project: toml::Table = text.parse().unwrap();
    let group = project["io"]["buildpacks"]["group"].as_array_mut().unwrap();
    assert_eq!(group[1]["id"].as_str(), Some(buildpack_id().as_str()));
    for (member, path) in group.iter_mut().zip([of_tests("php-as-paketo"), buildpack()]) {
        let member = member.as_table_mut().unwrap();
        member.insert("uri".to_owned(), path.into());
    }
    group[0].as_table_mut().unwrap().insert("id".to_owned(), "php-as-paketo".into());
    write(app.path(), "project.toml", &project.to_string());
    write(app.path(), ".env", "SECRET=1");
    let build = build(&[], &app, &binding);
    assert_kept(build.app(), &binding);
    let bound = format!("{}:/platform/bindings:ro", binding.path().display());
    let (_, files) = build.app().run(&["--volume", &bound], &["ls", "-a", "/workspace"]);
    assert_contains!(files, "index.php");
    assert_not_contains!(files, ".env");
}
