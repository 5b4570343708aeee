//! Reads credentials by meaning, whatever name each broker gives them.

mod worded;

use super::entries::{Entry, entries_of};
use super::error::EndpointError;
use super::names::{METADATA, Meaning};
use super::values::{flag, is_empty, is_off, split, texts_of};
use crate::config::environment::Environment;
use crate::config::options::Options;
use crate::services::{Credential, Service};
use crate::store::Store;
use crate::system::masked::masked;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use store_client::{Address, Host, Secret};

/// A message shows at most this many bytes of a host.
const MOST_SHOWN: usize = 100;

/// A message names at most this many credentials.
const NAMED_CREDENTIALS: usize = 30;

/// A service's credentials, looked up by their meaning; the likeliest name that is present wins.
pub(super) struct Fields<'a> {
    pub(super) store: Store,
    /// What the launch sets in place of what credentials lack or have wrong.
    pub(super) options: &'a Options,
    /// Where a cloud says how its containers log in.
    pub(super) environment: &'a Environment,
    service: &'a Service,
    /// The likeliest first.
    entries: Vec<Entry>,
    /// The entries that have been looked up.
    read: RefCell<BTreeSet<usize>>,
    warnings: RefCell<Vec<String>>,
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
    pub(super) fn of(
        store: Store,
        service: &'a Service,
        options: &'a Options,
        environment: &'a Environment,
    ) -> Result<Self, EndpointError> {
        let entries = entries_of(store, &service.credentials()?);
        let (read, warnings) = (RefCell::default(), RefCell::default());
        let fields = Self { store, options, environment, service, entries, read, warnings };
        if fields.entries.iter().any(|entry| entry.words.text() == "credhub ref") {
            return Err(fields.unsupported(
                "has only a reference to its credentials (credhub-ref) that the platform should have resolved",
                "Let the platform interpolate CredHub references. Cloud Foundry does so in VCAP_SERVICES, but not in files (service-binding-k8s, file-based-vcap-services), and not if CREDHUB_SKIP_INTERPOLATION is set.",
            ));
        }
        Ok(fields)
    }

    /// The text of the field; `None` if it is missing, null or empty.
    pub(super) fn text(&self, meaning: Meaning) -> Result<Option<Field>, EndpointError> {
        self.first(meaning).map(|entry| self.text_of(entry)).transpose()
    }

    fn text_of(&self, Entry { key, credential, .. }: &Entry) -> Result<Field, EndpointError> {
        let text = match credential {
            Credential::Value(Value::String(text)) => text.clone(),
            Credential::Value(Value::Number(number)) => number.to_string(),
            Credential::Value(Value::Bool(flag)) => flag.to_string(),
            Credential::Value(_) => {
                return Err(self.unusable(key, "is a list or an object", "a string"));
            }
            Credential::Unusable(problem) => return Err(self.unusable(key, problem, "a string")),
        };
        if text.contains('\0') {
            return Err(self.unusable(key, "contains a NUL character", "a string without one"));
        }
        Ok(Field { key: key.clone(), text })
    }

    /// The items of a list: a JSON list, or a string with items separated by commas, semicolons or blanks.
    pub(super) fn list(&self, meaning: Meaning) -> Result<Option<List>, EndpointError> {
        let Some(entry) = self.first(meaning) else { return Ok(None) };
        let texts = if let Credential::Value(Value::Array(items)) = &entry.credential {
            texts_of(items)
        } else {
            let Field { text, .. } = self.text_of(entry)?;
            match serde_json::from_str(&text) {
                Ok(Value::Array(items)) => texts_of(&items),
                _ => Some(split(&text)),
            }
        };
        let key = entry.key.clone();
        match texts {
            Some(texts) if !texts.is_empty() => Ok(Some(List { key, texts })),
            _ => Err(self.unusable(&key, "is not a list of strings", "a list separated by commas")),
        }
    }

    /// The addresses in a list; `port` is for those without one.
    pub(super) fn addresses(
        &self,
        List { key, texts }: &List,
        port: u16,
        expected: &'static str,
    ) -> Result<Vec<Address>, EndpointError> {
        let parsed = texts.iter().map(|text| Address::parse(text, port)).collect::<Result<_, _>>();
        parsed.map_err(|problem| self.unusable(key, problem, expected))
    }

    /// Whether the field is present and not empty.
    pub(super) fn has(&self, meaning: Meaning) -> bool {
        self.first(meaning).is_some()
    }

    /// Whether a name contains one of the words, with a value that is not a way to say no.
    pub(super) fn mention(&self, words: &[&str]) -> bool {
        let is_named = |entry: &Entry| words.iter().any(|word| entry.words.contain(word));
        self.entries.iter().any(|entry| is_named(entry) && !is_off(&entry.credential))
    }

    pub(super) fn secret(&self, meaning: Meaning) -> Result<Option<Secret>, EndpointError> {
        Ok(self.text(meaning)?.map(|field| Secret::new(field.text)))
    }

    /// The host, and the port if it contains one.
    pub(super) fn host(&self) -> Result<Option<(Host, Option<u16>)>, EndpointError> {
        let expected = "a name such as cache.example.com, or an IP address";
        self.parsed(Meaning::Host, expected, |text| {
            Address::parse_host(text).map_err(|problem| {
                // A host is not a secret, but anything with an @ may contain one.
                if text.contains('@') || text.len() > MOST_SHOWN {
                    problem.to_owned()
                } else {
                    format!("{problem}: {:?}", masked(text))
                }
            })
        })
    }

    pub(super) fn port(&self, meaning: Meaning) -> Result<Option<u16>, EndpointError> {
        self.parsed(meaning, "a whole number from 1 to 65535", |text| match text.parse() {
            Ok(0) | Err(_) => Err("is not a port".to_owned()),
            Ok(port) => Ok(port),
        })
    }

    pub(super) fn number(&self, meaning: Meaning) -> Result<Option<u32>, EndpointError> {
        self.parsed(meaning, "a whole number", |text| {
            text.parse().map_err(|_| "is not a whole number".to_owned())
        })
    }

    /// The binding's file that holds a credential.
    pub(super) fn file(&self, name: &str) -> Option<PathBuf> {
        self.service.credential_file(name)
    }

    pub(super) fn flag(&self, meaning: Meaning) -> Result<Option<bool>, EndpointError> {
        let parse = |text: &str| flag(text).ok_or("is neither true nor false".to_owned());
        self.parsed(meaning, "true or false", parse)
    }

    pub(super) fn parsed<T>(
        &self,
        meaning: Meaning,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, EndpointError> {
        let Some(field) = self.text(meaning)? else { return Ok(None) };
        parse(field.text.trim())
            .map(Some)
            .map_err(|problem| self.unusable(&field.key, &problem, expected))
    }

    /// The likeliest entry that is not empty.
    fn first(&self, meaning: Meaning) -> Option<&Entry> {
        let mut with_meaning = self
            .entries
            .iter()
            .filter(|entry| entry.meaning() == Some(meaning) && !is_empty(&entry.credential));
        let first = with_meaning.next()?;
        self.mark(first);
        // Others that say the same are not unused.
        with_meaning
            .filter(|other| other.credential == first.credential)
            .for_each(|it| self.mark(it));
        Some(first)
    }

    fn mark(&self, entry: &Entry) {
        self.read.borrow_mut().insert(entry.number);
    }

    /// Marks credentials as unused although they have been looked up.
    pub(super) fn ignore(&self, meaning: Meaning) {
        let mut read = self.read.borrow_mut();
        for entry in self.entries.iter().filter(|entry| entry.meaning() == Some(meaning)) {
            read.remove(&entry.number);
        }
    }

    /// Adds a warning for the log.
    pub(super) fn warn(&self, warning: String) {
        self.warnings.borrow_mut().push(warning);
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// The names of the credentials that have not been looked up, as the service writes them.
    pub(super) fn unused(&self) -> Vec<String> {
        let read = self.read.borrow();
        let used: BTreeSet<&str> = self
            .entries
            .iter()
            .filter(|entry| read.contains(&entry.number))
            .map(Entry::top_name)
            .collect();
        let unused = self.entries.iter().filter(|entry| {
            entry.is_top()
                && !used.contains(entry.key.as_str())
                && !METADATA.contains(&entry.words.text().as_str())
                && !is_empty(&entry.credential)
        });
        let names: BTreeSet<String> = unused.map(|entry| entry.key.clone()).collect();
        names.into_iter().collect()
    }

    /// The entries that no name gives a meaning, and that have a value.
    pub(super) fn not_understood(&self) -> impl Iterator<Item = &Entry> {
        let is_unknown = |entry: &&Entry| {
            entry.meaning().is_none()
                && !METADATA.contains(&entry.words.text().as_str())
                && !is_off(&entry.credential)
                && !self.read.borrow().contains(&entry.number)
        };
        self.entries.iter().filter(is_unknown)
    }

    pub(super) fn missing(&self, missing: &'static str, expected: &'static str) -> EndpointError {
        let mut present: Vec<String> =
            self.entries.iter().filter(|it| it.is_top()).map(Entry::describe).collect();
        present.sort();
        let more = present.len().saturating_sub(NAMED_CREDENTIALS);
        present.truncate(NAMED_CREDENTIALS);
        if more > 0 {
            present.push(format!("{more} more"));
        }
        if present.is_empty() {
            present.push("no credentials".to_owned());
        }
        let mut present = present.join(", ");
        if let Some(problem) = self.service.problem() {
            present = format!("{present} (its {problem})");
        }
        EndpointError::Missing { service: self.service(), missing, present, expected }
    }

    pub(super) fn unusable(
        &self,
        key: &str,
        problem: &str,
        expected: &'static str,
    ) -> EndpointError {
        EndpointError::Unusable {
            service: self.service(),
            key: key.to_owned(),
            problem: problem.to_owned(),
            expected,
        }
    }

    /// The credentials are fine, but PHP cannot use such a service.
    pub(super) fn unsupported(&self, what: &'static str, instead: &'static str) -> EndpointError {
        EndpointError::Unsupported { service: self.service(), what, instead }
    }

    pub(super) fn service(&self) -> String {
        self.service.to_string()
    }
}
