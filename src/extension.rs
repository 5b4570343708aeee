//! The PHP extension of a store: who provides it, and what PHP must load.

pub mod apt;
pub mod installed;
mod libraries;
mod loading;
mod sasl;
pub mod source;

pub use sasl::{bring_mechanisms, mechanisms_of_system};

use crate::download::Mirror;
use crate::files::{WriteError, copy};
use crate::package::Package;
use crate::php::{Php, PhpError};
use crate::settings::{EXTENSION, MIRROR, ProviderChoice};
use crate::store::Store;
use crate::version::Version;
use apt::Unpacked;
use libcnb::{Env, Target};
use libraries::LibrariesError;
use serde::{Deserialize, Serialize};
use source::Release;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The extensions that a store's extension may have been built to need. PHP must load them first.
const COMPANIONS: [&str; 2] = ["igbinary", "msgpack"];

/// Who provides the extension, in the order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// PHP has it.
    Installed,
    /// The distribution's package.
    Apt,
    /// A source release.
    Source,
}

/// An extension that PHP has been seen to load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Extension {
    /// Who provides it.
    pub provider: Provider,
    /// Its version, as it says itself.
    pub version: Version,
    /// The extensions that PHP must be told to load, in this order.
    pub load: Vec<String>,
}

/// What a provider has to go by.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The installed PHP.
    pub php: &'a Php,
    /// The environment of the build.
    pub env: &'a Env,
    /// Architecture and distribution.
    pub target: &'a Target,
    /// Which extension is wanted.
    pub store: Store,
    /// Who may provide it.
    pub choice: ProviderChoice,
    /// The pinned source releases.
    pub releases: &'a [Release],
    /// Where source releases come from instead of their own site.
    pub mirror: Option<&'a Mirror>,
}

/// What a provider has fetched into the work folder.
#[derive(Debug)]
struct Fetched {
    provider: Provider,
    /// The folder with the extension, and perhaps its companions.
    extension_dir: PathBuf,
    /// The packages that have come with it.
    unpacked: Unpacked,
    /// The release that the extension was compiled from.
    release: Option<Package>,
}

/// Why PHP has no extension for the store.
#[derive(Debug, thiserror::Error)]
pub enum ExtensionError {
    /// Some of PHP's programs load it, and some do not.
    #[error(
        "PHP's programs differ in the {store} extension: {loading} loads it, {missing} does not.\nEnable it for all of them (on Debian: phpenmod {store}), or for none."
    )]
    Mixed {
        /// The extension.
        store: Store,
        /// The programs that load it.
        loading: String,
        /// The programs that do not.
        missing: String,
    },
    /// PHP loads it already, and another one is asked for.
    #[error(
        "{EXTENSION} asks for another {0} extension than the one that PHP loads already, and PHP cannot have both.\nUnset {EXTENSION}, or disable PHP's own."
    )]
    LoadedAlready(Store),
    /// PHP does not take it.
    #[error("PHP cannot use the {store} extension from {origin}. What it says:\n{said}")]
    Unusable {
        /// The extension.
        store: Store,
        /// Where it came from.
        origin: String,
        /// PHP's words.
        said: String,
    },
    /// No provider has it.
    #[error(
        "PHP {php} has no {store} extension, and none of the ways to get it works:\n{refusals}\nInstall it in the build image and the run image (on Debian: apt-get install {package}), or let the build reach the package mirror, or give it phpize and a compiler; without a network, {MIRROR} says where the source release is."
    )]
    NoProvider {
        /// The extension.
        store: Store,
        /// PHP's version.
        php: Version,
        /// Each provider's words, a line each.
        refusals: String,
        /// Debian's package.
        package: String,
    },
    /// PHP cannot be asked.
    #[error(transparent)]
    Php(#[from] PhpError),
    /// The libraries that it needs cannot be had.
    #[error("The {store} extension cannot be used: {error}.")]
    Libraries {
        /// The extension.
        store: Store,
        /// What is wrong.
        error: LibrariesError,
    },
    /// The layer cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

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
    let mut refusals = vec![format!("installed: {} is not there", object.display())];
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

impl Fetched {
    /// The package that a file has come with, or was installed into the image with.
    fn package_of(&self, request: &Request<'_>, file: &Path) -> Option<Package> {
        if let Some(release) = &self.release
            && file.starts_with(&self.extension_dir)
        {
            return Some(release.clone());
        }
        self.unpacked
            .owner(file)
            .cloned()
            .or_else(|| apt::installed_package(request.env, request.target, file))
    }

    fn origin(&self) -> String {
        match &self.release {
            Some(release) => format!("the source release {release}"),
            None => "the distribution's package".to_owned(),
        }
    }
}

/// Where a layer has an extension.
fn object_in(layer: &Path, name: &str) -> PathBuf {
    layer.join("extensions").join(format!("{name}.so"))
}

impl Extension {
    /// What PHP's `extension` directives say, in this order. `layer` is the extension layer.
    #[must_use]
    pub fn directives(&self, layer: Option<&Path>) -> Vec<String> {
        self.load.iter().map(|name| loading::directive(name, layer)).collect()
    }
}

impl Provider {
    /// The provider's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Apt => "apt",
            Self::Source => "source",
        }
    }
}
