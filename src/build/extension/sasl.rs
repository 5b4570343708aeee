//! libsasl2's mechanism plugins. No SASL login works without them, and minimal images lack them.

use super::apt::Apt;
use super::dpkg::installed_package;
use super::package::Package;
use super::request::ExtensionRequest;
use super::runpath::copy_with_runpath;
use crate::config::build::Provider;
use crate::system::sasl::{PLAIN, mechanisms_of_system, plugins_in};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Debian's package with the mechanisms.
const PACKAGE: &str = "libsasl2-modules";
/// Is in the same folder but not a mechanism: a server's password database.
const SASLDB: &str = "libsasldb.so";
/// Why there are no plugins.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SaslError {
    #[error("the image has none, and apt cannot fetch them: {0:#}")]
    NoProvider(anyhow::Error),
    #[error("the image has none, and the settings exclude apt")]
    NotAsked,
    #[error("Debian's package {PACKAGE} has no {PLAIN}")]
    NotInPackage,
    #[error(transparent)]
    Write(#[from] anyhow::Error),
}

/// Copies the plugins into the layer's folder, from this image or from apt: the run image may lack them even if
/// this build image has them. Returns the packages that they belong to.
pub(crate) fn bring_mechanisms(
    request: &ExtensionRequest<'_>,
    work: &Path,
    into: &Path,
) -> Result<Vec<Package>, SaslError> {
    if let Some(folder) = mechanisms_of_system() {
        let plugins = copy_plugins(&folder, into)?;
        return Ok(packages(
            plugins.iter().filter_map(|file| installed_package(request.env, request.target, file)),
        ));
    }
    if !request.choice.allows(Provider::Apt) {
        return Err(SaslError::NotAsked);
    }
    let unpacked = Apt::new(request, work)
        .and_then(|apt| apt.impatient().fetch(&[PACKAGE]))
        .map_err(SaslError::NoProvider)?;
    let folder = unpacked
        .library_dirs()
        .iter()
        .find_map(|dir| plugins_in(dir.parent().unwrap_or(dir)))
        .ok_or(SaslError::NotInPackage)?;
    let plugins = copy_plugins(&folder, into)?;
    Ok(packages(plugins.iter().filter_map(|file| unpacked.owner(file).cloned())))
}

fn packages(packages: impl Iterator<Item = Package>) -> Vec<Package> {
    packages.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Copies the plugins under the names that libsasl2 loads; returns their files.
fn copy_plugins(folder: &Path, into: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut plugins: Vec<PathBuf> = folder
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "so"))
        .filter(|path| !path.ends_with(SASLDB))
        .collect();
    plugins.sort();
    for plugin in &plugins {
        copy_with_runpath(plugin, &into.join(plugin.file_name().unwrap_or_default()))?;
    }
    Ok(plugins)
}
