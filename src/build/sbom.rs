//! The software bill of materials of a layer, in the three formats that platforms accept. The documents are
//! reproducible: no time of day, no random serial number. Each is about forty lines of JSON; the libraries that
//! could write them are used only in tests, to validate them.

use super::extension::package::{Package, PackageSource};
use crate::system::digest::sha256;
use libcnb::data::sbom::SbomFormat;
use libcnb::sbom::Sbom;
use serde_json::{Value, json};

/// For formats that require a time; the lifecycle gives every file this one.
const NO_TIME: &str = "1980-01-01T00:00:01Z";
const TOOL: &str = concat!("php-session-store-", env!("CARGO_PKG_VERSION"));
const DOCUMENT: &str = "SPDXRef-DOCUMENT";

/// The bills of materials for a layer with these packages.
pub(super) fn of_packages(layer: &str, packages: &[Package]) -> [Sbom; 3] {
    let name = format!("php-session-store {layer} layer");
    [
        (SbomFormat::CycloneDxJson, cyclonedx(packages)),
        (SbomFormat::SpdxJson, spdx(&name, packages)),
        (SbomFormat::SyftJson, syft(&name, packages)),
    ]
    .map(|(format, document)| Sbom::from_bytes(format, document.to_string()))
}

/// <https://cyclonedx.org/docs/1.4/json/>
fn cyclonedx(packages: &[Package]) -> Value {
    let components: Vec<Value> = packages
        .iter()
        .map(|package| {
            // Debian has its own licence names.
            let key = match package.source {
                PackageSource::Release { .. } | PackageSource::File => "id",
                PackageSource::Deb { .. } => "name",
            };
            let licences: Vec<Value> =
                package.licences.iter().map(|name| json!({"license": {key: name}})).collect();
            json!({
                "type": "library",
                "bom-ref": package.purl(),
                "name": package.name,
                "version": package.version,
                "hashes": [{"alg": "SHA-256", "content": package.sha256}],
                "licenses": licences,
                "purl": package.purl(),
            })
        })
        .collect();
    json!({"bomFormat": "CycloneDX", "specVersion": "1.4", "version": 1, "components": components})
}

/// <https://spdx.github.io/spdx-spec/v2.3/>
fn spdx(name: &str, packages: &[Package]) -> Value {
    let relationships: Vec<Value> = packages
        .iter()
        .map(|package| {
            json!({
                "spdxElementId": DOCUMENT,
                "relationshipType": "DESCRIBES",
                "relatedSpdxElement": spdx_id(package),
            })
        })
        .collect();
    json!({
        "SPDXID": DOCUMENT,
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "name": name,
        "documentNamespace": format!("https://spdx.org/spdxdocs/{TOOL}-{}", fingerprint(packages)),
        "creationInfo": {"created": NO_TIME, "creators": [format!("Tool: {TOOL}")]},
        "packages": packages.iter().map(spdx_package).collect::<Vec<_>>(),
        "relationships": relationships,
    })
}

fn spdx_package(package: &Package) -> Value {
    let (declared, comment, location) = match &package.source {
        PackageSource::Release { uri } => {
            (package.licences.join(" AND "), String::new(), uri.as_str())
        }
        PackageSource::File => (package.licences.join(" AND "), String::new(), "NOASSERTION"),
        // Debian's licence names are not SPDX's.
        PackageSource::Deb { .. } => {
            ("NOASSERTION".to_owned(), package.licences.join(", "), "NOASSERTION")
        }
    };
    json!({
        "SPDXID": spdx_id(package),
        "name": package.name,
        "versionInfo": package.version,
        "downloadLocation": location,
        "filesAnalyzed": false,
        "licenseDeclared": declared,
        "licenseComments": comment,
        "checksums": [{"algorithm": "SHA256", "checksumValue": package.sha256}],
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": package.purl(),
        }],
    })
}

/// SPDX allows letters, digits, `.` and `-`.
fn spdx_id(package: &Package) -> String {
    let text = format!("{}-{}", package.name, package.version);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    format!("SPDXRef-Package-{}", text.chars().map(plain).collect::<String>())
}

/// Distinguishes documents with different packages.
fn fingerprint(packages: &[Package]) -> String {
    let text: String = packages.iter().map(|package| package.purl() + &package.sha256).collect();
    sha256(text.as_bytes())
}

