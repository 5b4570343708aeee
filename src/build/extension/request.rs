//! What a provider is asked for, and what it fetched.

use super::dpkg;
use super::package::Package;
use super::release::{Pins, Release, release_for};
use super::unpacked::Unpacked;
use crate::build::decision::SessionConfig;
use crate::config::build::Provider;
use crate::php::Php;
use crate::store::Store;
use crate::system::command::find_program;
use crate::system::constraint::Constraint;
use crate::system::version::Version;
use anyhow::anyhow;
use indoc::formatdoc;
use libcnb::build::BuildContext;
use libcnb::{Buildpack, Env, Target};
use std::path::{Path, PathBuf};
use url::Url;

/// The extensions that a store's extension may depend on, if built so. PHP must load them first.
pub(super) const COMPANIONS: [&str; 2] = ["igbinary", "msgpack"];

/// An extension that PHP can load: we tried.
#[derive(Debug, Clone)]
pub(super) struct Extension {
    pub(super) provider: Provider,
    pub(super) version: Version,
    /// The extensions to load, in this order.
    pub(super) load: Vec<String>,
}

/// What a provider needs to know.
#[derive(Debug, Clone, Copy)]
pub struct ExtensionRequest<'a> {
    pub(crate) php: &'a Php,
    pub(crate) env: &'a Env,
    pub(crate) target: &'a Target,
    pub(crate) store: Store,
    /// The only provider to ask; `None` for the first that has the extension.
    pub(crate) only: Option<Provider>,
    pub(crate) releases: &'a [Release],
    /// Where to download source releases instead of from their own site.
    pub(crate) mirror: Option<&'a Url>,
    /// The extension versions that the app accepts.
    pub(crate) constraint: Option<&'a Constraint>,
    /// The age in days at which the distribution's packages are fetched again; `None` for never.
    pub(crate) max_age: Option<u64>,
}

impl<'a> ExtensionRequest<'a> {
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
            only: config.settings.extension,
            releases: &context.buildpack_descriptor.metadata.releases,
            mirror: config.mirror.as_ref(),
            constraint: config.constraint.as_ref(),
            max_age: config.settings.extension_max_age,
        }
    }
}

impl ExtensionRequest<'_> {
    /// Whether this provider may be asked.
    pub(super) fn allows(&self, provider: Provider) -> bool {
        self.only.is_none_or(|only| only == provider)
    }

    /// Whether the app requires another version than this one, and we may compile a release that fits.
    pub(super) fn release_is_wanted(&self, version: &Version) -> bool {
        let release = release_for(self.releases, self.store, &self.php.facts().version);
        self.only.is_none()
            && self.unmet(version).is_some()
            && release.is_some_and(|release| self.unmet(&release.version).is_none())
            && find_program(self.env, "cc").is_some()
    }

    /// What the app requires, if this version does not fit.
    pub(super) fn unmet(&self, version: &Version) -> Option<String> {
        let constraint = self.constraint.filter(|constraint| !constraint.is_met_by(version))?;
        Some(format!(
            "composer.json requires ext-{} {constraint}, but this is {version}",
            self.store
        ))
    }
}

/// What a provider fetched into the work folder.
#[derive(Debug)]
pub(super) struct Fetched {
    /// The folder with the extension, and possibly its companions.
    pub(super) extension_dir: PathBuf,
    /// The packages that came with it.
    pub(super) unpacked: Unpacked,
    /// The source release that the extension was compiled from.
    pub(super) release: Option<Package>,
}

impl Fetched {
    /// The package that a file came in, fetched or installed in the image.
    pub(super) fn package_of(
        &self,
        request: &ExtensionRequest<'_>,
        file: &Path,
    ) -> Option<Package> {
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
}

/// The error for an extension with which PHP cannot keep sessions. `said` is PHP's message.
pub(super) fn unusable(store: Store, provider: Provider, said: &str) -> anyhow::Error {
    let origin = provider.origin();
    anyhow!(formatdoc! {"
        PHP cannot use the {store} extension{origin}:
        {said}"})
}

/// The folder of a layer for extensions.
pub(super) const OBJECTS: &str = "extensions";

/// The path of an extension in a layer.
pub(super) fn object_in(layer: &Path, name: &str) -> PathBuf {
    layer.join(OBJECTS).join(format!("{name}.so"))
}

/// The value of PHP's `extension` directive, for an extension in the layer or else in PHP's directory.
pub(super) fn directive(php: &Php, name: &str, layer: Option<&Path>) -> String {
    match layer.map(|layer| object_in(layer, name)).filter(|object| object.is_file()) {
        Some(object) => object.display().to_string(),
        None => php.facts().object(name),
    }
}
