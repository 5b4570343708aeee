//! Third-party software packages in a layer.

use crate::system::uri::UNRESERVED;
use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display};

/// A package that a layer contains parts of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Package {
    /// Its name, such as `php8.2-redis`.
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) source: PackageSource,
    /// Its licences, as SPDX identifiers where possible, else as its author names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) licences: Vec<String>,
    /// The SHA-256 in hex of its archive, or of the file itself if there is no archive.
    pub(crate) sha256: String,
}

/// Where a package comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub(crate) enum PackageSource {
    Deb {
        /// The distribution, such as `debian`.
        distro: String,
        /// Its release, such as `12`.
        release: String,
        /// The package's architecture, such as `amd64`.
        arch: String,
    },
    Release {
        uri: String,
    },
    /// A file that no package manager knows.
    File,
}

impl Package {
    /// The package URL (purl), which tools use to find vulnerabilities.
    /// <https://github.com/package-url/purl-spec>
    pub(crate) fn purl(&self) -> String {
        let (name, version) = (encode(&self.name), encode(&self.version));
        match &self.source {
            PackageSource::Deb { distro, release, arch } => {
                let (distro, release, arch) = (encode(distro), encode(release), encode(arch));
                format!("pkg:deb/{distro}/{name}@{version}?arch={arch}&distro={distro}-{release}")
            }
            PackageSource::File => {
                format!("pkg:generic/{name}@{version}?checksum=sha256:{}", self.sha256)
            }
            // purl has no type for PECL.
            PackageSource::Release { uri } => {
                let (sha256, uri) = (&self.sha256, encode(uri));
                format!("pkg:generic/{name}@{version}?checksum=sha256:{sha256}&download_url={uri}")
            }
        }
    }
}

/// Colons are not encoded anywhere in a purl.
fn encode(text: &str) -> impl Display + '_ {
    const ENCODED: &AsciiSet = &UNRESERVED.remove(b':');
    utf8_percent_encode(text, ENCODED)
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
            "pkg:deb/debian/php8.2-redis@5.3.7%2B4.3.0-3?arch=amd64&distro=debian-12"
        );
        package.version = "1:2.0~rc1".into();
        assert!(package.purl().contains("@1:2.0~rc1?"), "{}", package.purl());
        package.source = PackageSource::Release { uri: "https://pecl.php.net/get/x.tgz".into() };
        assert_eq!(
            package.purl(),
            "pkg:generic/php8.2-redis@1:2.0~rc1?checksum=sha256:ab\
             &download_url=https:%2F%2Fpecl.php.net%2Fget%2Fx.tgz"
        );
        package.source = PackageSource::File;
        assert_eq!(package.purl(), "pkg:generic/php8.2-redis@1:2.0~rc1?checksum=sha256:ab");
    }
}
