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
const DESCRIPTIONS: [Description; 13] = [
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
    Description { name: "auth", stores: REDIS, value: "aws-iam, azure-entra or google-iam" },
];

/// Options that say the same as a credential of that name.
const OF_ENDPOINT: [&str; 5] = ["database", "tls", "ca", "username", "auth"];

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
            "username" => {
                self.username = Some(Some(text.to_owned()).filter(|text| !text.is_empty())?);
            }
            "auth" => self.auth = Some(Issuer::named(text)?),
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

fn prefix(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '_' | '-');
    let fits = (1..=100).contains(&text.len()) && text.chars().all(allowed);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, store: Store) -> Result<Options, String> {
        let environment = [(OPTIONS, text)].into_iter().collect();
        Options::read(&environment, store).map_err(|error| error.to_string())
    }

    #[test]
    fn options_are_read_like_a_query() {
        let options = read(
            "timeout=1&read_timeout=0.5&persistent=off&prefix=shop%3A&database=3&locking=no\
             &lock_timeout=10&lock_expire=60&verify_peer=off&tls=on&ca=/ca.pem&username=shop&auth=aws_iam",
            Store::Redis,
        )
        .unwrap();
        assert_eq!(
            options,
            Options {
                timeout: Some(Duration::from_secs(1)),
                read_timeout: Some(Duration::from_millis(500)),
                persistent: Some(false),
                prefix: Some("shop:".into()),
                database: Some(3),
                locking: Some(false),
                lock_timeout: Some(Duration::from_secs(10)),
                lock_expire: Some(Duration::from_mins(1)),
                verify_peer: Some(false),
                tls: Some(true),
                ca: Some("/ca.pem".into()),
                username: Some("shop".into()),
                auth: Some(Issuer::Aws),
            }
        );
        assert_eq!(read("", Store::Redis), Ok(Options::default()));
        assert_eq!(read(" prefix=shop:\n", Store::Memcached).unwrap().prefix.unwrap(), "shop:");
    }

    #[test]
    fn an_unknown_option_lists_those_of_the_store() {
        let message = read("tmeout=1", Store::Memcached).unwrap_err();
        assert!(message.contains("\"tmeout\"") && message.contains("lock_timeout (seconds"));
        assert!(!message.contains("read_timeout"), "{message}");
        assert!(read("database=1", Store::Memcached).unwrap_err().contains("\"database\""));
    }

    #[test]
    fn a_value_out_of_range_says_the_range() {
        for text in [
            "timeout=0",
            "timeout=61",
            "timeout=NaN",
            "timeout=-1",
            "timeout=x",
            "timeout=",
            "timeout=2s",
            "ca=ca.pem",
            "username=",
            "locking=2",
            "prefix=",
            "prefix=a b",
            "prefix=a\"b",
            "database=-1",
            "database=99999999999",
            "lock_expire=0",
        ] {
            let message = read(text, Store::Redis).unwrap_err();
            assert!(message.contains("Expected "), "{text}: {message}");
        }
    }

    #[test]
    fn options_that_are_separated_by_commas_are_told_apart() {
        let message = read("timeout=1,prefix=shop:", Store::Redis).unwrap_err();
        assert!(message.contains("Separate options by &"), "{message}");
        assert!(!read("timeout=x", Store::Redis).unwrap_err().contains("separated"));
    }

    #[test]
    fn other_forms_get_their_own_words() {
        for (text, expected) in [
            (r#"{"timeout": 1}"#, "is JSON"),
            ("\"timeout=1\"", "is in quotes"),
            ("--timeout=1", "has a - before"),
            ("timeout: 1", "has no ="),
            ("redis://:hunter2@h", "has a uri"),
            ("timeout=redis://:hunter2&x@h", "has a uri"),
            ("timeout=2s", "without a unit"),
            ("timeout=1 prefix=shop:", "Separate options by &"),
            ("timeout=1;prefix=shop:", "Separate options by &"),
            ("verfy_peer=off", "Did you mean verify_peer?"),
            (":hunter2@h=1", "has the option \"…\""),
        ] {
            let message = read(text, Store::Redis).unwrap_err();
            assert!(
                message.contains(expected) && !message.contains("hunter2"),
                "{text}: {message}"
            );
        }
        let options = read("Lock-Timeout=5", Store::Redis).unwrap();
        assert_eq!(options.lock_timeout, Some(Duration::from_secs(5)));
    }

    #[test]
    fn every_option_can_be_set() {
        for description in &DESCRIPTIONS {
            let mut options = Options::default();
            let values = ["/ca.pem", "google-iam", "1"];
            let is_set = values.iter().any(|it| options.set(description.name, it).is_some());
            assert!(is_set, "{}", description.name);
            assert_ne!(options, Options::default(), "{}", description.name);
        }
    }
}
