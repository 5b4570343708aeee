//! Whether the cached extension layer is reused as it is, and why it is rebuilt or refreshed.

use super::contents::{Contents, checksums, describe, fill};
use super::installed::NotUsed;
use super::key::Key;
use super::loading::{companions, find_loadable, unusable};
use super::provide::CONTENT_FOLDERS;
use super::request::{Extension, ExtensionRequest};
use crate::config::build::Provider;
use crate::config::variables::EXTENSION_MAX_AGE;
use crate::system::files::remove;
use bullet_stream::global::print;
use indoc::formatdoc;
use libcnb::layer::{EmptyLayerCause, LayerState};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metadata {
    pub(super) key: Key,
    pub(super) contents: Contents,
    /// The day it was filled, counted from 1970. A string, because the lifecycle restores numbers as floats.
    pub(super) filled: String,
}

impl Metadata {
    pub(super) fn of_today(key: Key, contents: &Contents) -> Self {
        Self { key, contents: contents.clone(), filled: today().to_string() }
    }
}

/// Why a cached layer cannot be reused as it is; empty if it can.
pub(super) fn reasons_to_refill(old: &Metadata, key: &Key, layer: &Path) -> Vec<String> {
    let differences = old.key.differences(key);
    if !differences.is_empty() {
        return differences;
    }
    match checksums(layer) {
        Ok(files) if files == old.contents.files => Vec::new(),
        Ok(_) => vec!["its files have changed since they were cached".to_owned()],
        Err(error) => vec![error.to_string()],
    }
}

/// The contents of a cached layer, or why it cannot be used; an empty reason for a new layer.
pub(super) fn restored(
    state: &LayerState<(), Result<Metadata, String>>,
) -> Result<Metadata, String> {
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

/// The cached contents. If PHP has gained or lost an extension that the store's may need, decides again what to load.
pub(super) fn refreshed(
    request: &ExtensionRequest<'_>,
    contents: Contents,
    layer: &Path,
) -> anyhow::Result<Contents> {
    let companions = companions(request, Some(layer));
    if companions == contents.companions {
        return Ok(contents);
    }
    let store = request.store;
    let extension = find_loadable(request, Some(layer))?
        .map_err(|said| unusable(store, "the cached layer", &said))?;
    let extension = Extension { provider: contents.extension.provider, ..extension };
    print::sub_bullet(describe(&extension, store));
    Ok(Contents { extension, companions, ..contents })
}

/// Refetches the layer's contents if the distribution's packages in it exceed their maximum age, because a
/// security fix does not change the layer's key. If that fails, the old ones stay.
pub(super) fn renewed(
    request: &ExtensionRequest<'_>,
    installed: &NotUsed,
    layer: &Path,
    contents: &Contents,
    filled: &str,
) -> Option<Contents> {
    let max_age = request.max_age?;
    let age = today().saturating_sub(filled.parse().unwrap_or_default());
    let by_apt = contents.extension.provider == Provider::Apt && !contents.packages.is_empty();
    if !by_apt || age < max_age {
        return None;
    }
    print::sub_bullet(format!(
        "Refreshing the distribution's packages in it: they are {age} days old ({EXTENSION_MAX_AGE} is {max_age})"
    ));
    let fresh = layer.join("fresh");
    let renewed = fill(request, installed, &fresh).and_then(|contents| {
        swap(&CONTENT_FOLDERS, &fresh, layer)?;
        Ok(contents)
    });
    match remove(&fresh).and(renewed) {
        Ok(contents) => Some(contents),
        Err(error) => {
            print::warning(formatdoc! {"
                The distribution's packages in the extension layer are {age} days old and cannot be refreshed: {error:#}
                The build keeps using them. {EXTENSION_MAX_AGE} sets after how many days they are refreshed."});
            None
        }
    }
}

/// Puts the fresh folders in the place of the layer's. If one cannot be moved, all are as before.
fn swap(folders: &[&str], fresh: &Path, layer: &Path) -> anyhow::Result<()> {
    let old = layer.join("old");
    remove(&old)?;
    let swapped =
        move_folders(folders, layer, &old).and_then(|()| move_folders(folders, fresh, layer));
    if swapped.is_err() {
        for folder in folders.iter().filter(|folder| old.join(folder).exists()) {
            remove(&layer.join(folder))?;
            fs::rename(old.join(folder), layer.join(folder))?;
        }
    }
    remove(&old)?;
    Ok(swapped?)
}

/// Moves the folders that exist.
fn move_folders(folders: &[&str], from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let mut there = folders.iter().filter(|folder| from.join(folder).exists());
    there.try_for_each(|folder| fs::rename(from.join(folder), to.join(folder)))
}

/// Days since 1970.
fn today() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs() / (24 * 60 * 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::write;

    /// A layer with an extension, a fresh one, and what the layer has after the swap.
    fn swapped(folders: &[&str]) -> (anyhow::Result<()>, String) {
        let layer = tempfile::tempdir().unwrap();
        let fresh = layer.path().join("fresh");
        let extension = layer.path().join("extensions/redis.so");
        write(&extension, "old").unwrap();
        write(&fresh.join("extensions/redis.so"), "new").unwrap();
        write(&fresh.join("nowhere/libraries/x.so"), "new").unwrap();
        let result = swap(folders, &fresh, layer.path());
        assert!(!layer.path().join("old").exists());
        (result, fs::read_to_string(extension).unwrap())
    }

    #[test]
    fn a_refresh_that_cannot_be_moved_changes_nothing() {
        let (result, extension) = swapped(&["extensions", "libraries"]);
        assert_eq!((result.is_ok(), extension.as_str()), (true, "new"));
        // The layer has no folder `nowhere`, so the second one cannot be moved there.
        let (result, extension) = swapped(&["extensions", "nowhere/libraries"]);
        assert_eq!((result.is_ok(), extension.as_str()), (false, "old"));
    }
}
