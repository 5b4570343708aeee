//! Reading credentials by what they mean: each field has the names that brokers give it.

use super::{EndpointError, Host};
use crate::secret::Secret;
use crate::services::{Credential, Credentials, Service};
use serde_json::Value;
use std::collections::BTreeMap;

/// Prefixes that some operators put before every name (Aiven: `REDIS_HOST`; Memcached Cloud:
/// `MEMCACHEDCLOUD_SERVERS`).
const PREFIXES: [&str; 5] = ["redis_", "valkey_", "memcached_", "memcachedcloud_", "memcachier_"];

/// A service's credentials, to be asked by the names of a field; the first name that is there wins.
pub(super) struct Fields<'a> {
    service: &'a Service,
    /// Name in lower case and without prefix → name as given, credential.
    entries: BTreeMap<String, (String, Credential)>,
}

/// One credential's text, with the name under which it was found.
pub(super) struct Field {
    pub(super) key: String,
    pub(super) text: String,
}

/// The texts of a list, at least one, with the name under which it was found.
pub(super) struct List {
    pub(super) key: String,
    pub(super) texts: Vec<String>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(service: &'a Service, credentials: &Credentials) -> Self {
        let mut entries = BTreeMap::new();
        for (name, credential) in credentials.iter() {
            let lower = name.to_ascii_lowercase();
            let plain = PREFIXES.iter().find_map(|prefix| lower.strip_prefix(prefix));
            let key = plain.unwrap_or(&lower).to_owned();
            entries.entry(key).or_insert_with(|| (name.to_owned(), credential.clone()));
        }
        Self { service, entries }
    }

    /// The text of the field; `None` where it is missing, null or empty.
    pub(super) fn text(&self, names: &[&str]) -> Result<Option<Field>, EndpointError> {
        let Some((key, credential)) = self.first(names) else { return Ok(None) };
        let text = match credential {
            Credential::Value(Value::String(text)) => text.clone(),
            Credential::Value(Value::Number(number)) => number.to_string(),
            Credential::Value(Value::Bool(flag)) => flag.to_string(),
            Credential::Value(_) => {
                return Err(self.unusable(key, "is a list or an object", "a text"));
            }
            Credential::Unusable(problem) => return Err(self.unusable(key, problem, "a text")),
        };
        if text.contains('\0') {
            return Err(self.unusable(key, "contains a NUL character", "a text without it"));
        }
        Ok(Some(Field { key: key.clone(), text }))
    }

    /// The first of the names that is there and says something.
    fn first(&self, names: &[&str]) -> Option<&(String, Credential)> {
        names.iter().filter_map(|name| self.entries.get(*name)).find(|(_, credential)| {
            !matches!(credential, Credential::Value(Value::Null))
                && *credential != Credential::Value(Value::String(String::new()))
        })
    }

    /// The texts of a list: a JSON list, or a text with commas, semicolons or blanks between them.
    pub(super) fn list(&self, names: &[&str]) -> Result<Option<List>, EndpointError> {
        let Some((key, credential)) = self.first(names) else { return Ok(None) };
        let texts = match credential {
            Credential::Value(Value::Array(items)) => texts_of(items),
            _ => self.text(names)?.and_then(|Field { text, .. }| {
                // Cloud Foundry's binding files hold a list as JSON.
                match serde_json::from_str(&text) {
                    Ok(Value::Array(items)) => texts_of(&items),
                    _ => Some(split(&text)),
                }
            }),
        };
        match texts {
            Some(texts) if !texts.is_empty() => Ok(Some(List { key: key.clone(), texts })),
            _ => Err(self.unusable(key, "is no list of texts", "a list with commas between")),
        }
    }

    pub(super) fn secret(&self, names: &[&str]) -> Result<Option<Secret>, EndpointError> {
        Ok(self.text(names)?.map(|field| Secret::new(field.text)))
    }

    pub(super) fn host(&self, names: &[&str]) -> Result<Option<Host>, EndpointError> {
        let expected = "a name such as redis.example.com, or an IP address";
        self.parsed(names, expected, |text| text.parse::<Host>().map_err(str::to_owned))
    }

    pub(super) fn port(&self, names: &[&str]) -> Result<Option<u16>, EndpointError> {
        self.parsed(names, "a whole number from 1 to 65535", |text| match text.parse() {
            Ok(0) | Err(_) => Err("is not a port".to_owned()),
            Ok(port) => Ok(port),
        })
    }

    pub(super) fn number(&self, names: &[&str]) -> Result<Option<u32>, EndpointError> {
        self.parsed(names, "a whole number", |text| {
            text.parse().map_err(|_| "is not a whole number".to_owned())
        })
    }

    pub(super) fn flag(&self, names: &[&str]) -> Result<Option<bool>, EndpointError> {
        self.parsed(names, "true or false", |text| match text.to_ascii_lowercase().as_str() {
            // Aiven's REDIS_SSL is `required`.
            "true" | "1" | "yes" | "on" | "required" => Ok(true),
            "false" | "0" | "no" | "off" | "disabled" => Ok(false),
            _ => Err("is neither true nor false".to_owned()),
        })
    }

    pub(super) fn parsed<T>(
        &self,
        names: &[&str],
        expected: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, EndpointError> {
        let Some(field) = self.text(names)? else { return Ok(None) };
        parse(field.text.trim())
            .map(Some)
            .map_err(|problem| self.unusable(&field.key, &problem, expected))
    }

    pub(super) fn missing(&self, missing: &'static str, expected: &'static str) -> EndpointError {
        let names: Vec<String> = self.entries.values().map(described).collect();
        EndpointError::Missing {
            service: self.service.to_string(),
            missing,
            present: if names.is_empty() { "no credentials".to_owned() } else { names.join(", ") },
            expected,
        }
    }

    pub(super) fn unusable(
        &self,
        key: &str,
        problem: &str,
        expected: &'static str,
    ) -> EndpointError {
        EndpointError::Unusable {
            service: self.service.to_string(),
            key: key.to_owned(),
            problem: problem.to_owned(),
            expected,
        }
    }
}

/// The items, if all of them are texts.
fn texts_of(items: &[Value]) -> Option<Vec<String>> {
    items.iter().map(|item| item.as_str().map(|text| text.trim().to_owned())).collect()
}

fn split(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'))
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// An entry's name, with a remark where it says nothing: that explains how it can be missing.
fn described((name, credential): &(String, Credential)) -> String {
    match credential {
        Credential::Value(Value::Null) => format!("{name} (null)"),
        Credential::Value(Value::String(text)) if text.is_empty() => format!("{name} (empty)"),
        _ => name.clone(),
    }
}
