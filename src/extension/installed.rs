//! The extension that the image's PHP has already, loaded or not.

use super::dpkg;
use super::error::ExtensionError;
use super::loading::{find_loadable, usable_version};
use super::package::{Package, PackageSource};
use super::request::{Extension, Request};
use crate::config::build::Provider;
use crate::php::Program;
use crate::system::digest;

/// Finds the extension in the installed PHP; `None` if it is not there, or not to be used.
///
/// # Errors
///
/// Fails if PHP cannot use it, or if it is loaded and another one is asked for.
pub fn find(request: &Request<'_>) -> Result<Option<Extension>, ExtensionError> {
    let Request { php, store, choice, .. } = *request;
    let unusable = |said| ExtensionError::Unusable { store, origin: "this image".to_owned(), said };
    let (loading, missing): (Vec<&Program>, Vec<&Program>) =
        php.programs().partition(|program| program.loads(store.name()));
    if loading.is_empty() {
        let object = php.facts().extension_dir.join(format!("{store}.so"));
        return if choice.allows(Provider::Installed) && object.is_file() {
            find_loadable(request, None)?.map(Some).map_err(unusable)
        } else {
            Ok(None)
        };
    }
    if !missing.is_empty() {
        let (loading, missing) = (names(&loading), names(&missing));
        return Err(ExtensionError::Mixed { store, loading, missing });
    }
    if !choice.allows(Provider::Installed) {
        return Err(ExtensionError::LoadedAlready(store));
    }
    let version = usable_version(&php.cli, &php.cli, store).map_err(unusable)?;
    Ok(Some(Extension { provider: Provider::Installed, version, load: Vec::new() }))
}

/// What an extension that the image has is, for the bill of materials; `None` if it is a part of PHP itself.
#[must_use]
pub fn package(request: &Request<'_>, extension: &Extension) -> Option<Package> {
    let object = request.php.facts().extension_dir.join(format!("{}.so", request.store));
    let unpackaged = || {
        Some(Package {
            name: request.store.extension_title().to_owned(),
            version: extension.version.to_string(),
            source: PackageSource::File,
            licences: vec!["PHP-3.01".to_owned()],
            sha256: digest::sha256_of_file(&object).ok()?,
        })
    };
    dpkg::installed_package(request.env, request.target, &object).or_else(unpackaged)
}

fn names(programs: &[&Program]) -> String {
    programs.iter().map(|program| program.name.as_str()).collect::<Vec<_>>().join(", ")
}
