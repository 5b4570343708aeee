//! The contents of the extension layer, and how it is filled.

use super::installed::Installed;
use super::loading::{Companions, companions};
use super::package::Package;
use super::provide::{CONTENT_FOLDERS, provide};
use super::request::{Extension, ExtensionRequest};
use super::sasl::{SaslError, bring_mechanisms};
use crate::config::build::Provider;
use crate::store::Store;
use crate::system::digest;
use crate::system::files::{at, entries, remove};
use bullet_stream::global::print;
use indoc::formatdoc;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

pub(super) const SASL_FOLDER: &str = "sasl2";
/// The folders of the layer that we fill.
pub(super) fn content_folders() -> impl Iterator<Item = &'static str> {
    CONTENT_FOLDERS.into_iter().chain([SASL_FOLDER])
}

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

pub(super) struct Filled {
    pub(super) contents: Contents,
    pub(super) complete: bool,
}

pub(super) fn fill(
    request: &ExtensionRequest<'_>,
    installed: &Installed,
    layer: &Path,
) -> anyhow::Result<Filled> {
    let work = layer.join("work");
    let mut packages = Vec::new();
    let (extension, its_packages) = fetched(request, installed, &work, layer)?;
    if !matches!(installed, Installed::Usable(_)) {
        print::sub_bullet(describe(&extension, request.store));
    }
    packages.extend(its_packages);
    let mut complete = true;
    if request.login_may_come {
        match bring_mechanisms(request, &work, &layer.join(SASL_FOLDER)) {
            Ok(its_packages) => packages.extend(its_packages),
            Err(error) => {
                complete = false;
                print::warning(missing_mechanisms(&error));
            }
        }
    }
    packages.sort();
    packages.dedup();
    remove(&work)?;
    let files = checksums(layer)?;
    let companions = companions(request, Some(layer));
    Ok(Filled { contents: Contents { extension, packages, companions, files }, complete })
}

/// The extension from another provider. If none has it, PHP's own, even if it is not the version that the app requires.
fn fetched(
    request: &ExtensionRequest<'_>,
    installed: &Installed,
    work: &Path,
    layer: &Path,
) -> anyhow::Result<(Extension, Vec<Package>)> {
    match installed {
        Installed::Unwanted { extension, why } => provide(request, Some(why), work, layer)
            .or_else(|_| Ok((extension.clone(), Vec::new()))),
        Installed::Not(why) => provide(request, why.as_deref(), work, layer),
        Installed::Usable(extension) => Ok((extension.clone(), Vec::new())),
    }
}

fn missing_mechanisms(error: &SaslError) -> String {
    formatdoc! {"
        libsasl2's mechanism plugins cannot be added to the image, and without them every login to a Memcached with a password fails.
        Reason: {error}
        Install them in the run image (on Debian: apt-get install libsasl2-modules), or bind a service without a password."}
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
    for folder in content_folders() {
        for path in entries(&layer.join(folder)) {
            let name = path.strip_prefix(layer).unwrap_or(&path).display().to_string();
            files.insert(name, digest::sha256_of_file(&path).map_err(at(&path))?);
        }
    }
    Ok(files)
}
