//! The contents of the extension layer, and how it is filled.

use super::installed::NotUsed;
use super::loading::{Companions, companions};
use super::package::Package;
use super::provide::{CONTENT_FOLDERS, provide};
use super::request::{Extension, ExtensionRequest};
use crate::config::build::Provider;
use crate::store::Store;
use crate::system::digest;
use crate::system::files::{at, entries, remove};
use bullet_stream::global::print;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Contents {
    pub(super) extension: Extension,
    pub(super) packages: Vec<Package>,
    /// The state of the extensions it may depend on, at the time we decided what to load.
    pub(super) companions: Companions,
    /// SHA-256 of every file, to detect a layer damaged in the cache.
    pub(super) files: BTreeMap<String, String>,
}

/// Fills the layer with the extension from another provider than the image. If none has it, PHP's own will do, even if it is
/// not the version that the app requires.
pub(super) fn fill(
    request: &ExtensionRequest<'_>,
    installed: &NotUsed,
    layer: &Path,
) -> anyhow::Result<Contents> {
    let work = layer.join("work");
    let provided = provide(request, installed.why.as_deref(), &work, layer);
    let (extension, packages) = match &installed.unwanted {
        Some(unwanted) => provided.unwrap_or_else(|_| (unwanted.clone(), Vec::new())),
        None => provided?,
    };
    print::sub_bullet(describe(&extension, request.store));
    remove(&work)?;
    let files = checksums(layer)?;
    let companions = companions(request, Some(layer));
    Ok(Contents { extension, packages, companions, files })
}

/// What was found, for the log.
pub(super) fn describe(extension: &Extension, store: Store) -> String {
    let Extension { provider, version, load } = extension;
    let name = store.extension_title();
    match (provider, load.as_slice()) {
        (Provider::Installed, []) => format!("Using {name} {version}, which PHP already loads"),
        (Provider::Installed, load) => {
            format!("Using {name} {version} from the image (loads {})", load.join(", "))
        }
        (Provider::Apt, load) => {
            format!("Using {name} {version} from the distribution (loads {})", load.join(", "))
        }
        (Provider::Source, load) => {
            format!("Using {name} {version}, compiled from source (loads {})", load.join(", "))
        }
    }
}

/// The checksums of everything we put into the layer; libcnb writes the environment.
pub(super) fn checksums(layer: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for folder in CONTENT_FOLDERS {
        for path in entries(&layer.join(folder)) {
            let name = path.strip_prefix(layer).unwrap_or(&path).display().to_string();
            files.insert(name, digest::sha256_of_file(&path).map_err(at(&path))?);
        }
    }
    Ok(files)
}
