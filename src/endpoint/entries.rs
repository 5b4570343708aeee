//! A service's credentials as a flat list, each with the meaning of its name.

use super::names::Meaning;
use super::words::{Reading, Words};
use crate::services::{Credential, Credentials};
use crate::store::Store;
use serde_json::Value;

/// A credential, or a value nested in one.
pub(super) struct Entry {
    /// Its place in the list as the service has it.
    pub(super) number: usize,
    /// The name as the service writes it, with dots before nested names.
    pub(super) key: String,
    /// The length of the credential's own name, without nested ones.
    top: usize,
    pub(super) words: Words,
    reading: Option<Reading>,
    pub(super) credential: Credential,
}

impl Entry {
    pub(super) fn meaning(&self) -> Option<Meaning> {
        self.reading.map(|reading| reading.meaning)
    }

    /// Whether it is a credential itself.
    pub(super) fn is_top(&self) -> bool {
        self.key.len() == self.top
    }

    pub(super) fn top_name(&self) -> &str {
        &self.key[..self.top]
    }

    /// The name, marked if the value is null or empty, which explains why it counts as missing.
    pub(super) fn describe(&self) -> String {
        match &self.credential {
            Credential::Value(Value::Null) => format!("{} (null)", self.key),
            Credential::Value(Value::String(text)) if text.is_empty() => {
                format!("{} (empty)", self.key)
            }
            _ => self.key.clone(),
        }
    }
}

/// The entries of a service for a store, the likeliest of each meaning first.
pub(super) fn entries_of(store: Store, credentials: &Credentials) -> Vec<Entry> {
    let mut entries = Entries { store, list: Vec::new() };
    for (name, credential) in credentials.iter() {
        entries.add(name, name.len(), credential.clone());
    }
    let mut list = entries.list;
    list.sort_by_key(|entry| entry.reading.map(|Reading { rank, .. }| (rank, entry.number)));
    list
}

struct Entries {
    store: Store,
    list: Vec<Entry>,
}

impl Entries {
    /// Adds a value, and those nested in it.
    fn add(&mut self, key: &str, top: usize, credential: Credential) {
        let before = self.list.len();
        let words = Words::of(key);
        // `host.connection` is no host.
        let own = key.rsplit_once('.').map_or(key, |(_, own)| own);
        let says_what = own == "0" || !Words::of(own).significant(self.store).is_empty();
        let reading = words.reading(self.store).filter(|_| says_what);
        let is_list =
            reading.is_some_and(|it| matches!(it.meaning, Meaning::Hosts | Meaning::Nodes));
        let is_container = match &credential {
            // Cloud Foundry's binding files hold nested values as JSON.
            Credential::Value(Value::String(text))
                if key.len() == top && text.starts_with(['{', '[']) =>
            {
                if let Ok(value) = serde_json::from_str(text) {
                    self.add_nested(key, top, &value, is_list);
                }
                false
            }
            Credential::Value(value) => {
                self.add_nested(key, top, value, is_list);
                value.is_object() || value.is_array()
            }
            Credential::Unusable(_) => false,
        };
        let has_nested = self.list[before..].iter().any(|entry| entry.reading.is_some());
        let reading = reading.filter(|_| !(is_container && has_nested && !is_list));
        let (number, key) = (self.list.len(), key.to_owned());
        self.list.push(Entry { number, key, top, words, reading, credential });
    }

    /// Adds the members of an object, and the first item of a list: further ones are replicas or alternatives.
    fn add_nested(&mut self, key: &str, top: usize, value: &Value, is_list: bool) {
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    self.add(&format!("{key}.{name}"), top, Credential::Value(value.clone()));
                }
            }
            Value::Array(items) => {
                if let Some(first) = items.first().filter(|it| it.is_object() || !is_list) {
                    self.add(&format!("{key}.0"), top, Credential::Value(first.clone()));
                }
            }
            _ => {}
        }
    }
}
