//! The extension that comes with the image's PHP, loaded or not.

use super::dpkg;
use super::loading::{find_loadable, unusable, usable_version};
use super::package::{Package, PackageSource};
use super::request::{Extension, ExtensionRequest};
use crate::config::build::Provider;
use crate::config::variables::EXTENSION;
use crate::php::Program;
use crate::store::Store;
use crate::system::digest;
use anyhow::{bail, ensure};
use indoc::formatdoc;
use std::path::Path;

/// The image's own extension is not used.
#[derive(Debug, Default)]
pub(super) struct NotUsed {
    /// Why, unless the settings exclude it.
    pub(super) why: Option<String>,
    /// PHP can load it, but its version is not what the app requires.
    pub(super) unwanted: Option<Extension>,
}

impl NotUsed {
    fn because(why: String) -> Self {
        Self { why: Some(why), unwanted: None }
    }
}

/// Finds the extension that PHP loads, or can.
///
/// Fails if PHP loads it but cannot keep sessions with it, if only some of PHP's programs load it, or if it is
/// loaded and the settings ask for another one.
pub(super) fn find(request: &ExtensionRequest<'_>) -> anyhow::Result<Result<Extension, NotUsed>> {
    let ExtensionRequest { php, store, choice, .. } = *request;
    let (loading, missing): (Vec<&Program>, Vec<&Program>) =
        php.programs().partition(|program| program.loads(store.name()));
    if loading.is_empty() {
        let object = php.facts().extension_dir.join(format!("{store}.so"));
        if !choice.allows(Provider::Installed) {
            return Ok(Err(NotUsed::default()));
        }
        if !object.is_file() {
            return Ok(Err(NotUsed::because(not_there(request, &object))));
        }
        return Ok(match find_loadable(request, None)? {
            // If there is a choice, another provider may have the version that the app requires.
            Ok(extension) => match request.unmet(&extension.version) {
                Some(why) if request.release_is_wanted(&extension.version) => {
                    Err(NotUsed { why: Some(why), unwanted: Some(extension) })
                }
                _ => Ok(extension),
            },
            Err(said) => {
                Err(NotUsed::because(format!("PHP does not load {}: {said}", object.display())))
            }
        });
    }
    if !missing.is_empty() {
        let (loading, missing) = (names(&loading), names(&missing));
        bail!(formatdoc! {"
            PHP's programs disagree about the {store} extension: {loading} loads it, {missing} does not.
            Enable it for all of them (on Debian: phpenmod {store}), or for none."});
    }
    ensure!(
        choice.allows(Provider::Installed),
        formatdoc! {"
            {EXTENSION} asks for another {store} extension than the one that PHP already loads, and PHP cannot load both.
            Unset {EXTENSION}, or disable PHP's own extension."}
    );
    let version = usable_version(&php.cli, &php.cli, store)
        .map_err(|said| unusable(store, "this image", &said))?;
    Ok(Ok(Extension { provider: Provider::Installed, version, load: Vec::new() }))
}

fn not_there(request: &ExtensionRequest<'_>, object: &Path) -> String {
    let object = object.display();
    if request.store == Store::Memcached && request.php.cli.loads("memcache") {
        return format!(
            "{object} does not exist (PHP has memcache, without a d, which is another extension and won't do)"
        );
    }
    format!("{object} does not exist")
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
