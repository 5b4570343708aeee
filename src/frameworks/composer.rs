//! What Composer knows about the app: its name and its packages.

use crate::system::files::read_text;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The packages of an app, with their versions if known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Packages(BTreeMap<String, Option<String>>);

impl Packages {
    /// Reads them. Skips files that cannot be parsed: that is another buildpack's concern, and the app may not
    /// need Composer.
    pub(super) fn read(app_dir: &Path) -> Self {
        let json = |name: &str| -> Value {
            let text = read_text(&app_dir.join(name)).unwrap_or_default();
            serde_json::from_str(&text).unwrap_or_default()
        };
        let mut packages = Self::default();
        packages.add_required(&json("composer.json"));
        // Installed versions beat locked ones.
        packages.add_versions(&json("composer.lock")["packages"]);
        let installed = json("vendor/composer/installed.json");
        packages.add_versions(&installed["packages"]);
        // The format of Composer 1.
        packages.add_versions(&installed);
        packages
    }

    /// The version of a package, if the app uses it; the inner `None` means unknown.
    pub(super) fn version(&self, package: &str) -> Option<&Option<String>> {
        self.0.get(package)
    }

    /// The app itself may be the product; what it requires may not be locked.
    fn add_required(&mut self, manifest: &Value) {
        if let Some(name) = manifest["name"].as_str() {
            let version = manifest["version"].as_str().map(str::to_owned);
            self.0.insert(name.to_ascii_lowercase(), version);
        }
        for (name, _) in manifest["require"].as_object().into_iter().flatten() {
            self.0.insert(name.to_ascii_lowercase(), None);
        }
    }

    fn add_versions(&mut self, packages: &Value) {
        for package in packages.as_array().into_iter().flatten() {
            if let (Some(name), Some(version)) =
                (package["name"].as_str(), package["version"].as_str())
            {
                self.0.insert(name.to_ascii_lowercase(), Some(version.to_owned()));
            }
        }
    }
}
