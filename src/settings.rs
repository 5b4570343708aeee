//! The buildpack's own settings: `BP_*` at build, `BPL_*` at launch.

use crate::download::Mirror;
use crate::environment::{Environment, EnvironmentError};
use crate::extension::Provider;
use crate::store::Store;

/// The variable that chooses the store.
pub const STORE: &str = "BP_PHP_SESSION_STORE";
/// The variable that names the session cookie.
pub const SESSION_NAME: &str = "BP_PHP_SESSION_NAME";
/// The variable that chooses who provides the extension.
pub const EXTENSION: &str = "BP_PHP_SESSION_EXTENSION";
/// The variable that says whether a page may show PHP's warnings.
pub const DISPLAY_ERRORS: &str = "BP_PHP_SESSION_DISPLAY_ERRORS";
/// The variable that lets the build's credentials into the image.
pub const EMBED_CREDENTIALS: &str = "BP_PHP_SESSION_EMBED_CREDENTIALS";
/// The variable that names a mirror of the source releases.
pub const MIRROR: &str = "BP_DEPENDENCY_MIRROR";
/// The variable that says what happens without a session service at launch.
pub const MISSING: &str = "BPL_PHP_SESSION_MISSING";

const DEFAULT_SESSION_NAME: &str = "PHPSESSIONID";

/// What `BP_PHP_SESSION_STORE` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreChoice {
    /// Nothing: the bound service decides.
    Bound,
    /// This store, whatever is bound now.
    Explicit(Store),
    /// No sessions from us.
    OptOut,
}

/// What `BP_PHP_SESSION_EXTENSION` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderChoice {
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

    /// The choice as the setting has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Only(provider) => provider.name(),
        }
    }

    /// Whether a provider may be asked.
    #[must_use]
    pub fn allows(self, provider: Provider) -> bool {
        self == Self::Auto || self == Self::Only(provider)
    }
}

/// The settings at build.
#[derive(Debug, PartialEq, Eq)]
pub struct BuildSettings {
    /// The store that is asked for.
    pub store: StoreChoice,
    /// PHP's `session.name`, valid for PHP and for an ini file.
    pub session_name: String,
    /// Who may provide the extension.
    pub extension: ProviderChoice,
    /// Whether PHP's `display_errors` stays as it is, although its warnings show the save path.
    pub keep_display_errors: bool,
    /// Whether the image keeps the credentials of the build, for a launch without a service.
    pub embed_credentials: bool,
}

/// What happens at launch where no session service is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The container does not start.
    Fail,
    /// PHP keeps its sessions in local files.
    Files,
}

/// The settings at launch.
#[derive(Debug, PartialEq, Eq)]
pub struct LaunchSettings {
    /// What happens without a session service.
    pub missing: Missing,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// A variable cannot be read.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The value is none of those that the setting has.
    #[error("{variable} is {value:?}, which is none of its values. Use one of: {allowed}.")]
    NoSuchValue {
        /// The setting.
        variable: &'static str,
        /// What was given.
        value: String,
        /// What can be given.
        allowed: String,
    },
    /// The mirror is none. Does not show it: it may hold a password.
    #[error("{MIRROR} {0}. Use https://HOST/PATH or file:///PATH.")]
    Mirror(&'static str),
    /// PHP would refuse the session's name.
    #[error(
        "{SESSION_NAME} is {0:?}, which cannot be the name of a cookie. Use letters, digits, - and _, and not digits alone."
    )]
    SessionName(String),
}

impl BuildSettings {
    /// Reads the settings of detect and build.
    ///
    /// # Errors
    ///
    /// Fails if one has a value that it cannot have.
    pub fn read(environment: &Environment) -> Result<Self, SettingsError> {
        Ok(Self {
            store: store_choice(environment)?,
            session_name: session_name(environment)?,
            extension: provider_choice(environment)?,
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
        })
    }
}

