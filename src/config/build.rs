//! The settings of a build, `BP_*`.

use super::environment::Environment;
use super::mirror::Mirror;
use super::setting::{SettingError, one_of};
use super::variables::{
    DISPLAY_ERRORS, EMBED_CREDENTIALS, EXTENSION, EXTENSION_MAX_AGE, FRAMEWORK, MIRROR,
    SESSION_NAME, STORE,
};
use crate::store::Store;
use serde::{Deserialize, Serialize};

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
    /// PHP already has it.
    Installed,
    /// The distribution's package.
    Apt,
    /// A source release.
    Source,
}

impl Provider {
    /// The provider's name.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Apt => "apt",
            Self::Source => "source",
        }
    }
}

/// What `BP_PHP_SESSION_EXTENSION` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProviderChoice {
    /// The first provider that has the extension.
    Auto,
    /// This provider only.
    Only(Provider),
}

impl ProviderChoice {
    /// Every choice.
    const ALL: [Self; 4] = [
        Self::Auto,
        Self::Only(Provider::Installed),
        Self::Only(Provider::Apt),
        Self::Only(Provider::Source),
    ];

    /// The choice as written in the setting.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Only(provider) => provider.name(),
        }
    }

    /// Whether a provider may be asked.
    #[must_use]
    pub(crate) fn allows(self, provider: Provider) -> bool {
        self == Self::Auto || self == Self::Only(provider)
    }
}

/// The settings at build.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BuildSettings {
    /// The requested store.
    pub(crate) store: StoreChoice,
    /// PHP's `session.name`, if it is set here; valid for PHP and for an ini file.
    session_name: Option<String>,
    /// Who may provide the extension.
    pub(crate) extension: ProviderChoice,
    /// The age in days at which the distribution's packages are fetched again; `None` for never.
    pub(crate) extension_max_age: Option<u64>,
    /// Whether to leave PHP's `display_errors` alone, although its warnings show the save path.
    pub(crate) keep_display_errors: bool,
    /// Whether the image keeps the build's credentials, for launches without a service.
    pub(crate) embed_credentials: bool,
    /// Whether to set up the app's framework.
    pub(crate) framework: bool,
}

impl BuildSettings {
    /// Reads the settings of detect and build.
    pub(crate) fn read(environment: &Environment) -> Result<Self, SettingError> {
        Ok(Self {
            store: store_choice(environment)?,
            session_name: session_name(environment)?,
            extension: provider_choice(environment)?,
            extension_max_age: max_age(environment)?,
            keep_display_errors: one_of(
                environment,
                DISPLAY_ERRORS,
                &[("off", false), ("keep", true)],
            )?
            .unwrap_or(false),
            embed_credentials: one_of(
                environment,
                EMBED_CREDENTIALS,
                &[("false", false), ("true", true)],
            )?
            .unwrap_or(false),
            framework: one_of(environment, FRAMEWORK, &[("auto", true), ("off", false)])?
                .unwrap_or(true),
        })
    }

    /// PHP's `session.name`.
    #[must_use]
    pub(crate) fn session_name(&self) -> &str {
        self.session_name.as_deref().unwrap_or(DEFAULT_SESSION_NAME)
    }

    /// Whether nobody has chosen the name.
    #[must_use]
    pub(crate) fn takes_default_session_name(&self) -> bool {
        self.session_name.is_none()
    }
}

/// The mirror for source releases. Not part of [`BuildSettings`]: other buildpacks read the variable too, so a bad
/// value must not fail an app without sessions.
pub(crate) fn mirror(environment: &Environment) -> Result<Option<Mirror>, SettingError> {
    let Some(text) = environment.text(MIRROR)? else { return Ok(None) };
    text.trim().parse().map(Some).map_err(SettingError::Mirror)
}

fn store_choice(environment: &Environment) -> Result<StoreChoice, SettingError> {
    let mut choices = Store::ALL.map(|store| (store.name(), StoreChoice::Explicit(store))).to_vec();
    choices.push(("none", StoreChoice::OptOut));
    Ok(one_of(environment, STORE, &choices)?.unwrap_or(StoreChoice::Bound))
}

fn provider_choice(environment: &Environment) -> Result<ProviderChoice, SettingError> {
    let choices = ProviderChoice::ALL.map(|choice| (choice.name(), choice));
    Ok(one_of(environment, EXTENSION, &choices)?.unwrap_or(ProviderChoice::Auto))
}

fn max_age(environment: &Environment) -> Result<Option<u64>, SettingError> {
    let Some(text) = environment.text(EXTENSION_MAX_AGE)?.map(str::trim) else {
        return Ok(Some(DEFAULT_MAX_AGE));
    };
    if text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| SettingError::NoSuchValue {
        variable: EXTENSION_MAX_AGE,
        value: text.to_owned(),
        allowed: "a number of days, off".to_owned(),
    })
}

fn session_name(environment: &Environment) -> Result<Option<String>, SettingError> {
    let Some(name) = environment.text(SESSION_NAME)?.map(str::trim) else { return Ok(None) };
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    // PHP warns about a name made only of digits, and uses its default.
    if !name.chars().all(allowed) || name.chars().all(|c| c.is_ascii_digit()) {
        return Err(SettingError::SessionName(name.to_owned()));
    }
    Ok(Some(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(variables: &[(&str, &str)]) -> Result<BuildSettings, SettingError> {
        BuildSettings::read(&variables.iter().copied().collect())
    }

    #[test]
    fn defaults_are_those_of_the_readme() {
        let settings = build(&[]).unwrap();
        assert_eq!(settings.store, StoreChoice::Bound);
        assert_eq!(settings.session_name(), "PHPSESSIONID");
        assert!(settings.takes_default_session_name());
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
        assert_eq!(age(""), Ok(Some(30)));
        assert_eq!(age("7"), Ok(Some(7)));
        assert_eq!(age("off"), Ok(None));
        assert!(age("soon").unwrap_err().to_string().contains("a number of days, off"));
    }

    #[test]
    fn a_wrong_value_lists_the_right_ones() {
        let message = build(&[(STORE, "redos")]).unwrap_err().to_string();
        assert!(message.contains("\"redos\"") && message.contains("redis, "), "{message}");
    }

    #[test]
    fn session_names_that_php_or_an_ini_file_would_not_take_are_refused() {
        for name in ["123", "a b", "a\"b", "a=b", "a\nb", "ü", "a;b", "${X}"] {
            assert!(build(&[(SESSION_NAME, name)]).is_err(), "{name}");
        }
        assert_eq!(build(&[(SESSION_NAME, "shop-1")]).unwrap().session_name(), "shop-1");
    }
}
