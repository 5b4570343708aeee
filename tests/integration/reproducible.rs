//! Equal input makes equal bytes: layers, and the buildpack itself.

use crate::support::app::{buildpack, buildpack_id, root};
use crate::support::docker::docker_ok;
use crate::support::mirror::{app_with_mirror, build_offline};
use crate::support::pack_build::PackBuild;
use crate::support::{BOOKWORM, Suite, TRIXIE};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The digests of the layers that buildpacks have made, by the lifecycle's own record.
fn layer_digests(image: &str) -> BTreeMap<String, String> {
    let format = r#"{{index .Config.Labels "io.buildpacks.lifecycle.metadata"}}"#;
    let metadata = docker_ok(&["inspect", "--format", format, image]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let mut digests = BTreeMap::new();
    for buildpack in metadata["buildpacks"].as_array().unwrap() {
        for (layer, record) in buildpack["layers"].as_object().unwrap() {
            let name = format!("{} {layer}", buildpack["key"].as_str().unwrap());
            digests.insert(name, record["sha"].as_str().unwrap().to_owned());
        }
    }
    let sbom = metadata["sbom"]["sha"].as_str();
    digests.insert("the bills of materials".to_owned(), sbom.unwrap_or_default().to_owned());
    digests
}

/// Two builds, neither of which knows of the other.
fn builds_are_equal(suite: Suite, variant: &str, store: &str) {
    let setting = format!("BP_PHP_SESSION_STORE={store}");
    let digests = || {
        let app_dir = root().join("samples/counter");
        let build = PackBuild::run(suite, variant, &app_dir, &["--env", &setting]);
        layer_digests(&build.app().image)
    };
    let first = digests();
    for layer in ["extension", "session"] {
        assert!(first.contains_key(&format!("{} {layer}", buildpack_id())), "{first:?}");
    }
    assert_eq!(first, digests());
}

#[test]
fn two_builds_with_apt_are_equal() {
    builds_are_equal(BOOKWORM, "bare", "redis");
    builds_are_equal(TRIXIE, "bare", "memcached");
}

#[test]
fn two_builds_with_a_compiler_are_equal() {
    let app = app_with_mirror(|_| {});
    let digests = || {
        let store = php_session_store::store::Store::Redis;
        let build = build_offline("headers", app.path(), store, &[]);
        layer_digests(&build.app().image)
    };
    assert_eq!(digests(), digests());
}

/// A second build of the program, from nothing, and a package of each.
#[test]
fn two_packagings_are_equal_and_small() {
    let folder = tempfile::tempdir().unwrap();
    let again = folder.path().join("buildpack");
    let package = Command::new(root().join("scripts/package"))
        .arg(&again)
        .env("CARGO_TARGET_DIR", folder.path().join("target"))
        .output()
        .unwrap();
    assert!(package.status.success(), "{package:?}");
    let program = fs::read(again.join("bin/build")).unwrap();
    // The program of Paketo's handler has 6.6 MB.
    assert!(program.len() <= 6_600_000, "{}", program.len());
    // Its type is ET_DYN: the kernel puts it at another address each time.
    assert_eq!(program[16..18], [3, 0]);
    let first = package_of(Path::new(&buildpack()), folder.path(), "first.cnb");
    let second = package_of(&again, folder.path(), "second.cnb");
    assert_eq!(first.len(), second.len());
    assert!(first == second, "the packages differ");
}

/// The buildpack as a file that registries take.
fn package_of(buildpack: &Path, folder: &Path, name: &str) -> Vec<u8> {
    let config = folder.join("package.toml");
    let uri = buildpack.display();
    fs::write(&config, format!("[buildpack]\nuri = \"{uri}\"\n")).unwrap();
    let file = folder.join(name);
    let output = Command::new("pack")
        .args(["buildpack", "package", "--format", "file", "--target", "linux/amd64"])
        .arg(&file)
        .arg("--config")
        .arg(&config)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::read(file).unwrap()
}
