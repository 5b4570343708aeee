//! Fetches an extension from whoever has one that PHP can load.

use super::apt::package_name;
use super::package::Package;
use super::request::{
    COMPANIONS, Extension, ExtensionRequest, Fetched, OBJECTS, object_in, unusable,
};
use super::runpath::{LIBRARIES, copy_with_runpath};
use super::{apt, installed, libraries, loading, source};
use crate::config::build::Provider;
use crate::config::variables::MIRROR;
use crate::system::files::remove;
use anyhow::{anyhow, bail};
use indoc::formatdoc;
use std::collections::BTreeSet;
use std::path::Path;

/// The folders of a layer that a provider fills.
pub(super) const CONTENT_FOLDERS: [&str; 2] = [OBJECTS, LIBRARIES];
/// The folder for temporary files.
const WORK: &str = "work";

/// An extension, and the packages that the layer contains parts of.
pub(super) type Filled = (Extension, Vec<Package>);

/// Fills the layer with the extension, and the libraries that it needs and PHP lacks, from the first provider whose
/// extension PHP can load.
pub(super) fn fill(request: &ExtensionRequest<'_>, layer: &Path) -> anyhow::Result<Filled> {
    let filled = provide(request, layer);
    remove(&layer.join(WORK))?;
    filled
}

fn provide(request: &ExtensionRequest<'_>, layer: &Path) -> anyhow::Result<Filled> {
    let mut refusals = Vec::new();
    let mut unwanted = None;
    for provider in Provider::ALL.into_iter().filter(|provider| request.allows(*provider)) {
        match provide_by(provider, request, layer) {
            // The source release is the version that the app requires; this one is not.
            Ok((extension, _)) if request.release_is_wanted(&extension.version) => {
                unwanted = unwanted.or(Some(provider));
            }
            Ok(provided) => return Ok(provided),
            Err(error) => refusals.push(format!("  - {}: {error:#}", provider.name())),
        }
    }
    // The source release cannot be compiled, but this one works all the same, and the build says so.
    if let Some(provider) = unwanted {
        return provide_by(provider, request, layer);
    }
    let (php, store) = (&request.php.facts().version, request.store);
    bail!(formatdoc! {"
        PHP {php} has no {store} extension, and every way to get it failed:
        {}
        Install it in the build image and the run image ({}), let the build reach the package mirror, or give it phpize and a compiler. Without a network, set {MIRROR} to a place with the source release.",
        refusals.join("\n"),
        how_to_install(request)
    })
}

/// How to install the extension on an image's distribution.
fn how_to_install(request: &ExtensionRequest<'_>) -> String {
    let ExtensionRequest { store, target, .. } = *request;
    let facts = request.php.facts();
    if !facts.binary.starts_with("/usr/bin") {
        return format!("{}: its own pecl install {store}", facts.binary.display());
    }
    match target.distro_name.as_str() {
        "alpine" => {
            format!("apk add php{}-pecl-{store}", facts.version.major_minor().replace('.', ""))
        }
        "rhel" | "centos" | "rocky" | "almalinux" | "fedora" => {
            format!("dnf install php-devel php-pear, then pecl install {store}")
        }
        _ => format!("apt-get install {}", package_name(&facts.version, store)),
    }
}

fn provide_by(
    provider: Provider,
    request: &ExtensionRequest<'_>,
    layer: &Path,
) -> anyhow::Result<Filled> {
    // Left there by another provider.
    for folder in CONTENT_FOLDERS.into_iter().chain([WORK]) {
        remove(&layer.join(folder))?;
    }
    let fetched = match provider {
        Provider::Installed => return Ok((installed::loadable(request)?, Vec::new())),
        Provider::Apt => apt::provide(request, &layer.join(WORK))?,
        Provider::Source => source::provide(request, &layer.join(WORK))?,
    };
    let packages = put_into(layer, &fetched, request)?;
    let extension = loading::find_loadable(request, provider, Some(layer))
        .map_err(|said| unusable(request.store, provider, &said))?;
    Ok((extension, packages.into_iter().collect()))
}

/// Copies what was fetched into the layer, where PHP can load it.
fn put_into(
    layer: &Path,
    fetched: &Fetched,
    request: &ExtensionRequest<'_>,
) -> anyhow::Result<BTreeSet<Package>> {
    let store = request.store;
    let mut packages = BTreeSet::new();
    let mut objects = Vec::new();
    for name in COMPANIONS.into_iter().chain([store.name()]) {
        let object = fetched.extension_dir.join(format!("{name}.so"));
        if object.is_file() {
            copy_with_runpath(&object, &object_in(layer, name))?;
            packages.extend(fetched.package_of(request, &object));
            objects.push(object);
        }
    }
    let dirs = fetched.unpacked.library_dirs();
    let libraries = libraries::needed(request.env, &objects, &dirs, &request.php.facts().binary)
        .map_err(|error| anyhow!("The {store} extension cannot be used: {error:#}."))?;
    for library in libraries {
        let place = layer.join(LIBRARIES).join(library.file_name().unwrap_or_default());
        copy_with_runpath(&library, &place)?;
        packages.extend(fetched.package_of(request, &library));
    }
    Ok(packages)
}
