//! PHP in a layer, laid out as the buildpacks do that bring PHP.

use super::BOOKWORM;
use super::app::{buildpack, of_setup, root};
use super::mirror::mirror;
use super::pack_build::PackBuild;
use php_session_store::store::Store;
use std::path::Path;

/// Whose buildpack it is that brings PHP.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Layout {
    /// Paketo's php-dist: PECL's extensions are there, and nothing is enabled.
    Paketo,
    /// Heroku's: nothing of PECL, and what is bundled with PHP is enabled.
    Heroku,
}

impl Layout {
    fn buildpack(self) -> String {
        let name = match self {
            Self::Paketo => "php-as-paketo",
            Self::Heroku => "php-as-heroku",
        };
        root().join("tests/buildpacks").join(name).display().to_string()
    }

    /// What each build needs: PHP itself, and the source releases.
    pub(crate) fn options(store: Store) -> Vec<String> {
        let php = format!("{}:/php-dist:ro", of_setup("php-dist").display());
        let releases = format!("{}:/mirror:ro", mirror().display());
        let store = format!("BP_PHP_SESSION_STORE={store}");
        let mirror = "BP_DEPENDENCY_MIRROR=file:///mirror";
        ["--volume", &php, "--volume", &releases, "--env", mirror, "--env", &store]
            .map(str::to_owned)
            .to_vec()
    }

    /// Builds an app with this PHP and our buildpack after it; source releases come from the mirror.
    pub(crate) fn build(self, app_dir: &Path, store: Store, options: &[&str]) -> PackBuild {
        self.build_with(&[&buildpack()], app_dir, store, options)
    }

    /// As [`Self::build`], with other buildpacks after PHP.
    pub(crate) fn build_with(
        self,
        buildpacks: &[&str],
        app_dir: &Path,
        store: Store,
        options: &[&str],
    ) -> PackBuild {
        let usual = Self::options(store);
        let options: Vec<&str> =
            usual.iter().map(String::as_str).chain(options.iter().copied()).collect();
        let php = self.buildpack();
        let buildpacks = [&[php.as_str()], buildpacks].concat();
        PackBuild::with(&buildpacks, BOOKWORM, "servers", app_dir, &options)
    }
}
