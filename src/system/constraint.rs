//! Composer's version constraints, as far as platform packages such as `ext-redis` use them:
//! <https://getcomposer.org/doc/articles/versions.md>.

use crate::system::version::{Numbers, Version};
use std::fmt;
use std::ops::Range;

/// A version constraint in `composer.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Constraint {
    text: String,
    /// At least one alternative must hold with all its ranges.
    alternatives: Vec<Vec<Versions>>,
}

/// The versions of a range, or all but these.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Versions {
    range: Range<Numbers>,
    excluded: bool,
}

/// Later than any version.
const END: Numbers = [u32::MAX; 3];

impl Constraint {
    /// Parses a constraint; `None` if we cannot parse it, or if every version satisfies it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts = text.split('|').filter(|part| !part.is_empty());
        let alternatives: Vec<_> = parts.map(all_of).collect::<Option<_>>()?;
        let any = alternatives.iter().any(Vec::is_empty) || alternatives.is_empty();
        (!any).then(|| Self { text: text.trim().to_owned(), alternatives })
    }

    /// Whether a version satisfies it.
    pub(crate) fn is_met_by(&self, version: &Version) -> bool {
        let holds = |it: &Versions| it.range.contains(&version.numbers) != it.excluded;
        self.alternatives.iter().any(|ranges| ranges.iter().all(holds))
    }
}

/// The ranges of one alternative: none for `*`.
fn all_of(text: &str) -> Option<Vec<Versions>> {
    if let Some((from, to)) = text.split_once(" - ") {
        let (to, digits) = parts(to.trim())?;
        let range = parts(from.trim())?.0..raised(to, digits);
        return Some(vec![Versions { range, excluded: false }]);
    }
    // There may be blanks between an operator and its version.
    let mut joined = text.replace(',', " ");
    for operator in [">=", "<=", "!=", ">", "<", "="] {
        joined = joined.replace(&format!("{operator} "), operator);
    }
    joined.split_whitespace().filter(|word| *word != "*").map(versions_of).collect()
}

fn versions_of(word: &str) -> Option<Versions> {
    let operators = [">=", "<=", "!=", "==", ">", "<", "=", "^", "~"];
    let operator =
        operators.into_iter().find(|operator| word.starts_with(operator)).unwrap_or_default();
    let version = word[operator.len()..].trim_start_matches('v');
    let (version, digits) = parts(version.strip_suffix(".*").unwrap_or(version))?;
    let next = raised(version, if word.ends_with(".*") { digits } else { 3 });
    let range = match operator {
        ">=" => version..END,
        ">" => next..END,
        "<" => [0; 3]..version,
        "<=" => [0; 3]..next,
        "~" => version..raised(version, digits.saturating_sub(1).max(1)),
        // Up to the next change of the first non-zero number.
        "^" => {
            let first = version.iter().position(|part| *part > 0).unwrap_or(2) + 1;
            version..raised(version, first)
        }
        _ => version..next,
    };
    Some(Versions { range, excluded: operator == "!=" })
}

/// The first `digits` numbers, the last of them incremented.
fn raised(parts: Numbers, digits: usize) -> Numbers {
    let mut raised = [0; 3];
    let last = digits.clamp(1, 3) - 1;
    raised[..=last].copy_from_slice(&parts[..=last]);
    raised[last] = raised[last].saturating_add(1);
    raised
}

/// The numbers of a version, and how many it has.
fn parts(text: &str) -> Option<(Numbers, usize)> {
    let text = text.split(['-', '@']).next().unwrap_or_default();
    let numbers: Vec<u32> = text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let digits = numbers.len().min(3);
    let mut parts = [0; 3];
    parts[..digits].copy_from_slice(&numbers[..digits]);
    Some((parts, digits))
}

impl fmt::Display for Constraint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_composers() {
        for (constraint, met, missed) in [
            ("^6.0", &["6.0.0", "6.2.0"][..], &["5.3.7", "7.0.0"][..]),
            ("^5.3 || ^6.0", &["5.3.7", "6.2.0"], &["4.3.0", "7.0.0"]),
            ("^5.3|^6.0", &["5.3.7", "6.2.0"], &["4.3.0"]),
            ("~5.3", &["5.3.7", "5.9.0"], &["6.0.0", "5.2.9"]),
            ("~5.3.2", &["5.3.7"], &["5.4.0", "5.3.1"]),
            (">=5.3 <6.0", &["5.3.7"], &["6.0.0"]),
            (">= 6.1, != 6.2.0", &["6.1.0", "6.3.0"], &["6.2.0", "5.3.7"]),
            ("6.*", &["6.2.0"], &["5.3.7", "7.0.0"]),
            ("5.3.*", &["5.3.7"], &["5.4.0"]),
            ("5.3.7", &["5.3.7"], &["5.3.8"]),
            (">5.3.7", &["5.3.8"], &["5.3.7"]),
            ("<=6.2.0", &["6.2.0"], &["6.2.1"]),
            ("5.0 - 6.0", &["6.0.9", "5.3.7"], &["6.1.0", "4.3.0"]),
            ("^6.0@stable", &["6.2.0"], &["5.3.7"]),
        ] {
            let parsed = Constraint::parse(constraint).unwrap();
            for version in met {
                assert!(parsed.is_met_by(&version.parse().unwrap()), "{constraint}: {version}");
            }
            for version in missed {
                assert!(!parsed.is_met_by(&version.parse().unwrap()), "{constraint}: {version}");
            }
        }
        for text in ["*", "", "dev-master", "^x", "1 || *"] {
            assert_eq!(Constraint::parse(text), None, "{text}");
        }
    }
}
