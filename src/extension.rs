//! The PHP extension of a store: who provides it, and what PHP must load.

mod apt;
mod build_tools;
mod download;
mod dpkg;
mod error;
pub mod installed;
mod libraries;
mod loading;
pub mod package;
mod progress;
pub mod release;
mod request;
mod sasl;
mod source;
mod unpacked;

pub use error::ExtensionError;
pub use request::{Extension, Request};
pub use sasl::bring_mechanisms;

use crate::config::build::Provider;
use crate::system::files::copy;
use package::Package;
use request::{COMPANIONS, Fetched, object_in};
use std::collections::BTreeSet;
use std::path::Path;

/// Fetches the extension into the layer, with the libraries that it needs and PHP does not have; what
/// is needed only meanwhile lies in `work`. Gives the packages of which the layer carries something.
///
/// # Errors
///
/// Fails if no provider has it, or PHP does not take it.
pub fn provide(
    request: &Request<'_>,
    work: &Path,
    layer: &Path,
) -> Result<(Extension, Vec<Package>), ExtensionError> {
    let fetched = fetch(request, work)?;
    let store = request.store;
    let mut packages = BTreeSet::new();
    let mut objects = Vec::new();
    for name in COMPANIONS.into_iter().chain([store.name()]) {
        let object = fetched.extension_dir.join(format!("{name}.so"));
        if object.is_file() {
            copy(&object, &object_in(layer, name))?;
            packages.extend(fetched.package_of(request, &object));
            objects.push(object);
        }
    }
    let dirs = fetched.unpacked.library_dirs();
    let libraries = libraries::needed(request.env, &objects, &dirs, &request.php.facts().binary)
        .map_err(|error| ExtensionError::Libraries { store, error })?;
    for library in libraries {
        copy(&library, &layer.join("lib").join(library.file_name().unwrap_or_default()))?;
        packages.extend(fetched.package_of(request, &library));
    }
    let extension = loading::find_loadable(request, Some(layer))?
        .map_err(|said| ExtensionError::Unusable { store, origin: fetched.origin(), said })?;
    Ok((Extension { provider: fetched.provider, ..extension }, packages.into_iter().collect()))
}

/// Fetches the extension from the first provider that has it.
fn fetch(request: &Request<'_>, work: &Path) -> Result<Fetched, ExtensionError> {
    let Request { php, store, choice, .. } = *request;
    let facts = php.facts();
    let object = facts.extension_dir.join(format!("{store}.so"));
    let mut refusals = Vec::new();
    if choice.allows(Provider::Installed) {
        refusals.push(format!("installed: {} is not there", object.display()));
    }
    if choice.allows(Provider::Apt) {
        match apt::provide(request, work) {
            Ok(fetched) => return Ok(fetched),
            Err(error) => refusals.push(format!("apt: {error}")),
        }
    }
    if choice.allows(Provider::Source) {
        match source::provide(request, work) {
            Ok(fetched) => return Ok(fetched),
            Err(error) => refusals.push(format!("source: {error}")),
        }
    }
    Err(ExtensionError::NoProvider {
        store,
        php: facts.version.clone(),
        refusals: refusals
            .iter()
            .map(|refusal| format!("  - {refusal}"))
            .collect::<Vec<_>>()
            .join("\n"),
        package: apt::package_name(&facts.version, store),
    })
}
