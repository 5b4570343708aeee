//! What may have been meant by a misspelt word.

/// At most this many letters may be wrong.
const MOST_WRONG: usize = 2;

/// The known word that is closest, if few letters are wrong. Case does not count.
pub(crate) fn closest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let distances = known.map(|known| (distance(&word, &known.to_ascii_lowercase()), known));
    distances.filter(|(wrong, _)| *wrong <= MOST_WRONG).min().map(|(_, known)| known)
}

/// How many letters must be inserted, removed or replaced (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, b) in other.chars().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_wrong_letters_are_forgiven() {
        let known = || ["timeout", "prefix", "persistent"].into_iter();
        assert_eq!(closest("timout", known()), Some("timeout"));
        assert_eq!(closest("PREFXI", known()), Some("prefix"));
        assert_eq!(closest("time", known()), None);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
