//! Reads credentials by meaning, whatever name each broker gives them.

use super::entries::{Entry, entries_of};
use super::names::Meaning;
use super::values::{flag, is_empty, is_off, split, texts_of};
use crate::config::environment::Environment;
use crate::config::options::Options;
use crate::services::{Credential, Service};
use crate::store::Store;
use crate::system::log_line::listed;
use crate::system::masked::masked;
use anyhow::{anyhow, ensure};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
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
    /// Where a cloud says how its containers log in; `None` while an image is built.
    pub(super) environment: Option<&'a Environment>,
    pub(super) service: &'a Service,
    /// The likeliest first.
    entries: Vec<Entry>,
    /// For the log.
    pub(super) warnings: RefCell<Vec<String>>,
}

impl<'a> Fields<'a> {
    /// Reads the credentials of a service.
    pub(super) fn of(
        store: Store,
        service: &'a Service,
        options: &'a Options,
        environment: Option<&'a Environment>,
    ) -> anyhow::Result<Self> {
        let entries = entries_of(store, &service.credentials()?);
        ensure!(
            entries.iter().all(|entry| entry.words.text() != "credhub ref"),
            "The service {service} has only a reference to its credentials (credhub-ref) that the platform should have resolved.\nLet the platform interpolate CredHub references. Cloud Foundry does so in VCAP_SERVICES, but not in files (service-binding-k8s, file-based-vcap-services), and not if CREDHUB_SKIP_INTERPOLATION is set."
        );
        let warnings = RefCell::default();
        Ok(Self { store, options, environment, service, entries, warnings })
    }

    /// The text of the field; `None` if it is missing, null or empty.
    pub(super) fn text(&self, meaning: Meaning) -> anyhow::Result<Option<String>> {
        self.first(meaning).map(|entry| self.text_of(entry)).transpose()
    }

    pub(super) fn text_of(&self, Entry { key, credential, .. }: &Entry) -> anyhow::Result<String> {
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
        Ok(text)
    }

    /// The items of a list: a JSON list, or a string with items separated by commas, semicolons or blanks.
    pub(super) fn list(&self, meaning: Meaning) -> anyhow::Result<Option<Vec<String>>> {
        self.first(meaning).map(|entry| self.list_of(entry)).transpose()
    }

    fn list_of(&self, entry: &Entry) -> anyhow::Result<Vec<String>> {
        let texts = if let Credential::Value(Value::Array(items)) = &entry.credential {
            texts_of(items)
        } else {
            let text = self.text_of(entry)?;
            match serde_json::from_str(&text) {
                Ok(Value::Array(items)) => texts_of(&items),
                _ => Some(split(&text)),
            }
        };
        texts.filter(|texts| !texts.is_empty()).ok_or_else(|| {
            self.unusable(&entry.key, "is not a list of strings", "a list separated by commas")
        })
    }

