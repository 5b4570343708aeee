//! The values inside a credential: strings, lists and nested objects.

use crate::services::Credential;
use serde_json::Value;

pub(super) fn is_empty(credential: &Credential) -> bool {
    match credential {
        Credential::Value(Value::Null) => true,
        Credential::Value(Value::String(text)) => text.is_empty(),
        _ => false,
    }
}

/// Whether it is empty, or says no.
pub(super) fn is_off(credential: &Credential) -> bool {
    match credential {
        Credential::Value(Value::Bool(flag)) => !flag,
        Credential::Value(Value::String(text)) => {
            let no = ["false", "0", "no", "off", "disabled", "disable", "none"];
            no.iter().any(|no| text.trim().eq_ignore_ascii_case(no)) || is_empty(credential)
        }
        _ => is_empty(credential),
    }
}

/// The items, if all of them are strings.
pub(super) fn texts_of(items: &[Value]) -> Option<Vec<String>> {
    items.iter().map(|item| item.as_str().map(|text| text.trim().to_owned())).collect()
}

pub(super) fn split(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'))
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}
