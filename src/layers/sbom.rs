//! The software bill of materials of a layer, in the three formats that platforms take.
//!
//! Equal packages make equal bytes: no time of day, no random serial number.

use crate::extension::package::{Package, PackageSource};
use cyclonedx_bom::models::bom::{Bom, SpecVersion};
use cyclonedx_bom::models::component::{Classification, Component, Components};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::{License, LicenseChoice, Licenses};
use libcnb::data::sbom::SbomFormat;
use libcnb::sbom::Sbom;
use serde_json::{Value, json};
use serde_spdx::spdx::v_2_3::{
    SpdxBuilder, SpdxCreationInfoBuilder, SpdxItemPackages, SpdxItemPackagesBuilder,
    SpdxItemPackagesItemChecksumsBuilder, SpdxItemPackagesItemExternalRefsBuilder,
    SpdxItemRelationships, SpdxItemRelationshipsBuilder,
};
use std::fmt::Display;

/// Stands where a format wants a time; the one that the lifecycle gives to every file.
const NO_TIME: &str = "1980-01-01T00:00:01Z";
const TOOL: &str = concat!("php-session-store-", env!("CARGO_PKG_VERSION"));
const NAME: &str = "php-session-store extension layer";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";

/// A bill that a library cannot write. The packages are our own, so this is a defect of ours.
#[derive(Debug, thiserror::Error)]
#[error("The layer's {format} bill of materials cannot be written: {problem}.")]
pub struct SbomError {
    format: &'static str,
    problem: String,
}

/// The bills for a layer that carries these packages.
///
/// # Errors
///
/// Fails if a library cannot write one.
pub fn of_packages(packages: &[Package]) -> Result<[Sbom; 3], SbomError> {
    Ok([
        Sbom::from_bytes(SbomFormat::CycloneDxJson, cyclonedx(packages)?),
        Sbom::from_bytes(SbomFormat::SpdxJson, spdx(packages)?),
        Sbom::from_bytes(SbomFormat::SyftJson, syft(packages).to_string()),
    ])
}

fn failed<E: Display>(format: &'static str) -> impl Fn(E) -> SbomError {
    move |error| SbomError { format, problem: error.to_string() }
}

fn cyclonedx(packages: &[Package]) -> Result<Vec<u8>, SbomError> {
    let components = packages.iter().map(component).collect();
    let bom = Bom {
        serial_number: None,
        components: Some(Components(components)),
        spec_version: SpecVersion::V1_4,
        ..Bom::default()
    };
    let mut json = Vec::new();
    bom.output_as_json_v1_4(&mut json).map_err(failed("CycloneDX"))?;
    Ok(json)
}

fn component(package: &Package) -> Component {
    let purl = package.purl();
    let mut component = Component::new(
        Classification::Library,
        &package.name,
        &package.version,
        Some(purl.clone()),
    );
    component.purl = purl.parse().ok();
    let content = HashValue(package.sha256.clone());
    component.hashes = Some(Hashes(vec![Hash { alg: HashAlgorithm::SHA_256, content }]));
    let licence = |name: &String| match package.source {
        PackageSource::Release { .. } => License::license_id(name),
        // Debian has names of its own.
        PackageSource::Deb { .. } => License::named_license(name),
    };
    let licences = package.licences.iter().map(licence).map(LicenseChoice::License).collect();
    component.licenses = Some(Licenses(licences));
    component
}

fn spdx(packages: &[Package]) -> Result<Vec<u8>, SbomError> {
    let creation = SpdxCreationInfoBuilder::default()
        .created(NO_TIME)
        .creators(vec![format!("Tool: {TOOL}")])
        .build()
        .map_err(failed("SPDX"))?;
    let items = packages.iter().map(spdx_package).collect::<Result<Vec<_>, _>>()?;
    let relationships = items.iter().map(describes).collect::<Result<Vec<_>, _>>()?;
    let document = SpdxBuilder::default()
        .spdxid(DOCUMENT)
        .spdx_version("SPDX-2.3")
        .data_license("CC0-1.0")
        .name(NAME)
        .document_namespace(format!("https://spdx.org/spdxdocs/{TOOL}-{}", fingerprint(packages)))
        .creation_info(creation)
        .packages(items)
        .relationships(relationships)
        .build()
        .map_err(failed("SPDX"))?;
    serde_json::to_vec(&document).map_err(failed("SPDX"))
}