    /// The addresses in a list, at least one; `port` is for those without one.
    pub(super) fn addresses(
        &self,
        meaning: Meaning,
        port: u16,
        expected: &str,
    ) -> anyhow::Result<Option<Vec<Address>>> {
        let Some(entry) = self.first(meaning) else { return Ok(None) };
        let texts = self.list_of(entry)?;
        let parsed = texts.iter().map(|text| Address::parse(text, port)).collect::<Result<_, _>>();
        parsed.map(Some).map_err(|problem| self.unusable(&entry.key, problem, expected))
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

    pub(super) fn secret(&self, meaning: Meaning) -> anyhow::Result<Option<Secret>> {
        Ok(self.text(meaning)?.map(Secret::new))
    }

    /// The host, and the port if it contains one.
    pub(super) fn host(&self) -> anyhow::Result<Option<(Host, Option<u16>)>> {
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

    pub(super) fn port(&self, meaning: Meaning) -> anyhow::Result<Option<u16>> {
        self.parsed(meaning, "a whole number from 1 to 65535", |text| match text.parse() {
            Ok(0) | Err(_) => Err("is not a port".to_owned()),
            Ok(port) => Ok(port),
        })
    }

    pub(super) fn flag(&self, meaning: Meaning) -> anyhow::Result<Option<bool>> {
        let parse = |text: &str| flag(text).ok_or("is neither true nor false".to_owned());
        self.parsed(meaning, "true or false", parse)
    }

    pub(super) fn parsed<T>(
        &self,
        meaning: Meaning,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> anyhow::Result<Option<T>> {
        let Some(entry) = self.first(meaning) else { return Ok(None) };
        let parsed = parse(self.text_of(entry)?.trim());
        parsed.map(Some).map_err(|problem| self.unusable(&entry.key, &problem, expected))
    }

    /// The likeliest entry that is not empty.
    pub(super) fn first(&self, meaning: Meaning) -> Option<&Entry> {
        let mut with_meaning = self.present().filter(|entry| entry.meaning() == Some(meaning));
        let first = with_meaning.next()?;
        first.is_read.set(true);
        // Others that say the same are not unused.
        let same = with_meaning.filter(|other| other.credential == first.credential);
        same.for_each(|other| other.is_read.set(true));
        Some(first)
    }

    /// Marks credentials as unused although they have been looked up.
    pub(super) fn ignore(&self, meaning: Meaning) {
        let of_meaning = self.entries.iter().filter(|entry| entry.meaning() == Some(meaning));
        of_meaning.for_each(|entry| entry.is_read.set(false));
    }

    /// The text of the first credential with one of these names, as it is written or without the words that say only whose.
    pub(super) fn worded(&self, names: &[&str]) -> Option<String> {
        self.worded_if(names, |_| true)
    }

    /// The same, if it is of use; otherwise it stays unused.
    pub(super) fn worded_if(
        &self,
        names: &[&str],
        is_of_use: impl FnOnce(&str) -> bool,
    ) -> Option<String> {
        let entry = self.first_worded(names)?;
        let text = self.text_of(entry).ok()?.trim().to_owned();
        is_of_use(&text).then(|| {
            entry.is_read.set(true);
            text
        })
    }

    /// Whether a name contains the word, with a text of which that is so.
    pub(super) fn mention_that(&self, word: &str, is_so: impl Fn(&str) -> bool) -> bool {
        let mut named = self.present().filter(|entry| entry.words.contain(word));
        named.any(|entry| self.text_of(entry).is_ok_and(|text| is_so(&text)))
    }

    /// Whether there is such a credential.
    pub(super) fn has_worded(&self, names: &[&str]) -> bool {
        self.first_worded(names).is_some()
    }

    fn first_worded(&self, names: &[&str]) -> Option<&Entry> {
        self.present().find(|entry| {
            names.iter().any(|it| entry.words.text() == *it || entry.significant == *it)
        })
    }

    /// The text of a credential that is an option.
    pub(super) fn option(&self, name: &str) -> Option<String> {
        let words = name.replace('_', " ");
        let entry = self.present().find(|entry| entry.significant == words)?;
        entry.is_read.set(true);
        self.text_of(entry).ok()
    }

    fn present(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !is_empty(&entry.credential))
    }

    /// Adds a warning for the log.
    pub(super) fn warn(&self, warning: String) {
        self.warnings.borrow_mut().push(warning);
    }

    /// The names of the credentials that have not been looked up, as the service writes them.
    pub(super) fn unused(&self) -> Vec<String> {
        let read = self.entries.iter().filter(|entry| entry.is_read.get());
        let used: BTreeSet<&str> = read.map(Entry::top_name).collect();
        let is_unused =
            |entry: &&Entry| entry.is_top() && !used.contains(&*entry.key) && !entry.is_metadata();
        let mut unused: Vec<String> =
            self.present().filter(is_unused).map(|entry| entry.key.clone()).collect();
        unused.sort();
        unused
    }

    /// The entries that no name gives a meaning, and that have a value.
    pub(super) fn not_understood(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| {
            entry.meaning().is_none()
                && !entry.is_metadata()
                && !is_off(&entry.credential)
                && !entry.is_read.get()
        })
    }

    pub(super) fn missing(&self, missing: &str, expected: &str) -> anyhow::Error {
        let mut present: Vec<String> =
            self.entries.iter().filter(|it| it.is_top()).map(Entry::describe).collect();
        present.sort();
        if present.is_empty() {
            present.push("no credentials".to_owned());
        }
        let mut present = listed(&present, NAMED_CREDENTIALS);
        if let Some(problem) = &self.service.problem {
            present = format!("{present} (its {problem})");
        }
        anyhow!(
            "The service {} has no {missing}.\nIt has: {present}.\nExpected {expected}.",
            self.service
        )
    }

    /// The value is not shown: it may be a password.
    pub(super) fn unusable(&self, key: &str, problem: &str, expected: &str) -> anyhow::Error {
        anyhow!(
            "The service {} cannot be used: its credential \"{key}\" {problem}.\nExpected {expected}.",
            self.service
        )
    }
}
