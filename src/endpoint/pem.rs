//! Certificates and keys as credentials hold them: PEM, or PEM in base64.

use super::fields::Fields;
use super::names::Meaning;
use crate::config::variables::OPTIONS;
use crate::system::files::{is_der, read_text};
use anyhow::anyhow;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};
use store_client::{Pem, Secret};

const EXPECTED: &str = "PEM (-----BEGIN …), or PEM in base64";

/// Reads the likeliest credential of this meaning: PEM, or the path of a file with it.
pub(super) fn read(fields: &Fields<'_>, meaning: Meaning) -> anyhow::Result<Option<Pem>> {
    let Some(entry) = fields.first(meaning) else { return Ok(None) };
    let text = fields.text_of(entry)?;
    let found = if text.starts_with('/') && text.trim().lines().count() == 1 {
        of_file(Path::new(text.trim()))
    } else {
        pem(&text, fields.service.credential_file(&entry.key))
    };
    found.map(Some).map_err(|problem| fields.unusable(&entry.key, &problem, EXPECTED))
}

/// Reads the CA that the options name.
pub(super) fn of_option(fields: &Fields<'_>) -> anyhow::Result<Option<Pem>> {
    let Some(path) = &fields.options.ca else { return Ok(None) };
    let problem = |problem| {
        let path = path.display();
        anyhow!(
            "The option ca of {OPTIONS} names the file {path}, which {problem}.\nExpected {EXPECTED}."
        )
    };
    of_file(path).map(Some).map_err(problem)
}

fn of_file(path: &Path) -> Result<Pem, String> {
    let content = read_text(path).map_err(|error| error.to_string())?;
    pem(&content, Some(path.to_owned()))
}

/// What has to be decoded is in no file.
fn pem(text: &str, file: Option<PathBuf>) -> Result<Pem, String> {
    let decoded = decode(text)?;
    let file = file.filter(|_| decoded == text);
    Ok(Pem { text: Secret::new(decoded), file })
}

const BEGIN: &str = "-----BEGIN ";

/// Whether a text begins as PEM does, or as PEM in base64.
pub(super) fn is_like(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(BEGIN) || text.starts_with("LS0tLS1CRUdJTi")
}

/// Fails with what is wrong.
fn decode(text: &str) -> Result<String, String> {
    if text.contains(BEGIN) {
        // Some sources cannot hold newlines and write \n instead.
        let one_line = !text.trim_end().contains('\n');
        return Ok(if one_line { text.replace("\\n", "\n") } else { text.to_owned() });
    }
    let compact: String = text.split_ascii_whitespace().collect();
    let decoded = STANDARD.decode(compact).unwrap_or_default();
    if is_der(&decoded) {
        return Err("is DER in base64, not PEM".to_owned());
    }
    let text = String::from_utf8(decoded).ok().filter(|text| text.contains(BEGIN));
    text.ok_or_else(|| "is not PEM".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_comes_in_three_ways() {
        let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        assert_eq!(decode(pem).as_deref(), Ok(pem));
        assert_eq!(decode(&pem.replace('\n', "\\n")).as_deref(), Ok(pem));
        assert_eq!(decode(&STANDARD.encode(pem)).as_deref(), Ok(pem));
        let der = STANDARD.encode([0x30, 0x82, 1, 2]);
        assert_eq!(decode(&der).unwrap_err(), "is DER in base64, not PEM");
        for text in ["", "MIIB", "/etc/ssl/ca.pem", "%%%", "bm90IHBlbQ=="] {
            assert!(decode(text).is_err(), "{text}");
        }
    }
}
