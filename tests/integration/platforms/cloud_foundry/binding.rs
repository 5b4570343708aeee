//! How the platform tells the app of its services.

use crate::support::app::make_readable;
use std::fs;
use tempfile::TempDir;

/// Where file-based bindings are mounted.
const BINDINGS: &str = "/etc/cf-service-bindings";

/// How the platform tells the app of its services.
pub(crate) struct Binding {
    pub(crate) variable: (&'static str, String),
    files: Option<TempDir>,
}

impl Binding {
    /// `VCAP_SERVICES` itself.
    pub(crate) fn variable(services: String) -> Self {
        Self { variable: ("VCAP_SERVICES", services), files: None }
    }

    /// The app feature `file-based-vcap-services`.
    pub(crate) fn file(services: &str) -> Self {
        let files = Self::folder(&[("vcap_services", services)]);
        Self {
            variable: ("VCAP_SERVICES_FILE_PATH", format!("{BINDINGS}/vcap_services")),
            files: Some(files),
        }
    }

    /// The app feature `service-binding-k8s`: a file for each credential; one that is an object is JSON.
    pub(crate) fn files(entries: &[(&str, &str)]) -> Self {
        let entries: Vec<(String, &str)> =
            entries.iter().map(|(name, text)| (format!("binding/{name}"), *text)).collect();
        let entries: Vec<(&str, &str)> =
            entries.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        let files = Self::folder(&entries);
        Self { variable: ("SERVICE_BINDING_ROOT", BINDINGS.to_owned()), files: Some(files) }
    }

    pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        make_readable(folder.path());
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    /// The options of a container that has the binding.
    pub(crate) fn options(&self) -> Vec<String> {
        let (name, value) = &self.variable;
        let mount = self
            .files
            .iter()
            .map(|files| format!("--volume={}:{BINDINGS}:ro", files.path().display()));
        mount.chain([format!("--env={name}={value}")]).collect()
    }
}
