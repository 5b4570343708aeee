//! Reads credentials by meaning: each field lists the names that brokers use for it.

use super::address::Host;
use super::error::EndpointError;
use super::prefixes::{METADATA, prefixes};
use super::values::{find_in, is_empty, split, splits, texts_of};
use crate::services::{Credential, Credentials, Service};
use crate::store::Store;
use crate::system::secret::Secret;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr;

/// A message shows at most this many bytes of a host.
const MOST_SHOWN: usize = 100;

/// A message names at most this many credentials.
const NAMED_CREDENTIALS: usize = 30;

/// A service's credentials, looked up by the names of a field; the first name that is present wins. Names are
/// compared without case and prefix. A dot leads into nested values: `redis.username`, `hosts.0`; a name that
/// itself contains the dot matches too.
pub(super) struct Fields<'a> {
    store: Store,
    service: &'a Service,
    entries: BTreeMap<String, Entry>,
    /// The entries that have been looked up.
    read: RefCell<BTreeSet<String>>,
}

struct Entry {
    /// The name as the service writes it.
    name: String,
    credential: Credential,
    /// Its nested values. Cloud Foundry's binding files hold these as JSON.
    nested: Option<Value>,
}

/// A credential's text, and the name it was found under.
pub(super) struct Field {
    pub(super) key: String,
    pub(super) text: String,
}

/// The items of a list, at least one, and the name it was found under.
pub(super) struct List {
    pub(super) key: String,
    pub(super) texts: Vec<String>,
}

impl<'a> Fields<'a> {
    /// Reads the credentials of a service.
    pub(super) fn of(store: Store, service: &'a Service) -> Result<Self, EndpointError> {
        let fields = Self::new(store, service, &service.credentials()?);
        if fields.has(&["credhub-ref"]) {
            return Err(fields.unsupported(
                "has only a reference to its credentials (credhub-ref) that the platform should have resolved",
                "Let the platform interpolate CredHub references. Cloud Foundry does so in VCAP_SERVICES, but not in files (service-binding-k8s, file-based-vcap-services), and not if CREDHUB_SKIP_INTERPOLATION is set.",
            ));
        }
        Ok(fields)
    }

    fn new(store: Store, service: &'a Service, credentials: &Credentials) -> Self {
        let mut entries = BTreeMap::new();
        let mut prefixed = Vec::new();
        for (name, credential) in credentials.iter() {
            let lower = name.to_ascii_lowercase();
            let plain = prefixes(store).iter().find_map(|prefix| lower.strip_prefix(prefix));
            let nested = match credential {
                Credential::Value(Value::String(text)) if text.starts_with(['{', '[']) => {
                    serde_json::from_str(text).ok()
                }
                Credential::Value(value @ (Value::Object(_) | Value::Array(_))) => {
                    Some(value.clone())
                }
                _ => None,
            };
            let entry = Entry { name: name.to_owned(), credential: credential.clone(), nested };
            match plain {
                Some(plain) => prefixed.push((plain.to_owned(), entry)),
                None => {
                    entries.entry(lower).or_insert(entry);
                }
            }
        }
        // A name without a prefix beats the same name with one.
        for (plain, entry) in prefixed {
            entries.entry(plain).or_insert(entry);
        }
        Self { store, service, entries, read: RefCell::default() }
    }

    /// The text of the field; `None` if it is missing, null or empty.
    pub(super) fn text(&self, names: &[&str]) -> Result<Option<Field>, EndpointError> {
        let Some((key, credential)) = self.first(names) else { return Ok(None) };
        let text = match credential {
            Credential::Value(Value::String(text)) => text,
            Credential::Value(Value::Number(number)) => number.to_string(),
            Credential::Value(Value::Bool(flag)) => flag.to_string(),
            Credential::Value(_) => {
                return Err(self.unusable(&key, "is a list or an object", "a string"));
            }
            Credential::Unusable(problem) => return Err(self.unusable(&key, &problem, "a string")),
        };
        if text.contains('\0') {
            return Err(self.unusable(&key, "contains a NUL character", "a string without one"));
        }
        Ok(Some(Field { key, text }))
    }

    /// The items of a list: a JSON list, or a string with items separated by commas, semicolons or blanks.
    pub(super) fn list(&self, names: &[&str]) -> Result<Option<List>, EndpointError> {
        let Some((key, credential)) = self.first(names) else { return Ok(None) };
        let texts = match credential {
            Credential::Value(Value::Array(items)) => texts_of(&items),
            _ => self.text(names)?.and_then(|field| match serde_json::from_str(&field.text) {
                Ok(Value::Array(items)) => texts_of(&items),
                _ => Some(split(&field.text)),
            }),
        };
        match texts {
            Some(texts) if !texts.is_empty() => Ok(Some(List { key, texts })),
            _ => Err(self.unusable(&key, "is not a list of strings", "a list separated by commas")),
        }
    }

