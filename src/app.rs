//! The app: whether it is a PHP app, and what its `.bp-config/options.json` says.

pub(crate) mod own_files;
mod own_settings;

pub use own_files::AppFindings;

use crate::store::Store;
use crate::system::constraint::Constraint;
use crate::system::files::{entries_with, read_text_if_present};
use anyhow::{anyhow, bail};
use indoc::formatdoc;
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// Where Cloud Foundry's PHP buildpack keeps an app's settings.
pub(crate) const OPTIONS_FILE: &str = ".bp-config/options.json";

/// Where a PHP app keeps its pages. The option `WEBDIR` does not matter: an app that has options is a PHP app anyway.
const PAGE_DIRECTORIES: [&str; 4] = ["", "htdocs", "public", "web"];

/// What we need from the app's `options.json`; its many other keys are for other buildpacks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AppOptions {
    present: bool,
    search_keys: HashMap<Store, String>,
}

impl AppOptions {
    /// Reads the options of the app in `app_dir`; without the file, the defaults.
    pub(crate) fn read(app_dir: &Path) -> anyhow::Result<Self> {
        let json = read_text_if_present(&app_dir.join(OPTIONS_FILE)).map_err(|error| {
            anyhow!(formatdoc! {"
                The app's {OPTIONS_FILE} {error}.
                Remove it, or make it a readable JSON file."})
        })?;
        json.map_or_else(|| Ok(Self::default()), |json| Self::parse(&json))
    }

    /// Parses the text of an options file.
    ///
    /// # Errors
    /// Fails if it is not a JSON object, or one of our keys has the wrong type.
    pub fn parse(json: &str) -> anyhow::Result<Self> {
        // Some editors write a byte order mark.
        let json = json.trim_start_matches('\u{feff}');
        // As a `Value` first: its errors give a position and quote nothing from the file.
        let options = serde_json::from_str(json).map_err(|error| {
            anyhow!(formatdoc! {"
                The app's {OPTIONS_FILE} is not valid JSON: {error}.
                Correct it at that position."})
        })?;
        let Value::Object(options) = options else {
            bail!(
                "The app's {OPTIONS_FILE} is JSON, but not an object such as {{\"WEBDIR\": \"htdocs\"}}."
            );
        };
        let mut search_keys = HashMap::new();
        for store in Store::ALL {
            let variable = store.search_key_variable();
            let option = options.iter().find(|(key, _)| key.eq_ignore_ascii_case(variable));
            match option.map(|(_, value)| value) {
                None | Some(Value::Null) => {}
                // Blank counts as unset, as in the environment.
                Some(Value::String(key)) if key.trim().is_empty() => {}
                Some(Value::String(key)) => {
                    search_keys.insert(store, key.clone());
                }
                Some(_) => bail!(
                    "In the app's {OPTIONS_FILE}, {variable} is not a string. Write it as \"{variable}\": \"…\"."
                ),
            }
        }
        Ok(Self { present: true, search_keys })
    }

    pub(crate) fn search_key(&self, store: Store) -> Option<&str> {
        self.search_keys.get(&store).map(String::as_str)
    }
}

/// The version of a store's extension that the app's `composer.json` requires (`ext-redis`). A file that cannot be
/// parsed requires nothing: Composer itself says what is wrong with it.
pub(crate) fn required_version(app_dir: &Path, store: Store) -> Option<Constraint> {
    let text = read_text_if_present(&app_dir.join("composer.json")).ok()??;
    let composer: Value = serde_json::from_str(&text).ok()?;
    Constraint::parse(composer.get("require")?.get(format!("ext-{store}"))?.as_str()?)
}

/// Whether the folder holds a PHP app: a `composer.json`, an `options.json`, or a PHP file in its root, in a usual
/// page directory, or in `web_dir` (relative to the app's folder).
pub(crate) fn is_php_app(app_dir: &Path, options: &AppOptions, web_dir: Option<&str>) -> bool {
    let has_php_file =
        |folder: &str| entries_with(&app_dir.join(folder), "php").iter().any(|path| path.is_file());
    options.present
        || app_dir.join("composer.json").is_file()
        || PAGE_DIRECTORIES.into_iter().chain(web_dir.map(str::trim)).any(has_php_file)
}

/// What [`is_php_app`] looks for, for messages.
pub(crate) const PHP_APP_SIGNS: &str = "composer.json, .bp-config/options.json, or *.php in the root, htdocs, public, web or BP_PHP_WEB_DIR";

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn app(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        dir
    }

    #[test]
    fn php_apps_are_found_by_each_sign() {
        for (files, expected) in [
            (&["composer.json"][..], true),
            (&["index.php"], true),
            (&["htdocs/index.php"], true),
            (&["public/a.php"], true),
            (&["web/a.php"], true),
            (&[".bp-config/options.json"], true),
            (&["src/a.php", "package.json"], false),
            (&["web", "index.php.txt"], false),
            (&[], false),
        ] {
            let dir = app(files);
            let options = AppOptions::read(dir.path()).unwrap();
            assert_eq!(is_php_app(dir.path(), &options, None), expected, "{files:?}");
        }
    }

    #[test]
    fn the_folder_that_paketo_s_setting_names_counts() {
        let dir = app(&["www/index.php"]);
        let found = |web_dir| is_php_app(dir.path(), &AppOptions::default(), web_dir);
        assert!(!found(None));
        assert!(found(Some("www")));
        assert!(!found(Some("pages")));
    }

    #[test]
    fn options_keep_our_keys_and_leave_the_others_alone() {
        let options = AppOptions::parse(
            r#"{"WEBDIR": "public", "PHP_EXTENSIONS": ["redis"], "LIBDIR": 3,
                "REDIS_SESSION_STORE_SERVICE_NAME": "shop"}"#,
        )
        .unwrap();
        assert_eq!(options.search_key(Store::Redis), Some("shop"));
        let marked = AppOptions::parse("\u{feff}{\"redis_session_store_service_name\": \"shop\"}");
        assert_eq!(marked.unwrap().search_key(Store::Redis), Some("shop"));
        let blank = AppOptions::parse(r#"{"REDIS_SESSION_STORE_SERVICE_NAME": ""}"#).unwrap();
        assert_eq!(blank.search_key(Store::Redis), None);
    }

    #[test]
    fn malformed_options_say_where() {
        let message = |json| AppOptions::parse(json).unwrap_err().to_string();
        assert!(message("{\n \"a\": }").contains("line 2 column 7"), "{}", message("{\n \"a\": }"));
        assert!(message("[]").contains("not an object"));
        assert!(
            message(r#"{"REDIS_SESSION_STORE_SERVICE_NAME": 5}"#)
                .contains("REDIS_SESSION_STORE_SERVICE_NAME is not a string")
        );
    }
}
