//! Splits the names of credentials into words, and finds what they mean.

use super::names::{
    HARMLESS, Meaning, NEUTRAL, OF_KEY, OF_OTHERS, OF_TLS, PHRASES, SECRET, SYNONYMS, store_words,
};
use crate::store::Store;
use std::collections::BTreeSet;
use std::iter;
use std::sync::LazyLock;

/// The words of a name, in lower case: those of `primaryAccessKey`, `PRIMARY_ACCESS_KEY` and `primaryaccesskey` are
/// the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words(Vec<String>);

/// What a name means, and how much had to be left out or replaced to see it: less is likelier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NameReading {
    pub(super) meaning: Meaning,
    pub(super) rank: (usize, usize),
}

impl Words {
    pub(super) fn of(name: &str) -> Self {
        let parts = name.split(|c: char| !c.is_alphanumeric()).map(|part| {
            // A word that we know is not two: `PassWord`.
            Some(part.to_lowercase())
                .filter(|it| VOCABULARY.contains(&**it))
                .unwrap_or_else(|| spaced(part))
        });
        let words = parts.flat_map(|part| part.split(' ').map(str::to_owned).collect::<Vec<_>>());
        Self(words.flat_map(|word| segments(&word).unwrap_or_else(|| vec![word])).collect())
    }

    /// The words that we don't know, if there are any and none of them says that another server is meant.
    pub(super) fn of_owner(&self) -> Option<Vec<String>> {
        let unknown = self.0.iter().filter(|word| !VOCABULARY.contains(word.as_str()));
        let owner: Vec<String> = unknown.cloned().collect();
        let is_other = owner.iter().any(|word| OF_OTHERS.contains(&word.as_str()));
        (!owner.is_empty() && !is_other).then_some(owner)
    }

    pub(super) fn without(&self, words: &[String]) -> Self {
        Self(self.0.iter().filter(|word| !words.contains(word)).cloned().collect())
    }

    /// The words with single blanks between them.
    pub(super) fn text(&self) -> String {
        self.0.join(" ")
    }

    pub(super) fn contain(&self, word: &str) -> bool {
        self.0.iter().any(|it| it == word)
    }

    /// Whether one of them names this store.
    pub(super) fn name(&self, store: Store) -> bool {
        store_words(store).iter().any(|word| self.contain(word))
    }

    /// The words that tell what is meant, with single blanks between them.
    pub(super) fn significant(&self, store: Store) -> String {
        self.canonical(store).join(" ")
    }

    /// What they mean for a store.
    pub(super) fn reading(&self, store: Store) -> Option<NameReading> {
        if self.0.iter().any(|word| !VOCABULARY.contains(word.as_str())) {
            return None;
        }
        let words = self.canonical(store);
        let synonyms = self.0.iter().map(|word| synonym(word));
        // Spring's `redis.sentinel.master` names the primary.
        let of_any_store: Vec<&str> =
            synonyms.filter(|it| !store_words(store).contains(it)).collect();
        let texts = [self.text(), of_any_store.join(" "), words.join(" ")];
        let unchanged = self.0.iter().filter(|word| words.contains(&word.as_str())).count();
        PHRASES.iter().find_map(|(meaning, phrases)| {
            let index = phrases.iter().position(|phrase| texts.iter().any(|it| it == phrase))?;
            Some(NameReading { meaning: *meaning, rank: (self.0.len() - unchanged, index) })
        })
    }

    /// Whether they are those of a password, a token or a key.
    pub(super) fn look_secret(&self) -> bool {
        let long = ["password", "passwd", "passphrase", "token", "secret"];
        let glued = |word: &String| long.iter().any(|part| word.contains(part));
        let is_key = self.contain("key") && OF_KEY.iter().any(|word| self.contain(word));
        self.look(&SECRET) || (!self.are_harmless() && (is_key || self.0.iter().any(glued)))
    }

    /// Whether they are those of TLS or of a certificate.
    pub(super) fn look_like_tls(&self) -> bool {
        self.look(&OF_TLS)
    }

    fn look(&self, like: &[&str]) -> bool {
        !self.are_harmless() && self.0.iter().any(|word| like.contains(&synonym(word)))
    }

    fn are_harmless(&self) -> bool {
        HARMLESS.iter().any(|word| self.contain(word))
    }

    /// With synonyms, without neutral words and without repetitions.
    fn canonical(&self, store: Store) -> Vec<&str> {
        let is_neutral = |word: &str| NEUTRAL.contains(&word) || store_words(store).contains(&word);
        let mut words: Vec<&str> =
            self.0.iter().filter(|word| !is_neutral(word)).map(|word| synonym(word)).collect();
        words.dedup();
        words
    }
}

fn synonym(word: &str) -> &str {
    let canonical = SYNONYMS.iter().find(|(_, others)| others.contains(&word));
    canonical.map_or(word, |(canonical, _)| canonical)
}

/// Every word that we know.
static VOCABULARY: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let phrases = PHRASES.iter().flat_map(|(_, phrases)| phrases.iter());
    let synonyms = SYNONYMS.iter().flat_map(|(_, others)| others.iter());
    let stores = Store::ALL.into_iter().flat_map(store_words);
    let single =
        synonyms.chain(stores).chain(&NEUTRAL).chain(&SECRET).chain(&OF_KEY).chain(&HARMLESS);
    phrases.flat_map(|phrase| phrase.split(' ')).chain(single.copied()).collect()
});

/// In lower case, with blanks between `camelCase` words.
fn spaced(part: &str) -> String {
    let (mut spaced, mut after_capital) = (String::new(), true);
    let mut chars = part.chars().peekable();
    while let Some(c) = chars.next() {
        let before_small = chars.peek().is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && (!after_capital || before_small) {
            spaced.push(' ');
        }
        spaced.extend(c.to_lowercase());
        after_capital = c.is_uppercase();
    }
    spaced
}

/// The known words of a text without separators (`sslport`, Railway's `REDISHOST`), if it consists of such.
fn segments(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    // Backwards, the longest that fits is the first: `hosts` is not `host` and an `s`.
    VOCABULARY.iter().rev().find_map(|word| {
        let rest = segments(text.strip_prefix(word)?)?;
        Some(iter::once((*word).to_owned()).chain(rest).collect())
    })
}

#[cfg(test)]
mod tests;
