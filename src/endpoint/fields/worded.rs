//! Credentials that are looked up by their words, where few services have them and none by another name.

use super::{Entry, Fields, is_empty};

impl Fields<'_> {
    /// The text of a credential with exactly these words.
    pub(in crate::endpoint) fn option(&self, name: &str) -> Option<String> {
        let words = name.replace('_', " ");
        let is_named = |entry: &&Entry| entry.significant == words;
        let entry = self.entries.iter().filter(|it| !is_empty(&it.credential)).find(is_named)?;
        self.mark(entry);
        self.text_of(entry).ok().map(|field| field.text)
    }

    /// The text of the first credential with these words, as they are written or without those that say only whose.
    pub(in crate::endpoint) fn worded(&self, words: &[&str]) -> Option<String> {
        let entry = self.first_worded(words)?;
        self.mark(entry);
        self.text_of(entry).ok().map(|field| field.text.trim().to_owned())
    }

    /// Whether there is such a credential.
    pub(in crate::endpoint) fn has_worded(&self, words: &[&str]) -> bool {
        self.first_worded(words).is_some()
    }

    fn first_worded(&self, words: &[&str]) -> Option<&Entry> {
        let is_one = |entry: &&Entry| {
            words.iter().any(|it| entry.words.text() == *it || entry.significant == *it)
        };
        self.entries.iter().filter(|it| !is_empty(&it.credential)).find(is_one)
    }
}
