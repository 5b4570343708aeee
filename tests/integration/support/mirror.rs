//! A mirror of the source releases within the app, and builds that need nothing else.

use super::BOOKWORM;
use super::app::{buildpack, make_readable, of_setup, root};
use super::pack_build::PackBuild;
use php_session_store::store::Store;
use std::fs;
use std::path::{Path, PathBuf};

/// PECL's source releases, as `scripts/setup-mirror` leaves them.
pub(crate) fn mirror() -> PathBuf {
    of_setup("mirror")
}

/// An app that brings a mirror with the source releases, changed by `change`.
pub(crate) fn app_with_mirror(change: impl Fn(&Path)) -> tempfile::TempDir {
    let app = tempfile::tempdir().unwrap();
    make_readable(app.path());
    fs::copy(root().join("samples/counter/index.php"), app.path().join("index.php")).unwrap();
    let get = app.path().join("mirror/get");
    fs::create_dir_all(&get).unwrap();
    for entry in mirror().join("get").read_dir().unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), get.join(entry.file_name())).unwrap();
    }
    change(&get);
    app
}

/// A buildpack that puts a PHP of its own into a layer.
pub(crate) fn php_in_a_layer() -> String {
    root().join("tests/buildpacks/php-in-a-layer").display().to_string()
}

/// Points to the mirror in the app.
pub(crate) const MIRROR_OF_APP: &str = "BP_DEPENDENCY_MIRROR=file:///workspace/mirror";

/// A build with PHP from another buildpack, and without a network.
pub(crate) fn build_offline(
    variant: &str,
    app_dir: &Path,
    store: Store,
    options: &[&str],
) -> PackBuild {
    let store = format!("BP_PHP_SESSION_STORE={store}");
    let all = ["--network", "none", "--env", &store, "--env", MIRROR_OF_APP];
    let buildpacks = [&*php_in_a_layer(), &buildpack()];
    PackBuild::with(&buildpacks, BOOKWORM, variant, app_dir, &[&all[..], options].concat())
}
