//! The cache key of the extension layer.

use super::release::release_for;
use super::request::ExtensionRequest;
use crate::store::Store;
use crate::system::version::Version;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Everything that the layer's contents depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Key {
    buildpack: String,
    store: Store,
    provider: String,
    source_release: Option<String>,
    php: Version,
    php_api: String,
    thread_safe: bool,
    debug: bool,
    extension_dir: PathBuf,
    arch: String,
    distro: String,
    release: String,
}

impl Key {
    /// The key of this build. `buildpack` is our version.
    pub(super) fn of(request: &ExtensionRequest<'_>, buildpack: String) -> Self {
        let facts = request.php.facts();
        let release = release_for(request.releases, request.store, &facts.version);
        Self {
            buildpack,
            store: request.store,
            provider: request.choice.name().to_owned(),
            source_release: release.map(|release| release.sha256.clone()),
            php: facts.version.clone(),
            php_api: facts.api.clone(),
            thread_safe: facts.thread_safe,
            debug: facts.debug,
            extension_dir: facts.extension_dir.clone(),
            arch: request.target.arch.clone(),
            distro: request.target.distro_name.clone(),
            release: request.target.distro_version.clone(),
        }
    }

    /// How another key differs, in words.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let table = |key| toml::Table::try_from(key).unwrap_or_default();
        let (ours, theirs) = (table(self), table(other));
        let text = |value: Option<&toml::Value>| value.map_or("none".into(), ToString::to_string);
        let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        names
            .into_iter()
            .map(|name| (name, text(ours.get(name)), text(theirs.get(name))))
            .filter(|(_, ours, theirs)| ours != theirs)
            .map(|(name, ours, theirs)| format!("{name} changed from {ours} to {theirs}"))
            .collect()
    }
}
