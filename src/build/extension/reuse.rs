//! Whether the cached extension layer is reused as it is, and why it is rebuilt or refreshed.

use super::loading::find_loadable;
use super::package::Package;
use super::provide::{CONTENT_FOLDERS, Filled, fill};
use super::release::release_for;
use super::request::{Extension, ExtensionRequest};
use crate::config::build::Provider;
use crate::config::variables::EXTENSION_MAX_AGE;
use crate::system::files::remove;
use bullet_stream::global::print;
use indoc::formatdoc;
use libcnb::layer::{EmptyLayerCause, LayerState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// What the lifecycle keeps of a cached layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LayerMetadata {
    pub(super) key: Key,
    pub(super) provider: Provider,
    pub(super) packages: Vec<Package>,
    /// The day it was filled, counted from 1970. A string, because the lifecycle restores numbers as floats.
    filled: String,
}

/// Everything that the layer's contents depend on, by name.
type Key = BTreeMap<String, String>;

impl LayerMetadata {
    pub(super) fn of_today(key: Key, (extension, packages): &Filled) -> Self {
        let (provider, packages) = (extension.provider, packages.clone());
        Self { key, provider, packages, filled: today().to_string() }
    }
}

/// The key of this build. `buildpack` is our version.
pub(super) fn key_of(request: &ExtensionRequest<'_>, buildpack: &dyn Display) -> Key {
    let (facts, target) = (request.php.facts(), request.target);
    let release = release_for(request.releases, request.store, &facts.version);
    let parts: [(&str, &dyn Display); 12] = [
        ("buildpack", buildpack),
        ("store", &request.store),
        ("provider", &request.only.map_or("auto", Provider::name)),
        ("source-release", &release.map_or("none", |release| &release.sha256)),
        ("php", &facts.version),
        ("php-api", &facts.api),
        ("thread-safe", &facts.thread_safe),
        ("debug", &facts.debug),
        ("extension-dir", &facts.extension_dir.display()),
        ("arch", &target.arch),
        ("distro", &target.distro_name),
        ("release", &target.distro_version),
    ];
    parts.map(|(name, part)| (name.to_owned(), part.to_string())).into()
}

/// How PHP loads the extension of a cached layer; else why the layer cannot be reused as it is.
pub(super) fn reusable(
    request: &ExtensionRequest<'_>,
    old: &LayerMetadata,
    key: &Key,
    layer: &Path,
) -> Result<Extension, String> {
    let of_old = |name: &str| old.key.get(name).map_or("", String::as_str);
    let changed = key.iter().filter(|(name, part)| of_old(name) != part.as_str());
    let changed: Vec<String> = changed
        .map(|(name, part)| format!("{name} changed from {:?} to {part:?}", of_old(name)))
        .collect();
    if !changed.is_empty() {
        return Err(changed.join(", "));
    }
    find_loadable(request, old.provider, Some(layer))
        .map_err(|said| format!("PHP cannot load the extension in it: {said}"))
}

/// The contents of a cached layer, or why it cannot be used; an empty reason for a new layer.
pub(super) fn restored<T: Clone>(state: &LayerState<(), Result<T, String>>) -> Result<T, String> {
    match state {
        LayerState::Restored { cause }
        | LayerState::Empty { cause: EmptyLayerCause::RestoredLayerAction { cause } } => {
            cause.clone()
        }
        LayerState::Empty { cause: EmptyLayerCause::InvalidMetadataAction { .. } } => {
            Err("another version of the buildpack has made it".to_owned())
        }
        LayerState::Empty { cause: EmptyLayerCause::NewlyCreated } => Err(String::new()),
    }
}

/// Refetches the layer's contents if the distribution's packages in it exceed their maximum age, because a
/// security fix does not change the layer's key. If that fails, the old ones stay.
pub(super) fn renewed(
    request: &ExtensionRequest<'_>,
    layer: &Path,
    old: &LayerMetadata,
) -> Option<Filled> {
    let max_age = request.max_age?;
    let age = today().saturating_sub(old.filled.parse().unwrap_or_default());
    if old.provider != Provider::Apt || age < max_age {
        return None;
    }
    print::sub_bullet(format!(
        "Refreshing the distribution's packages in it: they are {age} days old ({EXTENSION_MAX_AGE} is {max_age})"
    ));
    let fresh = layer.join("fresh");
    let renewed = fill(request, &fresh).and_then(|filled| {
        for folder in CONTENT_FOLDERS.map(Path::new) {
            remove(&layer.join(folder))?;
            if fresh.join(folder).exists() {
                fs::rename(fresh.join(folder), layer.join(folder))?;
            }
        }
        Ok(filled)
    });
    match remove(&fresh).and(renewed) {
        Ok(filled) => Some(filled),
        Err(error) => {
            print::warning(formatdoc! {"
                The distribution's packages in the extension layer are {age} days old and cannot be refreshed: {error:#}
                The build keeps using them. {EXTENSION_MAX_AGE} sets after how many days they are refreshed."});
            None
        }
    }
}

/// Days since 1970.
fn today() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs() / (24 * 60 * 60)
}
