//! When the extension's layer is made anew, and what the bills of materials say of it.

use crate::extension::{PASSWORD, assert_store_works, config_for};
use crate::support::BOOKWORM;
use crate::support::app::{app_of, build_and_keep, buildpack_id, config, root};
use crate::support::http_client::assert_sessions_are_shared;
use crate::support::pack_build::PackBuild;
use crate::support::services::BoundService;
use libcnb::data::buildpack::BuildpackId;
use libcnb::data::sbom::SbomFormat;
use libcnb_test::{SbomType, TestContext, assert_contains, assert_not_contains};
use php_session_store::store::Store;
use serde_json::Value;
use std::fs;

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
    assert_contains!(log, "Reusing the cached extension layer");
    assert_contains!(log, "(loads redis)");
    let service = BoundService::start(Store::Redis, PASSWORD);
    let bound = service.env();
    let options = [&scan_dir[..], &["--env", &bound]].concat();
    let (_, said) = build.app().run(&options, &["php", "-v"]);
    assert_not_contains!(said, "already loaded");
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
    assert_contains!(log, "Reusing the cached extension layer");
    assert_contains!(log, "Downloading php8.2-redis with apt");
    assert_store_works(build.app(), Store::Redis);
    // Without a network, the old ones serve.
    build.again(&[&store[..], &old, &["--network", "none"]].concat());
    let log = &build.app().log;
    assert_contains!(log, "0 days old and cannot be refreshed");
    assert_store_works(build.app(), Store::Redis);
}

#[test]
fn a_rebuild_reuses_the_layer_until_its_key_changes() {
    let config = config_for(BOOKWORM, "bare", Store::Redis);
    build_and_keep(&config, |context, app| {
        assert_contains!(app.log, "Downloading php8.2-redis with apt");
        assert_sboms_name_packages(&context);
        context.rebuild(config.config(), |context| {
            let log = app_of(&context).log;
            assert_contains!(log, "Reusing the cached extension layer");
            assert_not_contains!(log, " with apt");
            assert_sboms_name_packages(&context);
            let mut changed = config.clone();
            changed.env("BP_PHP_SESSION_EXTENSION", "apt");
            context.rebuild(changed.config(), |context| {
                let log = app_of(&context).log;
                let expected =
                    "Rebuilding the extension layer: provider changed from \"auto\" to \"apt\"";
                assert_contains!(log, expected);
                assert_contains!(log, "Downloading php8.2-redis with apt");
            });
        });
    });
}

/// The image's bills of materials name what the layers carry.
fn assert_sboms_name_packages(context: &TestContext) {
    let debs = ["php8.2-redis", "php8.2-igbinary", "libzstd1", "liblz4-1"];
    for text in assert_sboms_name(context, "extension", &debs) {
        let redis = "pkg:deb/debian/php8.2-redis@5.3.7%2B4.3.0-3?arch=amd64&distro=debian-12";
        assert_contains!(text, redis);
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