/// <https://github.com/anchore/syft/blob/main/schema/json/schema-16.0.0.json>
fn syft(name: &str, packages: &[Package]) -> Value {
    let artifacts: Vec<Value> = packages
        .iter()
        .map(|package| {
            let kind = match package.source {
                PackageSource::Deb { .. } => "deb",
                PackageSource::Release { .. } => "php-pecl",
                PackageSource::File => "binary",
            };
            let licences: Vec<Value> = package
                .licences
                .iter()
                .map(|name| {
                    json!({"value": name, "spdxExpression": "", "type": "declared", "urls": [], "locations": []})
                })
                .collect();
            json!({
                "id": &sha256(package.purl().as_bytes())[..16],
                "name": package.name,
                "version": package.version,
                "type": kind,
                "foundBy": TOOL,
                "locations": [],
                "licenses": licences,
                "language": "",
                "cpes": [],
                "purl": package.purl(),
                "metadata": {"digests": [{"algorithm": "sha256", "value": package.sha256}]},
            })
        })
        .collect();
    json!({
        "artifacts": artifacts,
        "artifactRelationships": [],
        "source": {"id": fingerprint(packages), "name": name, "version": "", "type": "directory", "metadata": {"path": ""}},
        "distro": {},
        "descriptor": {"name": "php-session-store", "version": env!("CARGO_PKG_VERSION")},
        "schema": {
            "version": "16.0.0",
            "url": "https://raw.githubusercontent.com/anchore/syft/main/schema/json/schema-16.0.0.json",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyclonedx_bom::models::bom::{Bom, SpecVersion};
    use cyclonedx_bom::validation::Validate;
    use serde_spdx::spdx::v_2_3::Spdx;

    fn packages() -> Vec<Package> {
        let deb = PackageSource::Deb {
            distro: "debian".into(),
            release: "12".into(),
            arch: "amd64".into(),
        };
        let release = PackageSource::Release { uri: "https://pecl.php.net/get/x-1.tgz".into() };
        [("libx", "1:2.0+dfsg-1", deb, "BSD-3-clause"), ("x", "1.0", release, "PHP-3.01")]
            .map(|(name, version, source, licence)| Package {
                name: name.into(),
                version: version.into(),
                source,
                licences: vec![licence.into()],
                sha256: sha256(name.as_bytes()),
            })
            .to_vec()
    }

    #[test]
    fn cyclonedx_is_valid_and_says_all() {
        let bom = Bom::parse_json_value(cyclonedx(&packages())).unwrap();
        assert!(bom.validate_version(SpecVersion::V1_4).passed());
        let components = bom.components.unwrap().0;
        for (component, package) in components.iter().zip(packages()) {
            assert_eq!(component.name.to_string(), package.name);
            assert_eq!(component.version.as_ref().unwrap().to_string(), package.version);
            assert_eq!(component.purl.as_ref().unwrap().to_string(), package.purl());
            assert_eq!(component.hashes.as_ref().unwrap().0[0].content.0, package.sha256);
            assert_eq!(component.licenses.as_ref().unwrap().0.len(), 1);
        }
        assert_eq!(components.len(), 2);
    }

    #[test]
    fn spdx_is_readable_and_says_all() {
        let document: Spdx = serde_json::from_value(spdx("a layer", &packages())).unwrap();
        let items = document.packages.unwrap();
        assert_eq!(items.len(), 2);
        for (item, package) in items.iter().zip(packages()) {
            assert_eq!(item.name, package.name);
            assert_eq!(item.version_info.as_deref(), Some(package.version.as_str()));
            assert_eq!(item.checksums.as_ref().unwrap()[0].checksum_value, package.sha256);
            assert_eq!(item.external_refs.as_ref().unwrap()[0].reference_locator, package.purl());
        }
        assert_eq!(items[0].spdxid, "SPDXRef-Package-libx-1-2.0-dfsg-1");
        assert_eq!(items[1].license_declared.as_deref(), Some("PHP-3.01"));
        assert_eq!(document.relationships.unwrap().len(), 2);
    }

    #[test]
    fn syft_says_all() {
        let document = syft("a layer", &packages());
        let artifacts = document["artifacts"].as_array().unwrap();
        for (artifact, package) in artifacts.iter().zip(packages()) {
            assert_eq!(artifact["name"], package.name);
            assert_eq!(artifact["version"], package.version);
            assert_eq!(artifact["purl"], package.purl());
            assert_eq!(artifact["licenses"][0]["value"], package.licences[0]);
        }
        assert_eq!(artifacts.len(), 2);
    }

    #[test]
    fn equal_packages_make_equal_bytes() {
        let bytes = || of_packages("a", &packages()).map(|sbom| sbom.data);
        assert_eq!(bytes(), bytes());
    }
}
