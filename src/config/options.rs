//! Session options, from the environment at launch or from the binding.

use super::environment::Environment;
use super::option_error::{OptionsError, hint, unknown, wrong_form};
use super::variables::OPTIONS;
use crate::store::Store;
use cloud_login::Issuer;
use std::path::PathBuf;
use std::time::Duration;
use url::form_urlencoded;

/// The options; `None` is the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// How long connecting may take.
    pub timeout: Option<Duration>,
    /// How long to wait for a reply.
    pub read_timeout: Option<Duration>,
    /// Whether PHP keeps connections for the next request.
    pub(crate) persistent: Option<bool>,
    /// The prefix of session keys.
    pub prefix: Option<String>,
    pub database: Option<u32>,
    /// Whether a request locks its session.
    pub(crate) locking: Option<bool>,
    /// How long a request waits for a server that fails over.
    pub(crate) failover_timeout: Option<Duration>,
    /// How many replicas have to acknowledge a write.
    pub(crate) wait_replicas: Option<u32>,
    /// How long a request waits for the session's lock.
    pub lock_timeout: Option<Duration>,
    /// When the lock of a killed request expires.
    pub lock_expire: Option<Duration>,
    /// Whether to verify the server's certificate.
    pub verify_peer: Option<bool>,
    /// Whether to use TLS, whatever the credentials say.
    pub(crate) tls: Option<bool>,
    /// The file with the CA of the server's certificate.
    pub(crate) ca: Option<PathBuf>,
    /// The user, whatever the credentials say; `default` stands for a login with the password alone.
    pub(crate) username: Option<String>,
    /// Who issues the password, whatever the credentials say.
    pub(crate) auth: Option<Issuer>,
    /// What Sentinels call the primary and its replicas.
    pub(crate) sentinel_master: Option<String>,
}

/// One option, as users see it.
struct Description {
    name: &'static str,
    stores: &'static [Store],
    value: &'static str,
}

const BOTH: &[Store] = &Store::ALL;
const REDIS: &[Store] = &[Store::Redis];

/// Every option; docs/settings.md shows the same table.
const DESCRIPTIONS: [Description; 16] = [
    Description { name: "timeout", stores: BOTH, value: "seconds, 0.1 to 60" },
    Description { name: "read_timeout", stores: REDIS, value: "seconds, 0.1 to 60" },
    Description { name: "persistent", stores: BOTH, value: "on or off" },
    Description {
        name: "prefix",
        stores: BOTH,
        value: "a key prefix of 1 to 100 letters, digits and :._-",
    },
    Description { name: "database", stores: REDIS, value: "a whole number" },
    Description { name: "locking", stores: BOTH, value: "on or off" },
    Description { name: "lock_timeout", stores: BOTH, value: "seconds, 1 to 600" },
    Description { name: "lock_expire", stores: BOTH, value: "seconds, 1 to 86400" },
    Description { name: "verify_peer", stores: REDIS, value: "on or off" },
    Description { name: "tls", stores: BOTH, value: "on or off" },
    Description { name: "ca", stores: REDIS, value: "the absolute path of a file" },
    Description { name: "username", stores: BOTH, value: "a name" },
    Description { name: "failover_timeout", stores: REDIS, value: "seconds, 1 to 60" },
    Description { name: "wait_replicas", stores: REDIS, value: "a whole number, 0 to 10" },
    Description { name: "sentinel_master", stores: REDIS, value: "a name" },
    Description { name: "auth", stores: REDIS, value: "aws-iam, azure-entra or google-iam" },
];

/// Options that say the same as a credential of that name.
const OF_ENDPOINT: [&str; 6] = ["database", "tls", "ca", "username", "sentinel_master", "auth"];

impl Options {
    /// Reads `BPL_PHP_SESSION_OPTIONS`. Neither case nor `-` for `_` matters in a name.
    ///
    /// # Errors
    /// Fails, listing the options, if one is unknown or has an invalid value.
    pub fn read(environment: &Environment, store: Store) -> Result<Self, OptionsError> {
        let mut options = Self::default();
        let text = environment.text(OPTIONS)?.unwrap_or_default().trim();
        if let Some(problem) = wrong_form(text) {
            return Err(OptionsError::Form { problem });
        }
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let plain = name.trim().to_ascii_lowercase().replace('-', "_");
            let description = of_store(store).find(|it| it.name == plain).ok_or_else(|| {
                unknown(&name, store, of_store(store).map(|it| (it.name, it.value)))
            })?;
            options.set(description.name, value.trim()).ok_or_else(|| OptionsError::Value {
                name: description.name,
                value: value.to_string(),
                expected: description.value,
                hint: hint(&value, description.value),
            })?;
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

    /// These options, with gaps filled from `other`.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            timeout: self.timeout.or(other.timeout),
            read_timeout: self.read_timeout.or(other.read_timeout),
            persistent: self.persistent.or(other.persistent),
            prefix: self.prefix.or(other.prefix),
            database: self.database.or(other.database),
            locking: self.locking.or(other.locking),
            lock_timeout: self.lock_timeout.or(other.lock_timeout),
            lock_expire: self.lock_expire.or(other.lock_expire),
            verify_peer: self.verify_peer.or(other.verify_peer),
            tls: self.tls.or(other.tls),
            ca: self.ca.or(other.ca),
            username: self.username.or(other.username),
            auth: self.auth.or(other.auth),
            failover_timeout: self.failover_timeout.or(other.failover_timeout),
            wait_replicas: self.wait_replicas.or(other.wait_replicas),
            sentinel_master: self.sentinel_master.or(other.sentinel_master),
        }
    }

    /// Sets one option by its name; `None` if the value is invalid.
    fn set(&mut self, name: &str, text: &str) -> Option<()> {
        match name {
            "timeout" => self.timeout = Some(seconds(text, 0.1, 60.0)?),
            "read_timeout" => self.read_timeout = Some(seconds(text, 0.1, 60.0)?),
            "persistent" => self.persistent = Some(flag(text)?),
            "prefix" => self.prefix = Some(prefix(text)?),
            "database" => self.database = Some(text.parse().ok()?),
            "locking" => self.locking = Some(flag(text)?),
            "lock_timeout" => self.lock_timeout = Some(seconds(text, 1.0, 600.0)?),
            "lock_expire" => self.lock_expire = Some(seconds(text, 1.0, 86_400.0)?),
            "verify_peer" => self.verify_peer = Some(flag(text)?),
            "tls" => self.tls = Some(flag(text)?),
            "ca" => self.ca = Some(Some(PathBuf::from(text)).filter(|path| path.is_absolute())?),
            "username" => self.username = Some(not_empty(text)?),
            "failover_timeout" => self.failover_timeout = Some(seconds(text, 1.0, 60.0)?),
            "wait_replicas" => {
                self.wait_replicas = Some(text.parse().ok().filter(|number| *number <= 10)?);
            }
            "auth" => self.auth = Some(Issuer::named(text)?),
            "sentinel_master" => self.sentinel_master = Some(not_empty(text)?),
            _ => return None,
        }
        Some(())
    }
}

fn of_store(store: Store) -> impl Iterator<Item = &'static Description> {
    DESCRIPTIONS.iter().filter(move |description| description.stores.contains(&store))
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

fn prefix(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '_' | '-');
    let fits = (1..=100).contains(&text.len()) && text.chars().all(allowed);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
