//! Versions of PHP and of its extensions.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A version as PHP reports it (`5.3.7`, `8.4.1-dev`, `6.0.0RC1`), compared by its three numbers.
/// A pre-release counts as its release, because it has the same settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    pub(super) numbers: Numbers,
    text: String,
}

/// Major, minor and patch.
pub(crate) type Numbers = [u32; 3];

impl Version {
    pub(crate) fn is_at_least(&self, numbers: Numbers) -> bool {
        self.numbers >= numbers
    }

    pub(crate) fn precedes(&self, other: &Self) -> bool {
        self.numbers < other.numbers
    }

    /// `major.minor`, as in the names of Debian's PHP packages.
    pub(crate) fn major_minor(&self) -> String {
        format!("{}.{}", self.numbers[0], self.numbers[1])
    }
}

impl FromStr for Version {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| part.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
        let mut parts = text.splitn(3, '.').map_while(number);
        let first = parts.next().with_context(|| {
            let shown: String = text.chars().take(40).collect();
            format!("\"{shown}\" is not a version such as 5.3.7")
        })?;
        let numbers = [first, parts.next().unwrap_or(0), parts.next().unwrap_or(0)];
        Ok(Self { numbers, text: text.to_owned() })
    }
}

impl TryFrom<String> for Version {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.text
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(version("5.10.0").is_at_least([5, 9, 9]));
        assert!(version("6.0.0RC1").is_at_least([6, 0, 0]));
        assert!(version("8.4.1-dev").is_at_least([8, 4, 1]));
        assert!(!version("5.3.7").is_at_least([6, 0, 0]));
        assert!(version("3.2").is_at_least([3, 2, 0]));
        assert!(version("8.4.99").precedes(&version("8.5.0alpha1")));
        assert!(!version("8.5").precedes(&version("8.5.0")));
    }

    #[test]
    fn text_that_is_no_version_is_refused() {
        for text in ["", "redis", ".5", "99999999999.1"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn version_keeps_its_text() {
        assert_eq!(version("6.0.0RC1").to_string(), "6.0.0RC1");
        assert_eq!(version("8.2.36-1+deb12u1").major_minor(), "8.2");
    }
}
