//! CodeIgniter 3 keeps its own sessions. Its `files` driver, the stock one, takes `session.save_path` for a folder and makes
//! one of that name beside the pages. Facts and sources: docs/frameworks.md.

use super::session_use::{OwnSessions, SessionUse};
use super::store_variables::PREFIX;
use crate::store::Store;
use crate::system::files::read_text;
use indoc::formatdoc;
use std::path::Path;

/// A file of the framework itself.
pub(super) const CORE: &str = "system/core/CodeIgniter.php";
const FILE: &str = "application/config/config.php";

/// Its lines for Redis: the driver supports neither a user nor TLS, and takes a password as it is.
const REDIS: &str = "$config['sess_driver'] = 'redis';
$config['sess_save_path'] = 'tcp://'.getenv('PHP_SESSION_STORE_HOST').':'.getenv('PHP_SESSION_STORE_PORT')
    .'?timeout=2.0&auth='.getenv('PHP_SESSION_STORE_PASSWORD').'&database='.getenv('PHP_SESSION_STORE_DATABASE');";
/// Its lines for Memcached: the driver supports no login.
const MEMCACHED: &str = "$config['sess_driver'] = 'memcached';
$config['sess_save_path'] = getenv('PHP_SESSION_STORE_SERVERS');";

/// What CodeIgniter 3 does with sessions, by its configuration.
pub(super) fn session_use(app_dir: &Path, store: Store) -> SessionUse {
    let text = read_text(&app_dir.join(FILE)).unwrap_or_default();
    if text.contains(PREFIX) {
        return SessionUse::Configured(format!("{FILE} reads {PREFIX}…"));
    }
    let what = match driver(&text) {
        None | Some("files") => {
            "its driver `files` keeps them in each instance's own folder".to_owned()
        }
        Some(driver) => format!("{FILE} chooses the driver `{driver}`"),
    };
    let lines = match store {
        Store::Redis => REDIS,
        Store::Memcached => MEMCACHED,
    };
    let advice = formatdoc! {"
        Set in {FILE} (docs/frameworks.md says what its driver lacks):
        {lines}"};
    SessionUse::Own(OwnSessions { what, advice })
}

/// `$config['sess_driver'] = '…';`, in a line that is no comment.
fn driver(text: &str) -> Option<&str> {
    let line =
        text.lines().rfind(|line| line.trim_start().starts_with("$config['sess_driver']"))?;
    line.split_once('=')?.1.split(['\'', '"']).nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frameworks::known::{Framework, Kind};
    use crate::frameworks::takes_save_path_for_folder;
    use crate::system::files::write;

    fn of(store: Store, text: &str) -> SessionUse {
        let app = tempfile::tempdir().unwrap();
        write(&app.path().join(FILE), text).unwrap();
        session_use(app.path(), store)
    }

    #[test]
    fn it_is_noticed_beside_another_framework_as_well() {
        let app = tempfile::tempdir().unwrap();
        let takes = |found: Option<&Framework>| takes_save_path_for_folder(app.path(), found);
        let of = |kind| Framework { kind, version: None };
        assert!(!takes(None));
        assert!(!takes(Some(&of(Kind::Slim))));
        assert!(takes(Some(&of(Kind::CodeIgniter3))));
        write(&app.path().join(CORE), "").unwrap();
        assert!(takes(None));
        assert!(takes(Some(&of(Kind::Slim))));
    }

    #[test]
    fn each_driver_is_named_and_the_lines_that_change_it_are_ours() {
        let own = |store, text: &str| match of(store, text) {
            SessionUse::Own(own) => own,
            other => panic!("{other:?}"),
        };
        let comment = "| 'sess_driver'\n# $config['sess_driver'] = 'redis';\n";
        let stock = own(Store::Redis, &format!("{comment}$config['sess_driver'] = 'files';\n"));
        assert!(stock.what.contains("`files`"), "{stock:?}");
        assert!(
            own(Store::Redis, "$config['sess_driver'] = \"database\";").what.contains("`database`")
        );
        for store in Store::ALL {
            let lines = own(store, "").advice;
            assert!(lines.contains(&format!("'{store}'")), "{lines}");
            // Whoever follows the advice is not told again.
            assert!(matches!(of(store, &lines), SessionUse::Configured(_)));
        }
    }
}
