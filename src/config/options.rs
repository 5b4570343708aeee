//! Session options, from the environment at launch or from the binding.

use super::environment::Environment;
use super::variables::OPTIONS;
use crate::store::Store;
use crate::system::spelling::closest;
use anyhow::{anyhow, ensure};
use cloud_login::Issuer;
use std::path::PathBuf;
use std::time::Duration;
use url::form_urlencoded;

/// One option, as users see it.
struct Description {
    name: &'static str,
    stores: &'static [Store],
    value: &'static str,
}

const BOTH: &[Store] = &Store::ALL;
const REDIS: &[Store] = &[Store::Redis];

/// One table of all options: its type, the stores that have it, what its value may be, and how that is read.
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $type:ty, $stores:ident, $value:literal, |$text:ident| $read:expr;)*) => {
        /// The options; `None` is the default.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Options {
            $($(#[$doc])* pub $name: Option<$type>,)*
        }

        const DESCRIPTIONS: &[Description] =
            &[$(Description { name: stringify!($name), stores: $stores, value: $value },)*];

        impl Options {
            /// These options, with gaps filled from `other`.
            pub(crate) fn or(self, other: Self) -> Self {
                Self { $($name: self.$name.or(other.$name),)* }
            }

            /// Sets one option by its name; `None` if the value is invalid.
            fn set(&mut self, name: &str, text: &str) -> Option<()> {
                match name {
                    $(stringify!($name) => {
                        let $text = text;
                        self.$name = Some($read?);
                    })*
                    _ => return None,
                }
                Some(())
            }
        }
    };
}

// docs/settings.md shows the same table.
options! {
    /// How long connecting may take.
    timeout: Duration, BOTH, "seconds, 0.1 to 60", |text| seconds(text, 0.1, 60.0);
    /// How long to wait for a reply.
    read_timeout: Duration, REDIS, "seconds, 0.1 to 60", |text| seconds(text, 0.1, 60.0);
    /// Whether PHP keeps connections for the next request.
    persistent: bool, BOTH, "on or off", |text| flag(text);
    /// The prefix of session keys.
    prefix: String, BOTH, "a key prefix of 1 to 100 letters, digits and :._-", |text| key_prefix(text);
    database: u32, REDIS, "a whole number", |text| text.parse().ok();
    /// Whether a request locks its session.
    locking: bool, BOTH, "on or off", |text| flag(text);
    /// How long a request waits for the session's lock.
    lock_timeout: Duration, BOTH, "seconds, 1 to 600", |text| seconds(text, 1.0, 600.0);
    /// When the lock of a killed request expires.
    lock_expire: Duration, BOTH, "seconds, 1 to 86400", |text| seconds(text, 1.0, 86_400.0);
    /// Whether to verify the server's certificate.
    verify_peer: bool, REDIS, "on or off", |text| flag(text);
    /// Whether to use TLS, whatever the credentials say.
    tls: bool, BOTH, "on or off", |text| flag(text);
    /// The file with the CA of the server's certificate.
    ca: PathBuf, REDIS, "the absolute path of a file",
        |text| Some(PathBuf::from(text)).filter(|path| path.is_absolute());
    /// The user, whatever the credentials say; `default` stands for a login with the password alone.
    username: String, BOTH, "a name", |text| not_empty(text);
    /// How long a request waits for a server that fails over: up to Sentinel's usual values, of which a minute is the longest
    /// (Bitnami's charts), and what a failover takes then. Web servers usually wait for less.
    failover_timeout: Duration, REDIS, "seconds, 1 to 90", |text| seconds(text, 1.0, 90.0);
    /// How many replicas have to acknowledge a write.
    wait_replicas: u32, REDIS, "a whole number, 0 to 10",
        |text| text.parse().ok().filter(|number| *number <= 10);
    /// What Sentinels call the primary and its replicas.
    sentinel_master: String, REDIS, "a name", |text| not_empty(text);
    /// Who issues the password, whatever the credentials say.
    auth: Issuer, REDIS, "aws-iam, azure-entra or google-iam", |text| Issuer::named(text);
}

/// Options that say the same as a credential of that name.
const OF_ENDPOINT: [&str; 6] = ["database", "tls", "ca", "username", "sentinel_master", "auth"];

impl Options {
    /// Reads `BPL_PHP_SESSION_OPTIONS`. Neither case nor `-` for `_` matters in a name.
    ///
    /// # Errors
    /// Fails, listing the options, if one is unknown or has an invalid value.
    pub fn read(environment: &Environment, store: Store) -> anyhow::Result<Self> {
        let mut options = Self::default();
        let text = environment.text(OPTIONS)?.unwrap_or_default().trim();
        // Not repeated: a uri may have a password.
        ensure!(
            text.is_empty() || text.contains('=') && !text.contains("://"),
            "{OPTIONS} is not a list of options.\nWrite options like this, without quotes: timeout=1&prefix=shop:"
        );
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let plain = name.trim().to_ascii_lowercase().replace('-', "_");
            let Description { name, value: expected, .. } =
                of_store(store).find(|it| it.name == plain).ok_or_else(|| unknown(&name, store))?;
            ensure!(
                options.set(name, value.trim()).is_some(),
                "{OPTIONS} has {name}={value:?}.\nExpected {expected}. Separate options by &."
            );
        }
        Ok(options)
    }

    /// Reads options from a service's credentials (`text_of` finds one by name), and returns the names of those
    /// with values that don't fit: a broker's `timeout` of 5000 is in milliseconds and means something else. Those
    /// of the endpoint are not among them.
    pub(crate) fn among(
        store: Store,
        text_of: impl Fn(&'static str) -> Option<String>,
    ) -> (Self, Vec<&'static str>) {
        let mut options = Self::default();
        let names = of_store(store).map(|description| description.name);
        let not_ours = names.filter(|name| !OF_ENDPOINT.contains(name)).filter(|name| {
            text_of(name).is_some_and(|text| options.set(name, text.trim()).is_none())
        });
        let not_ours = not_ours.collect();
        (options, not_ours)
    }
}

fn of_store(store: Store) -> impl Iterator<Item = &'static Description> {
    DESCRIPTIONS.iter().filter(move |description| description.stores.contains(&store))
}

/// The error for an option that the store does not have.
fn unknown(name: &str, store: Store) -> anyhow::Error {
    let meant = closest(name, of_store(store).map(|it| it.name));
    let hint = meant.map(|meant| format!(" Did you mean {meant}?")).unwrap_or_default();
    let list: Vec<String> =
        of_store(store).map(|it| format!("{} ({})", it.name, it.value)).collect();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    // Anything else may be a part of a password.
    let name = if name.chars().all(is_name) { name } else { "…" };
    anyhow!(
        "{OPTIONS} has the option {name:?}, which {store} sessions don't support.{hint}\nSupported options: {}.",
        list.join(", ")
    )
}

fn seconds(text: &str, least: f64, most: f64) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    (least..=most).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "1" | "yes" => Some(true),
        "off" | "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

fn not_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn key_prefix(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '_' | '-');
    let fits = (1..=100).contains(&text.len()) && text.chars().all(allowed);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
