//! The settings of a build, `BP_*`.

use super::environment::Environment;
use super::setting::{no_such_value, one_of};
use super::variables::{
    DISPLAY_ERRORS, EMBED_CREDENTIALS, EXTENSION, EXTENSION_MAX_AGE, FRAMEWORK, MIRROR,
    SESSION_NAME, STORE,
};
use crate::store::Store;
use crate::system::masked::masked;
use anyhow::bail;
use serde::{Deserialize, Serialize};
use url::Url;

/// In days: the longest that a rebuild may lag behind a distribution's security fixes.
const DEFAULT_MAX_AGE: u64 = 30;
const DEFAULT_SESSION_NAME: &str = "PHPSESSIONID";

/// What `BP_PHP_SESSION_STORE` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreChoice {
    /// Nothing: the bound service decides.
    Bound,
    /// This store, whatever is bound now.
    Explicit(Store),
    /// Leave sessions alone.
    OptOut,
}

/// Who provides the extension, in the order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Provider {
    Installed,
    /// The distribution's package.
    Apt,
    Source,
}

impl Provider {
    pub(crate) const ALL: [Self; 3] = [Self::Installed, Self::Apt, Self::Source];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Apt => "apt",
            Self::Source => "source",
        }
    }

    /// What follows an extension's name in messages.
    pub(crate) fn origin(self) -> &'static str {
        match self {
            Self::Installed => " from the image",
            Self::Apt => " from the distribution",
            Self::Source => ", compiled from source",
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BuildSettings {
    pub(crate) store: StoreChoice,
    /// PHP's `session.name`, if it is set here; valid for PHP and for an ini file.
    pub(crate) session_name: Option<String>,
    /// The only provider of the extension to ask; `None` for the first that has it.
    pub(crate) extension: Option<Provider>,
    /// The age in days at which the distribution's packages are fetched again; `None` for never.
    pub(crate) extension_max_age: Option<u64>,
    /// Whether to leave PHP's `display_errors` alone, although its warnings show the save path.
    pub(crate) keep_display_errors: bool,
    /// Whether the image keeps the build's credentials, for launches without a service.
    pub(crate) embed_credentials: bool,
    pub(crate) framework: bool,
}

impl BuildSettings {
    pub(crate) fn read(env: &Environment) -> anyhow::Result<Self> {
        Ok(Self {
            store: store_choice(env)?,
            session_name: session_name(env)?,
            extension: only_provider(env)?,
            extension_max_age: max_age(env)?,
            keep_display_errors: one_of(env, DISPLAY_ERRORS, &[("off", false), ("keep", true)])?,
            embed_credentials: one_of(env, EMBED_CREDENTIALS, &[("false", false), ("true", true)])?,
            framework: one_of(env, FRAMEWORK, &[("auto", true), ("off", false)])?,
        })
    }

    pub(crate) fn session_name(&self) -> &str {
        self.session_name.as_deref().unwrap_or(DEFAULT_SESSION_NAME)
    }
}

/// The mirror for source releases. Not part of [`BuildSettings`]: other buildpacks read the variable too, so a bad
/// value must not fail an app without sessions.
pub(crate) fn mirror(env: &Environment) -> anyhow::Result<Option<Url>> {
    let Some(text) = env.text(MIRROR)?.map(str::trim) else { return Ok(None) };
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "https" | "file") => Ok(Some(url)),
        _ => bail!("{MIRROR} has no such uri. Use https://HOST/PATH or file:///PATH."),
    }
}

fn store_choice(env: &Environment) -> anyhow::Result<StoreChoice> {
    if env.text(STORE)?.is_none() {
        return Ok(StoreChoice::Bound);
    }
    let mut choices = Store::ALL.map(|store| (store.name(), StoreChoice::Explicit(store))).to_vec();
    choices.push(("none", StoreChoice::OptOut));
    one_of(env, STORE, &choices)
}

fn only_provider(env: &Environment) -> anyhow::Result<Option<Provider>> {
    let named = Provider::ALL.map(|provider| (provider.name(), Some(provider)));
    one_of(env, EXTENSION, &[&[("auto", None)], &named[..]].concat())
}

fn max_age(env: &Environment) -> anyhow::Result<Option<u64>> {
    let Some(text) = env.text(EXTENSION_MAX_AGE)?.map(str::trim) else {
        return Ok(Some(DEFAULT_MAX_AGE));
    };
    if text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    let allowed = "a number of days, off";
    text.parse().map(Some).map_err(|_| no_such_value(EXTENSION_MAX_AGE, text, allowed))
}

fn session_name(env: &Environment) -> anyhow::Result<Option<String>> {
    let Some(name) = env.text(SESSION_NAME)?.map(str::trim) else { return Ok(None) };
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    // PHP warns about a name made only of digits, and uses its default.
    if !name.chars().all(allowed) || name.chars().all(|c| c.is_ascii_digit()) {
        bail!(
            "{SESSION_NAME} is {:?}, which is not a valid cookie name. Use letters, digits, - and _, but not digits alone.",
            masked(name)
        );
    }
    Ok(Some(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(variables: &[(&str, &str)]) -> anyhow::Result<BuildSettings> {
        BuildSettings::read(&variables.iter().copied().collect())
    }

    #[test]
    fn defaults_are_those_of_the_readme() {
        let settings = build(&[]).unwrap();
        assert_eq!(settings.store, StoreChoice::Bound);
        assert_eq!(settings.session_name(), "PHPSESSIONID");
    }

    #[test]
    fn a_mirror_is_secure_or_a_folder() {
        let mirror = |text| mirror(&[(MIRROR, text)].into_iter().collect());
        assert_eq!(mirror("").unwrap(), None);
        for text in ["https://m.example", " file:///mirror "] {
            assert!(mirror(text).unwrap().is_some(), "{text}");
        }
        for text in ["http://m.example", "m.example", "ftp://m"] {
            assert!(mirror(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_read_in_any_case() {
        let settings = build(&[(STORE, " Redis ")]).unwrap();
        assert_eq!(settings.store, StoreChoice::Explicit(Store::Redis));
        assert_eq!(build(&[(STORE, "none")]).unwrap().store, StoreChoice::OptOut);
    }

    #[test]
    fn an_age_is_a_number_of_days_or_off() {
        let age =
            |text| build(&[(EXTENSION_MAX_AGE, text)]).map(|settings| settings.extension_max_age);
        assert_eq!(age("").unwrap(), Some(30));
        assert_eq!(age("7").unwrap(), Some(7));
        assert_eq!(age("off").unwrap(), None);
        assert!(age("soon").unwrap_err().to_string().contains("a number of days, off"));
    }

    #[test]
    fn a_wrong_value_lists_the_right_ones() {
        let message = build(&[(STORE, "redos")]).unwrap_err().to_string();
        assert!(message.contains("\"redos\""), "{message}");
        assert!(message.contains("redis, "), "{message}");
    }

    #[test]
    fn session_names_that_php_or_an_ini_file_would_not_take_are_refused() {
        for name in ["123", "a b", "a\"b", "a=b", "a\nb", "ü", "a;b", "${X}"] {
            assert!(build(&[(SESSION_NAME, name)]).is_err(), "{name}");
        }
        assert_eq!(build(&[(SESSION_NAME, "shop-1")]).unwrap().session_name(), "shop-1");
    }
}
