//! The app's framework: many keep sessions themselves rather than with PHP's handler. [`known`] finds out which it
//! is, and [`session_use`] says what it does with sessions. Nothing here changes the app's files.

mod codeigniter;
mod codeigniter3;
mod composer;
mod dotenv;
pub mod known;
mod laravel;
mod others;
mod redis_url;
pub(crate) mod session_use;
pub(crate) mod store_variables;
mod symfony;

use crate::config::environment::Environment;
use crate::store::Store;
use known::{Framework, Kind};
use session_use::{App, Reach, SessionUse};
use std::path::Path;

/// Whether the app has code that takes PHP's `session.save_path` for a folder and creates it: then the path must hold no
/// secret, because the folder may be among the pages. `found` is the app's framework.
pub(crate) fn takes_save_path_for_folder(app_dir: &Path, found: Option<&Framework>) -> bool {
    let is_codeigniter_3 = found.is_some_and(|found| found.kind == Kind::CodeIgniter3);
    // An app may contain it beside the framework that it is known by.
    is_codeigniter_3 || app_dir.join(codeigniter3::CORE).is_file()
}

impl Framework {
    /// The variables that the launch sets for it, for messages.
    pub(crate) fn variables(&self, store: Store) -> &'static str {
        match (self.kind, store) {
            (Kind::Symfony | Kind::Shopware, _) => "REDIS_URL",
            (Kind::CodeIgniter, _) => "session_driver and session_savePath",
            (_, Store::Redis) => "SESSION_DRIVER and REDIS_URL",
            (_, Store::Memcached) => "SESSION_DRIVER and MEMCACHED_HOST",
        }
    }

    /// What the framework does with sessions in this environment. At build there is no service, and only the
    /// app's files count.
    pub(crate) fn session_use(
        &self,
        app_dir: &Path,
        environment: &Environment,
        store: Store,
        service: Option<&Reach<'_>>,
    ) -> SessionUse {
        let app = App { framework: self, folder: app_dir, environment, store, service };
        match self.kind {
            Kind::Laravel | Kind::Lumen => laravel::session_use(&app),
            Kind::Symfony | Kind::Shopware => symfony::session_use(&app),
            Kind::CodeIgniter => codeigniter::session_use(&app),
            Kind::CodeIgniter3 => codeigniter3::session_use(app_dir, store),
            kind => others::session_use(kind, app_dir),
        }
    }
}