/// The mirror of the source releases. Not one of [`BuildSettings`]: other buildpacks read it, too, and
/// it is none of our business in an app without sessions.
///
/// # Errors
///
/// Fails if it is no mirror.
pub fn mirror(environment: &Environment) -> Result<Option<Mirror>, SettingsError> {
    let Some(text) = environment.text(MIRROR)? else { return Ok(None) };
    text.trim().parse().map(Some).map_err(SettingsError::Mirror)
}

impl LaunchSettings {
    /// Reads the settings of the launch.
    ///
    /// # Errors
    ///
    /// Fails if one has a value that it cannot have.
    pub fn read(environment: &Environment) -> Result<Self, SettingsError> {
        let missing = [("fail", Missing::Fail), ("files", Missing::Files)];
        Ok(Self { missing: one_of(environment, MISSING, &missing)?.unwrap_or(Missing::Fail) })
    }
}

fn store_choice(environment: &Environment) -> Result<StoreChoice, SettingsError> {
    let mut choices = Store::ALL.map(|store| (store.name(), StoreChoice::Explicit(store))).to_vec();
    choices.push(("none", StoreChoice::OptOut));
    Ok(one_of(environment, STORE, &choices)?.unwrap_or(StoreChoice::Bound))
}

fn provider_choice(environment: &Environment) -> Result<ProviderChoice, SettingsError> {
    let choices = ProviderChoice::ALL.map(|choice| (choice.name(), choice));
    Ok(one_of(environment, EXTENSION, &choices)?.unwrap_or(ProviderChoice::Auto))
}

fn session_name(environment: &Environment) -> Result<String, SettingsError> {
    let name = environment.text(SESSION_NAME)?.unwrap_or(DEFAULT_SESSION_NAME).trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    // PHP warns about a name of digits only, and uses its default.
    if !name.chars().all(allowed) || name.chars().all(|c| c.is_ascii_digit()) {
        return Err(SettingsError::SessionName(name.to_owned()));
    }
    Ok(name.to_owned())
}

/// The value that `variable` names, in any case; `None` if it is not set.
fn one_of<T: Copy>(
    environment: &Environment,
    variable: &'static str,
    values: &[(&'static str, T)],
) -> Result<Option<T>, SettingsError> {
    let Some(text) = environment.text(variable)?.map(str::trim) else { return Ok(None) };
    match values.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        Some((_, value)) => Ok(Some(*value)),
        None => Err(SettingsError::NoSuchValue {
            variable,
            value: text.to_owned(),
            allowed: values.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(variables: &[(&str, &str)]) -> Result<BuildSettings, SettingsError> {
        BuildSettings::read(&variables.iter().copied().collect())
    }

    #[test]
    fn defaults_are_those_of_the_readme() {
        let settings = build(&[]).unwrap();
        assert_eq!(settings.store, StoreChoice::Bound);
        assert_eq!(settings.session_name, "PHPSESSIONID");
        let launch = LaunchSettings::read(&Environment::default()).unwrap();
        assert_eq!(launch.missing, Missing::Fail);
    }

    #[test]
    fn values_are_read_in_any_case() {
        let settings = build(&[(STORE, " Redis ")]).unwrap();
        assert_eq!(settings.store, StoreChoice::Explicit(Store::Redis));
        assert_eq!(build(&[(STORE, "none")]).unwrap().store, StoreChoice::OptOut);
    }

    #[test]
    fn a_wrong_value_lists_the_right_ones() {
        let message = build(&[(STORE, "redos")]).unwrap_err().to_string();
        assert!(message.contains("\"redos\"") && message.contains("redis, "), "{message}");
        let environment = [(MISSING, "ignore")].into_iter().collect();
        let message = LaunchSettings::read(&environment).unwrap_err().to_string();
        assert!(message.contains("fail, files"), "{message}");
    }

    #[test]
    fn session_names_that_php_or_an_ini_file_would_not_take_are_refused() {
        for name in ["123", "a b", "a\"b", "a=b", "a\nb", "ü", "a;b", "${X}"] {
            assert!(build(&[(SESSION_NAME, name)]).is_err(), "{name}");
        }
        assert_eq!(build(&[(SESSION_NAME, "shop-1")]).unwrap().session_name, "shop-1");
    }
}
