//! The files of a service binding.

use super::credential::{Credential, Credentials};
use super::origin::{SERVICE_BINDING_ROOT, VCAP_SERVICES_FILE_PATH, shown};
use crate::system::files::{denied, read_text};
use anyhow::anyhow;
use indoc::formatdoc;
use serde_json::Value;
use std::fs::DirEntry;
use std::io;
use std::path::{Path, PathBuf};

/// Reads the files of the binding in `folder`.
pub(super) fn credentials(folder: &Path) -> anyhow::Result<Credentials> {
    let layout = Layout::of(folder);
    Ok(entries(&layout.entries)?
        .into_iter()
        .filter(|(name, path)| !layout.is_metadata(name) && !path.is_dir())
        .map(|(name, path)| (name, credential(&path)))
        .collect())
}

/// The file that holds a credential of the binding in `folder`.
pub(super) fn credential_file(folder: &Path, name: &str) -> Option<PathBuf> {
    Some(Layout::of(folder).entries.join(name)).filter(|file| file.is_file())
}

/// Where the files of a binding are.
pub(super) struct Layout {
    pub(super) metadata: PathBuf,
    entries: PathBuf,
    pub(super) kind: &'static str,
}

impl Layout {
    pub(super) fn of(folder: &Path) -> Self {
        let metadata = folder.join("metadata");
        if metadata.is_dir() {
            // The older layout of the CNB bindings extension; kpack still writes it for v1alpha1.
            Self { metadata, entries: folder.join("secret"), kind: "kind" }
        } else {
            Self { metadata: folder.to_owned(), entries: folder.to_owned(), kind: "type" }
        }
    }

    /// Whether the entry describes the binding and is not a credential.
    fn is_metadata(&self, name: &str) -> bool {
        self.metadata == self.entries && matches!(name, "type" | "provider")
    }
}

/// The visible entries of a folder. Kubernetes keeps a Secret's data in `..data` and `..<timestamp>`, and links
/// the visible names to it.
pub(super) fn entries(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let listed: io::Result<Vec<DirEntry>> = folder.read_dir().and_then(Iterator::collect);
    let visible = |entry: DirEntry| {
        // Kubernetes and Cloud Foundry write only UTF-8 names.
        let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with('.'))?;
        Some((name, entry.path()))
    };
    match listed {
        Ok(entries) => Ok(entries.into_iter().filter_map(visible).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(cannot_list(folder, &error)),
    }
}

fn cannot_list(folder: &Path, error: &io::Error) -> anyhow::Error {
    let path = shown(folder);
    let problem = match error.kind() {
        io::ErrorKind::NotADirectory => {
            return anyhow!(formatdoc! {"
                The service bindings should be in {path}, which is a file.
                {SERVICE_BINDING_ROOT} must name a folder with a folder for each service. For JSON as Cloud Foundry writes it, set {VCAP_SERVICES_FILE_PATH} instead."});
        }
        io::ErrorKind::PermissionDenied if let Ok(metadata) = folder.metadata() => {
            denied(&metadata)
        }
        _ => error.to_string(),
    };
    anyhow!(formatdoc! {"
        The service bindings in {path} cannot be listed: {problem}.
        Make the folder readable for the app's user."})
}

/// A file's text, without the final newline that editors and `echo` add.
fn credential(path: &Path) -> Credential {
    match read_text(path) {
        Ok(text) => {
            Credential::Value(Value::String(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        Err(error) => Credential::Unusable(error.to_string()),
    }
}
