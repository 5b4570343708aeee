//! Credentials embedded at build, on explicit request, for platforms that bind services only at build.
//! The file has the format of `VCAP_SERVICES`, with one service, so that the launch reads it like any other.

use crate::services::{Credential, Origin, Service, Services};
use crate::system::files::{self, read_text_if_present};
use anyhow::{anyhow, bail};
use indoc::formatdoc;
use serde_json::{Map, json};
use std::path::Path;

const FILE: &str = "embedded.json";

/// Embeds a service in the session layer.
///
/// # Errors
/// Fails if its credentials cannot be read or written.
pub fn write(layer: &Path, service: &Service) -> anyhow::Result<()> {
    let label = service.kind.as_deref().unwrap_or("embedded");
    let mut credentials = Map::new();
    for (name, credential) in service.credentials()? {
        match credential {
            Credential::Value(value) => drop(credentials.insert(name, value)),
            Credential::Unusable(problem) => bail!(formatdoc! {"
                The credentials of {service} cannot be embedded: {name:?} {problem}.
                Make it readable text, or remove it from the binding."}),
        }
    }
    let services = json!({ label: [{
        "name": service.name,
        "instance_name": service.instance_name,
        "tags": service.tags,
        "credentials": credentials,
    }] });
    files::write(&layer.join(FILE), services.to_string())
}

/// The service in the session layer, if one was embedded.
pub(crate) fn read(layer: &Path) -> anyhow::Result<Option<Services>> {
    let path = layer.join(FILE);
    let text = read_text_if_present(&path)
        .map_err(|error| anyhow!("The file {} {error}.", path.display()))?;
    text.map(|json| Services::parse(&json, Origin::Embedded)).transpose()
}
