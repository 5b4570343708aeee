//! The counter, as an app for every web server, and with files of the test's own.

use super::Suite;
use super::app::{Server, config_for, make_readable, root};
use super::input::BuildInput;
use php_session_store::store::Store;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// The counter, with the configuration of each web server beside it.
pub(crate) fn app_for_every_server() -> TempDir {
    let app = tempfile::tempdir().expect("a folder");
    make_readable(app.path());
    for part in ["samples/nginx-fpm", "samples/apache", "samples/counter", "tests/apps/apache-fpm"]
    {
        copy(&root().join(part), app.path());
    }
    app
}

/// The app behind nginx and php-fpm, with `hold.php`, a page that holds its session, and `info.php`, which shows what
/// PHP knows, built for a store.
pub(crate) fn app_with_holding_page(suite: Suite, store: Store) -> BuildInput {
    // PHP's own handler logs in to Memcached through libsasl2's plugins.
    let variant = if store == Store::Memcached { "mechanisms" } else { "web" };
    let mut config = config_for(Server::NginxFpm, suite, variant);
    config.env("BP_PHP_SESSION_STORE", store.name());
    for page in ["hold.php", "info.php"] {
        let from = root().join("tests/integration").join(page);
        config.file(&format!("htdocs/{page}"), fs::read_to_string(from).expect("our own file"));
    }
    config
}

/// Writes a file of the app, with the folders that it lies in.
pub(crate) fn write(app: &Path, name: &str, text: &str) {
    let path = app.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("our own folder");
    fs::write(path, text).expect("our own folder");
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in from.read_dir().expect("a sample") {
        let from = entry.expect("an entry").path();
        let to = to.join(from.file_name().expect("a name"));
        if from.is_dir() {
            fs::create_dir_all(&to).expect("our own folder");
            copy(&from, &to);
        } else {
            fs::copy(from, to).expect("our own folder");
        }
    }
}
