//! What Composer knows about the app: its name and its packages.

use crate::system::files::read_text;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The packages of an app, with their versions if known. Skips files that cannot be parsed: that is another buildpack's
/// concern, and the app may not need Composer.
pub(super) fn packages(app_dir: &Path) -> BTreeMap<String, Option<String>> {
    let json = |name: &str| -> Value {
        let text = read_text(&app_dir.join(name)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let manifest = json("composer.json");
    // The app itself may be the product; what it requires may not be locked.
    let product = text(&manifest["name"]).map(|name| (name, text(&manifest["version"])));
    let required = manifest["require"].as_object().into_iter().flatten();
    let required = required.map(|(name, _)| (name.clone(), None));
    let installed = json("vendor/composer/installed.json");
    // Installed versions beat locked ones. Composer 1 lists them without a key.
    let lists = [&json("composer.lock")["packages"], &installed["packages"], &installed];
    let listed = lists.into_iter().filter_map(Value::as_array).flatten();
    let listed = listed.filter_map(|it| Some((text(&it["name"])?, Some(text(&it["version"])?))));
    let packages = product.into_iter().chain(required).chain(listed);
    packages.map(|(name, version)| (name.to_ascii_lowercase(), version)).collect()
}
