//! Fetches an extension from whoever has one that PHP can load.

use super::package::Package;
use super::request::{COMPANIONS, Extension, ExtensionRequest, Fetched, OBJECTS, object_in};
use super::runpath::{LIBRARIES, copy_with_runpath};
use super::{apt, distribution, libraries, loading, source};
use crate::config::build::Provider;
use crate::config::variables::MIRROR;
use crate::system::files::remove;
use anyhow::{anyhow, bail};
use indoc::formatdoc;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;

/// The folders of a layer that a provider fills.
pub(super) const CONTENT_FOLDERS: [&str; 2] = [OBJECTS, LIBRARIES];

/// Fetches the extension into the layer from the first provider whose extension PHP can load, with the libraries
/// that it needs and PHP lacks. Temporary files go to `work`. `installed` says why PHP's own extension is not
/// used. Returns the packages that the layer contains parts of.
pub(super) fn provide(
    request: &ExtensionRequest<'_>,
    installed: Option<&str>,
    work: &Path,
    layer: &Path,
) -> anyhow::Result<(Extension, Vec<Package>)> {
    let ExtensionRequest { php, store, .. } = *request;
    let mut refusals: Vec<String> =
        installed.map(|why| refusal(Provider::Installed, &why)).into_iter().collect();
    let mut unwanted = None;
    for provider in providers(request) {
        match provide_by(provider, request, work, layer) {
            // The source release may be the version that the app requires; this one is not.
            Ok((extension, _))
                if provider == Provider::Apt && request.release_is_wanted(&extension.version) =>
            {
                unwanted = Some(provider);
            }
            Ok(provided) => return Ok(provided),
            Err(error) => refusals.push(refusal(provider, &error)),
        }
    }
    // The source release cannot be compiled, but this one works all the same, and the build says so.
    if let Some(provider) = unwanted {
        return provide_by(provider, request, work, layer);
    }
    let (binary, php) = (&php.facts().binary, &php.facts().version);
    let install = distribution::install(&request.target.distro_name, binary, php, store);
    bail!(formatdoc! {"
        PHP {php} has no {store} extension, and every way to get it failed:
        {}
        Install it in the build image and the run image ({install}), let the build reach the package mirror, or give it phpize and a compiler. Without a network, set {MIRROR} to a place with the source release.",
        refusals.join("\n")
    })
}

fn providers(request: &ExtensionRequest<'_>) -> impl Iterator<Item = Provider> {
    let choice = request.choice;
    [Provider::Apt, Provider::Source].into_iter().filter(move |provider| choice.allows(*provider))
}

fn provide_by(
    provider: Provider,
    request: &ExtensionRequest<'_>,
    work: &Path,
    layer: &Path,
) -> anyhow::Result<(Extension, Vec<Package>)> {
    let fetched = match provider {
        Provider::Source => source::provide(request, work)?,
        _ => apt::provide(request, work)?,
    };
    put_into(layer, &fetched, request)
}

fn refusal(provider: Provider, why: &impl Display) -> String {
    format!("  - {}: {why:#}", provider.name())
}

/// Copies what was fetched into the layer, and lets PHP load it from there.
fn put_into(
    layer: &Path,
    fetched: &Fetched,
    request: &ExtensionRequest<'_>,
) -> anyhow::Result<(Extension, Vec<Package>)> {
    let store = request.store;
    // Left there by another provider.
    for folder in CONTENT_FOLDERS {
        remove(&layer.join(folder))?;
    }
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
    let extension = loading::find_loadable(request, Some(layer))?
        .map_err(|said| loading::unusable(store, &fetched.origin(), &said))?;
    Ok((Extension { provider: fetched.provider, ..extension }, packages.into_iter().collect()))
}
