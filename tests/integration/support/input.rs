//! What pack builds an image from.

use super::Suite;
use super::app::buildpack;
use super::sample::write;
use libcnb_test::{BuildConfig, BuildpackReference};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A builder, an app, and the variables of the build; our buildpack alone.
#[derive(Clone)]
pub(crate) struct BuildInput {
    builder: String,
    app_dir: PathBuf,
    /// Files of the app beside those of the folder.
    files: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
}

/// All that an image comes of; what lies in the app's folder, wherever that is.
pub(crate) type Key = (String, Contents, BTreeMap<String, String>, BTreeMap<String, String>);

/// Each file with its mode and what is in it.
type Contents = BTreeMap<PathBuf, (u32, Vec<u8>)>;

impl BuildInput {
    /// The app in a folder, on one variant of a Debian release.
    pub(crate) fn new(suite: Suite, variant: &str, app_dir: &Path) -> Self {
        Self {
            builder: suite.builder(variant),
            app_dir: app_dir.to_owned(),
            files: BTreeMap::new(),
            env: BTreeMap::new(),
        }
    }

    /// With a variable of the build.
    pub(crate) fn env(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// With one more file in the app.
    pub(crate) fn file(&mut self, name: &str, text: impl Into<String>) -> &mut Self {
        self.files.insert(name.to_owned(), text.into());
        self
    }

    /// With another app.
    pub(crate) fn app_dir(&mut self, app_dir: &Path) -> &mut Self {
        app_dir.clone_into(&mut self.app_dir);
        self
    }

    /// As libcnb-test has it.
    pub(crate) fn config(&self) -> BuildConfig {
        let mut config = BuildConfig::new(&self.builder, &self.app_dir);
        config.buildpacks([BuildpackReference::Other(buildpack())]);
        config.envs(self.env.clone());
        let files = self.files.clone();
        if !files.is_empty() {
            config.app_dir_preprocessor(move |app| {
                for (name, text) in &files {
                    write(&app, name, text);
                }
            });
        }
        config
    }

    /// Equal for builds that can share an image.
    pub(crate) fn key(&self) -> Key {
        let mut contents = BTreeMap::new();
        read(&self.app_dir, Path::new(""), &mut contents);
        (self.builder.clone(), contents, self.files.clone(), self.env.clone())
    }
}

fn read(folder: &Path, within: &Path, contents: &mut Contents) {
    for entry in folder.read_dir().expect("the app's folder") {
        let path = entry.expect("an entry").path();
        let name = within.join(path.file_name().expect("a name"));
        if path.is_dir() {
            read(&path, &name, contents);
        } else {
            let mode = fs::metadata(&path).expect("a file").permissions().mode();
            contents.insert(name, (mode, fs::read(&path).expect("a file")));
        }
    }
}
