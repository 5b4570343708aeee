//! Software packages: what somebody else made and a layer carries.

use purl::GenericPurlBuilder;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A package of which a layer carries something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Package {
    /// Its name, as `php8.2-redis`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it comes from.
    pub source: PackageSource,
    /// Its licences, as its maker names them; where possible by SPDX identifier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licences: Vec<String>,
    /// The checksum of its archive, or of the carried file where there is no archive; SHA-256, hex.
    pub sha256: String,
}

/// Where a package comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum PackageSource {
    /// A distribution's `.deb`.
    Deb {
        /// The distribution, as `debian`.
        distro: String,
        /// Its release, as `12`.
        release: String,
        /// The package's architecture, as `amd64`.
        arch: String,
    },
    /// A source release.
    Release {
        /// Where it is published.
        uri: String,
    },
}

impl Package {
    /// The package URL (purl), by which tools find its vulnerabilities.
    #[must_use]
    pub fn purl(&self) -> String {
        let (kind, namespace, qualifiers) = match &self.source {
            PackageSource::Deb { distro, release, arch } => {
                let distro_release = format!("{distro}-{release}");
                ("deb", distro.as_str(), [("arch", arch.clone()), ("distro", distro_release)])
            }
            // Purl has no type for PECL.
            PackageSource::Release { uri } => {
                let checksum = format!("sha256:{}", self.sha256);
                ("generic", "", [("checksum", checksum), ("download_url", uri.clone())])
            }
        };
        let mut purl = GenericPurlBuilder::new(kind.to_owned(), self.name.as_str())
            .with_namespace(namespace)
            .with_version(self.version.as_str());
        for (name, value) in qualifiers {
            // Only a name that is malformed is refused, and ours are not.
            if let Ok(with_qualifier) = purl.clone().with_qualifier(name, value) {
                purl = with_qualifier;
            }
        }
        purl.build().map(|purl| purl.to_string()).unwrap_or_default()
    }
}

impl fmt::Display for Package {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purls_name_type_version_and_origin() {
        let mut package = Package {
            name: "php8.2-redis".into(),
            version: "5.3.7+4.3.0-3".into(),
            source: PackageSource::Deb {
                distro: "debian".into(),
                release: "12".into(),
                arch: "amd64".into(),
            },
            licences: vec![],
            sha256: "ab".into(),
        };
        assert_eq!(
            package.purl(),
            "pkg:deb/debian/php8.2-redis@5.3.7+4.3.0-3?arch=amd64&distro=debian-12"
        );
        package.version = "1:2.0~rc1".into();
        assert!(package.purl().contains("@1:2.0~rc1?"), "{}", package.purl());
        package.source = PackageSource::Release { uri: "https://pecl.php.net/get/x.tgz".into() };
        assert_eq!(
            package.purl(),
            "pkg:generic/php8.2-redis@1:2.0~rc1?checksum=sha256:ab\
             &download_url=https://pecl.php.net/get/x.tgz"
        );
    }
}
