//! The contents of the extension layer: how it is filled, and when it is filled again.

use crate::config::build::Provider;
use crate::config::variables::EXTENSION_MAX_AGE;
use crate::extension::installed::Installed;
use crate::extension::package::Package;
use crate::extension::{
    CONTENT_FOLDERS, Companions, Extension, ExtensionError, Request, SaslError, bring_mechanisms,
    companions, find_loadable, provide,
};
use crate::store::Store;
use crate::system::digest;
use crate::system::files::{WriteError, at, remove};
use bullet_stream::global::print;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

pub(super) const SASL_FOLDER: &str = "sasl2";
/// The folders of the layer that we fill.
fn content_folders() -> impl Iterator<Item = &'static str> {
    CONTENT_FOLDERS.into_iter().chain([SASL_FOLDER])
}

/// The contents of the layer.
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

/// A freshly filled layer.
pub(super) struct Filled {
    pub(super) contents: Contents,
    pub(super) complete: bool,
}

/// The cached contents. If PHP has gained or lost an extension that the store's may need, decides again what to load.
pub(super) fn refreshed(
    request: &Request<'_>,
    contents: Contents,
    layer: &Path,
) -> anyhow::Result<Contents> {
    let companions = companions(request, Some(layer));
    if companions == contents.companions {
        return Ok(contents);
    }
    let store = request.store;
    let extension = find_loadable(request, Some(layer))?.map_err(|said| {
        let origin = "the cached layer".to_owned();
        ExtensionError::Unusable { store, origin, said }
    })?;
    let extension = Extension { provider: contents.extension.provider, ..extension };
    print::sub_bullet(describe(&extension, store));
    Ok(Contents { extension, companions, ..contents })
}

/// Refetches the layer's contents if the distribution's packages in it exceed their maximum age, because a
/// security fix does not change the layer's key. If that fails, the old ones stay.
pub(super) fn renewed(
    request: &Request<'_>,
    installed: &Installed,
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
    let renewed =
        fill(request, installed, &fresh).map_err(anyhow::Error::from).and_then(|filled| {
            for folder in content_folders() {
                remove(&layer.join(folder))?;
                if fresh.join(folder).is_dir() {
                    fs::rename(fresh.join(folder), layer.join(folder))?;
                }
            }
            Ok(filled.contents)
        });
    match remove(&fresh).map_err(anyhow::Error::from).and(renewed) {
        Ok(contents) => Some(contents),
        Err(error) => {
            print::warning(format!(
                "The distribution's packages in the extension layer are {age} days old and cannot be refreshed: {error:#}\nThe build keeps using them. {EXTENSION_MAX_AGE} sets after how many days they are refreshed."
            ));
            None
        }
    }
}

/// Days since 1970.
pub(super) fn today() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs() / (24 * 60 * 60)
}

pub(super) fn fill(
    request: &Request<'_>,
    installed: &Installed,
    layer: &Path,
) -> Result<Filled, ExtensionError> {
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
    request: &Request<'_>,
    installed: &Installed,
    work: &Path,
    layer: &Path,
) -> Result<(Extension, Vec<Package>), ExtensionError> {
    match installed {
        Installed::Unwanted { extension, why } => provide(request, Some(why), work, layer)
            .or_else(|_| Ok((extension.clone(), Vec::new()))),
        Installed::Not(why) => provide(request, why.as_deref(), work, layer),
        Installed::Usable(extension) => Ok((extension.clone(), Vec::new())),
    }
}

fn missing_mechanisms(error: &SaslError) -> String {
    format!(
        "libsasl2's mechanism plugins cannot be added to the image, and without them every login to a Memcached with a password fails.\nReason: {error}\nInstall them in the run image (on Debian: apt-get install libsasl2-modules), or bind a service without a password."
    )
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
pub(super) fn checksums(layer: &Path) -> Result<BTreeMap<String, String>, WriteError> {
    let mut files = BTreeMap::new();
    for folder in content_folders() {
        let folder = layer.join(folder);
        for entry in folder.read_dir().into_iter().flatten() {
            let path = entry.map_err(at(&folder))?.path();
            let name = path.strip_prefix(layer).unwrap_or(&path).display().to_string();
            files.insert(name, digest::sha256_of_file(&path).map_err(at(&path))?);
        }
    }
    Ok(files)
}
