//! The pinned source releases.

use super::package::{Package, PackageSource};
use crate::store::Store;
use crate::system::version::Version;
use serde::Deserialize;
use url::Url;

/// The `metadata` of `buildpack.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// The source releases; the first that fits is used.
    pub(crate) releases: Vec<Release>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Release {
    pub(crate) store: Store,
    pub(crate) version: Version,
    /// The oldest PHP that it supports.
    pub(crate) php_from: Version,
    /// The first PHP that it no longer supports.
    #[serde(default)]
    pub(crate) php_before: Option<Version>,
    pub(crate) uri: Url,
    pub(crate) sha256: String,
    /// Its licence, by SPDX identifier.
    pub(crate) licence: String,
}

impl Release {
    pub(super) fn package(&self) -> Package {
        Package {
            name: self.store.name().to_owned(),
            version: self.version.to_string(),
            source: PackageSource::Release { uri: self.uri.to_string() },
            licences: vec![self.licence.clone()],
            sha256: self.sha256.clone(),
        }
    }
}

/// The release for a PHP; for each PHP version the newest release comes first.
pub(crate) fn release_for<'a>(
    releases: &'a [Release],
    store: Store,
    php: &Version,
) -> Option<&'a Release> {
    releases.iter().find(|release| {
        release.store == store
            && !php.precedes(&release.php_from)
            && release.php_before.as_ref().is_none_or(|before| php.precedes(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_php_that_is_newer_than_the_pins_has_no_release() {
        let descriptor: toml::Table = include_str!("../../../buildpack.toml").parse().unwrap();
        let pins: Pins = descriptor["metadata"].clone().try_into().unwrap();
        for (php, has_one) in [
            ("5.6.40", false),
            ("8.4.99", true),
            ("8.5.0", true),
            ("8.5.12", true),
            ("8.6.0", false),
            ("9.0.0", false),
        ] {
            for store in Store::ALL {
                let release = release_for(&pins.releases, store, &php.parse().unwrap());
                assert_eq!(release.is_some(), has_one, "{store} {php}");
            }
        }
    }
}
