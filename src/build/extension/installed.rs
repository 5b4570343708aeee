//! The extension that comes with the image's PHP, loaded or not.

use super::dpkg;
use super::loading::{find_loadable, usable_version};
use super::package::{Package, PackageSource};
use super::request::{Extension, ExtensionRequest, unusable};
use crate::config::build::Provider;
use crate::config::variables::EXTENSION;
use crate::php::Program;
use crate::store::Store;
use crate::system::digest;
use anyhow::{anyhow, bail, ensure};
use indoc::formatdoc;

/// Finds the extension that PHP loads, or can. If there is a choice, another provider may have the version that the app
/// requires.
///
/// Fails if PHP loads it but cannot keep sessions with it, if only some of PHP's programs load it, or if it is
/// loaded and the settings ask for another one.
pub(super) fn find(request: &ExtensionRequest<'_>) -> anyhow::Result<Option<Extension>> {
    let ExtensionRequest { php, store, .. } = *request;
    let (loading, missing): (Vec<&Program>, Vec<&Program>) =
        php.programs().partition(|program| program.loads(store.name()));
    if loading.is_empty() {
        let found = Some(request).filter(|it| it.allows(Provider::Installed)).map(loadable);
        let found = found.and_then(Result::ok);
        return Ok(found.filter(|extension| !request.release_is_wanted(&extension.version)));
    }
    if !missing.is_empty() {
        let (loading, missing) = (names(&loading), names(&missing));
        bail!(formatdoc! {"
            PHP's programs disagree about the {store} extension: {loading} loads it, {missing} does not.
            Enable it for all of them (on Debian: phpenmod {store}), or for none."});
    }
    ensure!(
        request.allows(Provider::Installed),
        formatdoc! {"
            {EXTENSION} asks for another {store} extension than the one that PHP already loads, and PHP cannot load both.
            Unset {EXTENSION}, or disable PHP's own extension."}
    );
    let version = usable_version(&php.cli, &php.cli, store)
        .map_err(|said| unusable(store, Provider::Installed, &said))?;
    Ok(Some(Extension { provider: Provider::Installed, version, load: Vec::new() }))
}

/// The extension in PHP's own directory; fails if PHP cannot load it.
pub(super) fn loadable(request: &ExtensionRequest<'_>) -> anyhow::Result<Extension> {
    let object = request.php.facts().extension_dir.join(format!("{}.so", request.store));
    let has_memcache = request.store == Store::Memcached && request.php.cli.loads("memcache");
    ensure!(
        object.is_file(),
        "{} does not exist{}",
        object.display(),
        if has_memcache {
            " (PHP has memcache, without a d, which is another extension and won't do)"
        } else {
            ""
        }
    );
    find_loadable(request, Provider::Installed, None)
        .map_err(|said| anyhow!("PHP does not load {}: {said}", object.display()))
}

/// The package of the image's extension, for the bill of materials; `None` if it is part of PHP itself.
pub(super) fn package(request: &ExtensionRequest<'_>, extension: &Extension) -> Option<Package> {
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