    /// Whether the field is present and not empty.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.first(names).is_some()
    }

    pub(super) fn secret(&self, names: &[&str]) -> Result<Option<Secret>, EndpointError> {
        Ok(self.text(names)?.map(|field| Secret::new(field.text)))
    }

    pub(super) fn host(&self, names: &[&str]) -> Result<Option<Host>, EndpointError> {
        let expected = "a name such as redis.example.com, or an IP address";
        self.parsed(names, expected, |text| {
            // A host is not a secret, but anything with an @ may contain one.
            Host::from_str(text).map_err(|problem| {
                if text.contains('@') || text.len() > MOST_SHOWN {
                    problem.to_owned()
                } else {
                    format!("{problem}: {text:?}")
                }
            })
        })
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

    /// The binding's file that holds a credential.
    pub(super) fn file(&self, name: &str) -> Option<PathBuf> {
        self.service.credential_file(name)
    }

    pub(super) fn flag(&self, names: &[&str]) -> Result<Option<bool>, EndpointError> {
        self.parsed(names, "true or false", |text| match text.to_ascii_lowercase().as_str() {
            // Aiven's REDIS_SSL is `required`.
            "true" | "1" | "yes" | "on" | "enabled" | "required" => Ok(true),
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

    /// The first of the names that is present and not empty, as the service writes it.
    fn first(&self, names: &[&str]) -> Option<(String, Credential)> {
        // All of them: a credential that an earlier name overrides must not count as unused.
        let found: Vec<_> = names.iter().filter_map(|name| self.find(name)).collect();
        found.into_iter().find(|(_, credential)| !is_empty(credential))
    }

    /// Marks credentials as unused although they have been looked up.
    pub(super) fn ignore(&self, names: &[&str]) {
        let mut read = self.read.borrow_mut();
        for name in names {
            read.remove(*name);
        }
    }

    /// The names of the credentials that have not been looked up, as the service writes them.
    pub(super) fn unused(&self) -> Vec<String> {
        let read = self.read.borrow();
        let unused = self.entries.iter().filter(|(name, entry)| {
            !read.contains(*name)
                && !METADATA.contains(&name.as_str())
                && !is_empty(&entry.credential)
        });
        unused.map(|(_, entry)| entry.name.clone()).collect()
    }

    /// Those of them that look like a password, a token or a key.
    pub(super) fn unused_secrets(&self) -> Vec<String> {
        let others = Store::ALL.into_iter().filter(|store| *store != self.store);
        let prefixes_of_others: Vec<&str> = others.flat_map(prefixes).copied().collect();
        let is_secret = |name: &String| {
            let name = name.to_ascii_lowercase();
            let words =
                ["password", "passwd", "passphrase", "token", "secret", "access_key", "accesskey"];
            words.iter().any(|word| name.contains(word))
                && !name.contains("sentinel")
                && !prefixes_of_others.iter().any(|prefix| name.starts_with(prefix))
        };
        self.unused().into_iter().filter(is_secret).collect()
    }

    /// There may be a password under a name we don't know: starting without a login would be worse than not starting.
    pub(super) fn unknown_password(&self, secrets: &[String]) -> EndpointError {
        EndpointError::UnknownPassword {
            service: self.service.to_string(),
            secrets: secrets.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", "),
        }
    }

    fn find(&self, name: &str) -> Option<(String, Credential)> {
        if let Some(entry) = self.entries.get(name) {
            self.read.borrow_mut().insert(name.to_owned());
            return Some((entry.name.clone(), entry.credential.clone()));
        }
        splits(name).find_map(|(head, tail)| {
            let entry = self.entries.get(head)?;
            let value = find_in(entry.nested.as_ref()?, tail)?;
            self.read.borrow_mut().insert(head.to_owned());
            Some((format!("{}.{tail}", entry.name), Credential::Value(value.clone())))
        })
    }

    pub(super) fn missing(&self, missing: &'static str, expected: &'static str) -> EndpointError {
        let mut present: Vec<String> =
            self.entries.values().take(NAMED_CREDENTIALS).map(describe).collect();
        let more = self.entries.len().saturating_sub(NAMED_CREDENTIALS);
        if more > 0 {
            present.push(format!("{more} more"));
        }
        if present.is_empty() {
            present.push("no credentials".to_owned());
        }
        EndpointError::Missing {
            service: self.service.to_string(),
            missing,
            present: present.join(", "),
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

    /// The credentials are fine, but PHP cannot use such a service.
    pub(super) fn unsupported(&self, what: &'static str, instead: &'static str) -> EndpointError {
        EndpointError::Unsupported { service: self.service.to_string(), what, instead }
    }
}

/// An entry's name, marked if the value is null or empty, which explains why it counts as missing.
fn describe(Entry { name, credential, .. }: &Entry) -> String {
    match credential {
        Credential::Value(Value::Null) => format!("{name} (null)"),
        Credential::Value(Value::String(text)) if text.is_empty() => format!("{name} (empty)"),
        _ => name.clone(),
    }
}
