//! What a release takes, so that it does not fail on the day.

use crate::manifests::text;

/// Everybody says the same version, and CHANGELOG has notes for it.
#[test]
fn one_version_everywhere() {
    let version = env!("CARGO_PKG_VERSION");
    let descriptor: toml::Table = text("buildpack.toml").parse().expect("TOML");
    assert_eq!(descriptor["buildpack"]["version"].as_str(), Some(version));
    let changelog = text("CHANGELOG.md");
    let heading =
        changelog.lines().find(|line| line.starts_with("## [") && !line.contains("Unreleased"));
    let heading = heading.expect("a released version");
    assert!(heading.starts_with(&format!("## [{version}] - 20")), "{heading}");
}

/// The registry of buildpacks takes an id of a namespace and a name, and shows homepage and licences.
#[test]
fn the_descriptor_has_what_registries_show() {
    let descriptor: toml::Table = text("buildpack.toml").parse().expect("TOML");
    let buildpack = &descriptor["buildpack"];
    let id = buildpack["id"].as_str().expect("an id");
    assert_eq!(id.split('/').count(), 2, "{id}");
    assert!(buildpack["homepage"].as_str().is_some_and(|it| it.starts_with("https://")));
    assert_eq!(buildpack["licenses"][0]["type"].as_str(), Some("Apache-2.0"));
    let architectures: Vec<&str> = descriptor["targets"]
        .as_array()
        .expect("targets")
        .iter()
        .filter_map(|it| it["arch"].as_str())
        .collect();
    assert_eq!(architectures, ["amd64", "arm64"]);
}
