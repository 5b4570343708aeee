//! Certificates and keys as credentials hold them: PEM, or PEM in base64.

use super::error::EndpointError;
use super::fields::Fields;
use super::names::Meaning;
use crate::system::files::{is_der, read_text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;
use store_client::{Pem, Secret};

const EXPECTED: &str = "PEM (-----BEGIN …), or PEM in base64";

/// Reads the likeliest credential of this meaning: PEM, or the path of a file with it.
pub(super) fn read(fields: &Fields<'_>, meaning: Meaning) -> Result<Option<Pem>, EndpointError> {
    let Some(field) = fields.text(meaning)? else { return Ok(None) };
    let unusable = |problem: &str| fields.unusable(&field.key, problem, EXPECTED);
    if field.text.starts_with('/') && field.text.trim().lines().count() == 1 {
        return of_file(Path::new(field.text.trim())).map(Some).map_err(|it| unusable(&it));
    }
    let text = decode(&field.text).ok_or_else(|| unusable(problem(&field.text)))?;
    // A decoded text is in no file.
    let file = if text == field.text { fields.file(&field.key) } else { None };
    Ok(Some(Pem { text: Secret::new(text), file }))
}

/// Reads the CA that the options name.
pub(super) fn of_option(fields: &Fields<'_>) -> Result<Option<Pem>, EndpointError> {
    let Some(path) = &fields.options.ca else { return Ok(None) };
    let error = |problem| EndpointError::CaOption {
        path: path.display().to_string(),
        problem,
        expected: EXPECTED,
    };
    of_file(path).map(Some).map_err(error)
}

fn of_file(path: &Path) -> Result<Pem, String> {
    let content = read_text(path).map_err(|error| error.to_string())?;
    let text = decode(&content).ok_or("is not PEM")?;
    let file = (text == content).then(|| path.to_owned());
    Ok(Pem { text: Secret::new(text), file })
}

const BEGIN: &str = "-----BEGIN ";

/// Whether a text begins as PEM does, or as PEM in base64.
pub(super) fn is_like(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(BEGIN) || text.starts_with("LS0tLS1CRUdJTi")
}

fn decode(text: &str) -> Option<String> {
    if text.contains(BEGIN) {
        // Some sources cannot hold newlines and write \n instead.
        let one_line = !text.trim_end().contains('\n');
        return Some(if one_line { text.replace("\\n", "\n") } else { text.to_owned() });
    }
    let compact: String = text.split_ascii_whitespace().collect();
    let text = String::from_utf8(STANDARD.decode(compact).ok()?).ok()?;
    text.contains(BEGIN).then_some(text)
}

/// What a text is that is not PEM.
fn problem(text: &str) -> &'static str {
    let compact: String = text.split_ascii_whitespace().collect();
    match STANDARD.decode(compact) {
        Ok(bytes) if is_der(&bytes) => "is DER in base64, not PEM",
        _ => "is not PEM",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_comes_in_three_ways() {
        let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        assert_eq!(decode(pem).as_deref(), Some(pem));
        assert_eq!(decode(&pem.replace('\n', "\\n")).as_deref(), Some(pem));
        assert_eq!(decode(&STANDARD.encode(pem)).as_deref(), Some(pem));
        assert_eq!(problem(&STANDARD.encode([0x30, 0x82, 1, 2])), "is DER in base64, not PEM");
        for text in ["", "MIIB", "/etc/ssl/ca.pem", "%%%", "bm90IHBlbQ=="] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
