//! The values inside a credential: strings, lists and nested objects.

use crate::services::Credential;
use cloud_login::Issuer;
use serde_json::Value;

pub(super) fn is_empty(credential: &Credential) -> bool {
    *credential == Credential::Value(Value::Null) || credential.text() == Some("")
}

/// Whether it says that there is a password, or who issues one.
pub(super) fn is_no_password(credential: &Credential) -> bool {
    match credential {
        Credential::Value(Value::Bool(_)) => true,
        Credential::Value(Value::String(text)) => {
            matches!(text.as_str(), "true" | "false") || Issuer::named(text).is_some()
        }
        _ => false,
    }
}

/// Whether it is empty, or says no.
pub(super) fn is_off(credential: &Credential) -> bool {
    match credential {
        Credential::Value(Value::Bool(flag)) => !flag,
        Credential::Value(Value::String(text)) => text.is_empty() || flag(text) == Some(false),
        _ => is_empty(credential),
    }
}

/// What a text says about a flag. Aiven's `REDIS_SSL` is `required`, Google's `transit_encryption_mode`
/// `SERVER_AUTHENTICATION`, AWS's also `preferred`; `verify-full` is from databases.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().replace('_', "-").as_str() {
        "true" | "1" | "yes" | "on" | "enabled" | "preferred" | "server-authentication" => {
            Some(true)
        }
        text if text.starts_with("require") || text.starts_with("verify-") => Some(true),
        "false" | "0" | "no" | "off" | "disabled" | "disable" | "none" => Some(false),
        _ => None,
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
