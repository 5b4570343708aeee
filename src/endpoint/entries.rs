//! A service's credentials as a flat list, each with the meaning of its name.

use super::names::{METADATA, Meaning};
use super::values::{is_empty, is_no_password};
use super::words::{NameReading, Words};
use crate::services::{Credential, Credentials};
use crate::store::Store;
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeSet;

/// A credential, or a value nested in one.
pub(super) struct Entry {
    /// The name as the service writes it, with dots before nested names.
    pub(super) key: String,
    /// The length of the credential's own name, without nested ones.
    top: usize,
    pub(super) words: Words,
    /// The words that tell what is meant.
    pub(super) significant: String,
    reading: Option<NameReading>,
    pub(super) credential: Credential,
    /// Whether it has been looked up.
    pub(super) is_read: Cell<bool>,
}

impl Entry {
    pub(super) fn meaning(&self) -> Option<Meaning> {
        self.reading.map(|reading| reading.meaning)
    }

    /// Whether it is a credential itself.
    pub(super) fn is_top(&self) -> bool {
        self.key.len() == self.top
    }

    /// Whether it describes the service.
    pub(super) fn is_metadata(&self) -> bool {
        METADATA.contains(&self.words.text().as_str())
    }

    pub(super) fn top_name(&self) -> &str {
        &self.key[..self.top]
    }

    /// The name, marked if the value is null or empty, which explains why it counts as missing.
    pub(super) fn describe(&self) -> String {
        match &self.credential {
            Credential::Value(Value::Null) => format!("{} (null)", self.key),
            credential if credential.text() == Some("") => format!("{} (empty)", self.key),
            _ => self.key.clone(),
        }
    }
}

/// The entries of a service for a store, the likeliest of each meaning first.
pub(super) fn entries_of(store: Store, credentials: &Credentials) -> Vec<Entry> {
    let list = Entries::read(store, credentials, Vec::new());
    match words_of_owner(store, &list) {
        Some(owner) => Entries::read(store, credentials, owner),
        None => list,
    }
}

/// Where nothing says where the server is: the words in the only name that would say it without them (`SHOP_REDIS_HOST`,
/// nais's `VALKEY_URI_SESSIONS`).
fn words_of_owner(store: Store, list: &[Entry]) -> Option<Vec<String>> {
    let says_where = |reading: &NameReading| {
        matches!(reading.meaning, Meaning::Host | Meaning::Uri | Meaning::Hosts | Meaning::Nodes)
    };
    let present = || list.iter().filter(|entry| entry.is_top() && !is_empty(&entry.credential));
    if list.iter().filter_map(|entry| entry.reading.as_ref()).any(says_where) {
        return None;
    }
    let names_store = present().any(|entry| entry.words.name(store));
    let candidates = present().filter(|entry| !names_store || entry.words.name(store));
    let owners: BTreeSet<Vec<String>> = candidates
        .filter_map(|entry| {
            let owner = entry.words.of_owner()?;
            entry.words.without(&owner).reading(store).filter(says_where)?;
            Some(owner)
        })
        .collect();
    // Several would be a guess.
    if owners.len() == 1 { owners.into_iter().next() } else { None }
}

struct Entries {
    store: Store,
    /// Words that say no more than whose credentials they are.
    owner: Vec<String>,
    list: Vec<Entry>,
}

impl Entries {
    fn read(store: Store, credentials: &Credentials, owner: Vec<String>) -> Vec<Entry> {
        let mut entries = Self { store, owner, list: Vec::new() };
        for (name, credential) in credentials {
            entries.add(name, name.len(), credential.clone());
        }
        entries.list.sort_by_key(|entry| entry.reading.map(|reading| reading.rank));
        entries.list
    }

    /// Adds a value, and those nested in it.
    fn add(&mut self, key: &str, top: usize, credential: Credential) {
        let before = self.list.len();
        let words = Words::of(key).without(&self.owner);
        let reading = words
            .reading(self.store)
            // Of `sentinel.master`, only both words together say it.
            .filter(|it| it.meaning == Meaning::SentinelMaster || self.says_what(key))
            // `auth` may say whether there is a password, or who issues one.
            .filter(|it| it.meaning != Meaning::Password || !is_no_password(&credential));
        let is_list =
            reading.is_some_and(|it| matches!(it.meaning, Meaning::Hosts | Meaning::Nodes));
        // Cloud Foundry's binding files hold nested values as JSON.
        let text = credential.text().filter(|it| key.len() == top && it.starts_with(['{', '[']));
        if let Credential::Value(value) = &credential {
            self.add_nested(key, top, value, is_list);
        }
        if let Some(value) = text.and_then(|text| serde_json::from_str(text).ok()) {
            self.add_nested(key, top, &value, is_list);
        }
        let is_container =
            matches!(&credential, Credential::Value(Value::Object(_) | Value::Array(_)));
        let has_nested = self.list[before..].iter().any(|entry| entry.reading.is_some());
        let reading = reading.filter(|_| !(is_container && has_nested && !is_list));
        let (key, significant) = (key.to_owned(), words.significant(self.store));
        let is_read = Cell::default();
        self.list.push(Entry { key, top, words, significant, reading, credential, is_read });
    }

    /// Whether the last of nested names says what it is: `host.connection` is no host.
    fn says_what(&self, key: &str) -> bool {
        let key = key.strip_suffix(".0").unwrap_or(key);
        let own = key.rsplit_once('.').map(|(_, own)| own);
        own.is_none_or(|own| !Words::of(own).significant(self.store).is_empty())
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
