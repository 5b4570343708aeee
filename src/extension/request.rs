//! What a provider is asked for, and what it has fetched.

use super::dpkg;
use super::package::Package;
use super::release::{Pins, Release};
use super::unpacked::Unpacked;
use crate::config::build::{Provider, ProviderChoice};
use crate::config::mirror::Mirror;
use crate::detect::SessionConfig;
use crate::php::Php;
use crate::store::Store;
use crate::system::version::Version;
use libcnb::build::BuildContext;
use libcnb::{Buildpack, Env, Target};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The extensions that a store's extension may have been built to need. PHP must load them first.
pub(super) const COMPANIONS: [&str; 2] = ["igbinary", "msgpack"];

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

impl Extension {
    /// What PHP's `extension` directives say, in this order. `layer` is the extension layer.
    #[must_use]
    pub fn directives(&self, layer: Option<&Path>) -> Vec<String> {
        self.load.iter().map(|name| directive(name, layer)).collect()
    }
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

impl<'a> Request<'a> {
    /// What a build asks for.
    #[must_use]
    pub fn new<B: Buildpack<Metadata = Pins>>(
        config: &'a SessionConfig,
        php: &'a Php,
        env: &'a Env,
        context: &'a BuildContext<B>,
    ) -> Self {
        Self {
            php,
            env,
            target: &context.target,
            store: config.store,
            choice: config.settings.extension,
            releases: &context.buildpack_descriptor.metadata.releases,
            mirror: config.mirror.as_ref(),
        }
    }
}

/// What a provider has fetched into the work folder.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) provider: Provider,
    /// The folder with the extension, and perhaps its companions.
    pub(super) extension_dir: PathBuf,
    /// The packages that have come with it.
    pub(super) unpacked: Unpacked,
    /// The release that the extension was compiled from.
    pub(super) release: Option<Package>,
}

impl Fetched {
    /// The package that a file has come with, or was installed into the image with.
    pub(super) fn package_of(&self, request: &Request<'_>, file: &Path) -> Option<Package> {
        if let Some(release) = &self.release
            && file.starts_with(&self.extension_dir)
        {
            return Some(release.clone());
        }
        self.unpacked
            .owner(file)
            .cloned()
            .or_else(|| dpkg::installed_package(request.env, request.target, file))
    }

    pub(super) fn origin(&self) -> String {
        match &self.release {
            Some(release) => format!("the source release {release}"),
            None => "the distribution's package".to_owned(),
        }
    }
}

/// Where a layer has an extension.
pub(super) fn object_in(layer: &Path, name: &str) -> PathBuf {
    layer.join("extensions").join(format!("{name}.so"))
}

/// What PHP's `extension` directive says for an extension of the layer, else of PHP's directory.
pub(super) fn directive(name: &str, layer: Option<&Path>) -> String {
    match layer.map(|layer| object_in(layer, name)).filter(|object| object.is_file()) {
        Some(object) => object.display().to_string(),
        None => format!("{name}.so"),
    }
}
