//! What the name of a session service must contain: the defaults, or what the app or the platform chose.

use crate::app::AppOptions;
use crate::config::environment::{Environment, EnvironmentError};
use crate::config::variables::STORE;
use crate::store::Store;
use crate::system::masked::masked;
use serde::{Deserialize, Serialize};

/// The search key of each store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchKeys {
    redis: SearchKey,
    memcached: SearchKey,
    /// Whether `BP_PHP_SESSION_STORE` chose the store. If so, the only service of that kind matches whatever its
    /// name, and so does a platform's variable such as `REDIS_URL`.
    pub(crate) any_of_its_kind: bool,
}

/// What the name of a store's service must contain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct SearchKey {
    pub(crate) text: String,
    /// Whether it was set explicitly. Such a key that equals a service's full name means that service.
    pub(crate) chosen: bool,
}

impl SearchKeys {
    /// The keys in effect: from the environment, else from the app's options, else the defaults.
    ///
    /// # Errors
    /// Fails if a variable is not UTF-8.
    pub fn determine(
        environment: &Environment,
        options: &AppOptions,
    ) -> Result<Self, EnvironmentError> {
        let key = |store: Store| {
            let chosen = options.search_key(store);
            let text = chosen.unwrap_or(store.default_search_key()).trim().to_owned();
            SearchKey { text, chosen: chosen.is_some() }
        };
        let any_of_its_kind = environment.text(STORE)?.is_some();
        Self { redis: key(Store::Redis), memcached: key(Store::Memcached), any_of_its_kind }
            .overridden_by(environment)
    }

    /// These keys, as recorded at build, unless the environment overrides them.
    pub(crate) fn overridden_by(
        mut self,
        environment: &Environment,
    ) -> Result<Self, EnvironmentError> {
        let keys = [(Store::Redis, &mut self.redis), (Store::Memcached, &mut self.memcached)];
        for (store, key) in keys {
            if let Some(text) = environment.text(store.search_key_variable())? {
                *key = SearchKey { text: text.trim().to_owned(), chosen: true };
            }
        }
        Ok(self)
    }

    /// These keys, restricted to services that say they are for sessions.
    pub(crate) fn exact(&self) -> Self {
        Self { any_of_its_kind: false, ..self.clone() }
    }

    pub(crate) fn of(&self, store: Store) -> &SearchKey {
        store.choose(&self.redis, &self.memcached)
    }

    /// What we look for, for messages.
    pub(crate) fn describe(&self, stores: &[Store]) -> String {
        let each = |store: &Store| {
            let key = masked(&self.of(*store).text);
            let any = format!(", or any {} service", store.title());
            let any = if self.any_of_its_kind { &*any } else { "" };
            format!("a name containing {key:?} or the type {}{any}", store.binding_type())
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
