//! What the name of a session service contains: the usual texts, or what the app or the platform chose.

use crate::app::AppOptions;
use crate::config::environment::{Environment, EnvironmentError};
use crate::config::variables::STORE;
use crate::store::Store;
use serde::{Deserialize, Serialize};

/// What the names of session services contain, for every store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchKeys {
    redis: SearchKey,
    memcached: SearchKey,
    /// Whether `BP_PHP_SESSION_STORE` named the store: then the only service of its kind is meant, whatever its
    /// name, and a platform's variable such as `REDIS_URL`.
    pub(crate) any_of_its_kind: bool,
}

/// What the name of a store's service contains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct SearchKey {
    pub(crate) text: String,
    /// Whether somebody chose it. A chosen key that is a service's whole name means that service.
    pub(crate) chosen: bool,
}

impl SearchKeys {
    /// The keys that hold: the environment's, else the app's options', else the usual ones.
    ///
    /// # Errors
    ///
    /// Fails if a variable is not UTF-8.
    pub fn determine(
        environment: &Environment,
        options: &AppOptions,
    ) -> Result<Self, EnvironmentError> {
        let key = |store: Store| {
            let chosen =
                environment.text(store.search_key_variable())?.or(options.search_key(store));
            Ok(SearchKey {
                text: chosen.unwrap_or(store.default_search_key()).trim().to_owned(),
                chosen: chosen.is_some(),
            })
        };
        Ok(Self {
            redis: key(Store::Redis)?,
            memcached: key(Store::Memcached)?,
            any_of_its_kind: environment.text(STORE)?.is_some(),
        })
    }

    /// These keys, as recorded at build, where the environment does not say otherwise.
    ///
    /// # Errors
    ///
    /// Fails if a variable is not UTF-8.
    pub(crate) fn overridden_by(
        mut self,
        environment: &Environment,
    ) -> Result<Self, EnvironmentError> {
        for store in Store::ALL {
            if let Some(text) = environment.text(store.search_key_variable())? {
                *self.of_mut(store) = SearchKey { text: text.trim().to_owned(), chosen: true };
            }
        }
        Ok(self)
    }

    /// These keys, for services that are meant for sessions and say so.
    #[must_use]
    pub(crate) fn exact(&self) -> Self {
        Self { any_of_its_kind: false, ..self.clone() }
    }

    /// The key of a store.
    #[must_use]
    pub(crate) fn of(&self, store: Store) -> &SearchKey {
        match store {
            Store::Redis => &self.redis,
            Store::Memcached => &self.memcached,
        }
    }

    fn of_mut(&mut self, store: Store) -> &mut SearchKey {
        match store {
            Store::Redis => &mut self.redis,
            Store::Memcached => &mut self.memcached,
        }
    }

    /// What is looked for, for messages.
    #[must_use]
    pub(crate) fn describe(&self, stores: &[Store]) -> String {
        let each = |store: &Store| {
            let key = &self.of(*store).text;
            let any = if self.any_of_its_kind {
                format!(", or any {} service", store.title())
            } else {
                String::new()
            };
            format!("a name with {key:?} or the type {}{any}", store.binding_type())
        };
        stores.iter().map(each).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "REDIS_SESSION_STORE_SERVICE_NAME";

    #[test]
    fn keys_of_the_build_hold_until_the_environment_says_otherwise() {
        let recorded =
            SearchKeys::determine(&[(KEY, "shop")].into_iter().collect(), &AppOptions::default())
                .unwrap();
        let kept = recorded.clone().overridden_by(&Environment::default()).unwrap();
        assert_eq!(kept, recorded);
        let changed = recorded.overridden_by(&[(KEY, "other")].into_iter().collect()).unwrap();
        assert_eq!(changed.of(Store::Redis).text, "other");
    }
}