fn spdx_package(package: &Package) -> Result<SpdxItemPackages, SbomError> {
    let checksum = SpdxItemPackagesItemChecksumsBuilder::default()
        .algorithm("SHA256")
        .checksum_value(package.sha256.clone())
        .build()
        .map_err(failed("SPDX"))?;
    let purl = SpdxItemPackagesItemExternalRefsBuilder::default()
        .reference_category("PACKAGE-MANAGER")
        .reference_type("purl")
        .reference_locator(package.purl())
        .build()
        .map_err(failed("SPDX"))?;
    let (declared, comment, location) = match &package.source {
        PackageSource::Release { uri } => {
            (package.licences.join(" AND "), String::new(), uri.as_str())
        }
        // Debian's names are none of SPDX's.
        PackageSource::Deb { .. } => {
            ("NOASSERTION".to_owned(), package.licences.join(", "), "NOASSERTION")
        }
    };
    SpdxItemPackagesBuilder::default()
        .spdxid(spdx_id(package))
        .name(package.name.clone())
        .version_info(package.version.clone())
        .download_location(location)
        .files_analyzed(false)
        .license_declared(declared)
        .license_comments(comment)
        .checksums(vec![checksum])
        .external_refs(vec![purl])
        .build()
        .map_err(failed("SPDX"))
}

fn describes(package: &SpdxItemPackages) -> Result<SpdxItemRelationships, SbomError> {
    SpdxItemRelationshipsBuilder::default()
        .spdx_element_id(DOCUMENT)
        .relationship_type("DESCRIBES")
        .related_spdx_element(package.spdxid.clone())
        .build()
        .map_err(failed("SPDX"))
}

/// SPDX takes letters, digits, `.` and `-`.
fn spdx_id(package: &Package) -> String {
    let text = format!("{}-{}", package.name, package.version);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    format!("SPDXRef-Package-{}", text.chars().map(plain).collect::<String>())
}

/// Tells documents with different packages apart.
fn fingerprint(packages: &[Package]) -> String {
    let text: String = packages.iter().map(|package| package.purl() + &package.sha256).collect();
    crate::system::digest::sha256(text.as_bytes())
}

/// Syft's own format has no library outside of Syft.
/// <https://github.com/anchore/syft/blob/main/schema/json/schema-16.0.0.json>
fn syft(packages: &[Package]) -> Value {
    let artifacts: Vec<Value> = packages
        .iter()
        .map(|package| {
            let kind = match package.source {
                PackageSource::Deb { .. } => "deb",
                PackageSource::Release { .. } => "php-pecl",
            };
            let licences: Vec<Value> = package
                .licences
                .iter()
                .map(|name| {
                    json!({"value": name, "spdxExpression": "", "type": "declared", "urls": [], "locations": []})
                })
                .collect();
            json!({
                "id": &crate::system::digest::sha256(package.purl().as_bytes())[..16],
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
        "source": {"id": fingerprint(packages), "name": NAME, "version": "", "type": "directory", "metadata": {"path": ""}},
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
                sha256: crate::system::digest::sha256(name.as_bytes()),
            })
            .to_vec()
    }

    #[test]
    fn cyclonedx_is_valid_and_says_all() {
        let bom = Bom::parse_from_json_v1_4(&*cyclonedx(&packages()).unwrap()).unwrap();
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
        let document: Spdx = serde_json::from_slice(&spdx(&packages()).unwrap()).unwrap();
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
        let document = syft(&packages());
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
        let bytes = || of_packages(&packages()).unwrap().map(|sbom| sbom.data);
        assert_eq!(bytes(), bytes());
    }
}
