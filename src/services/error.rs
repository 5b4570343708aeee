//! Why the bound services cannot be read.

use super::origin::{Origin, SERVICE_BINDING_ROOT, VCAP_SERVICES_FILE_PATH};
use crate::config::environment::EnvironmentError;
use crate::system::files::FileError;
use std::path::PathBuf;

/// Why the bound services cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ServicesError {
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    #[error(
        "The service bindings in {path} cannot be listed: {problem}.\nMake the folder readable for the app's user."
    )]
    ListBindings { path: String, problem: String },
    #[error(
        "The service bindings should be in {path}, which is a file.\n{SERVICE_BINDING_ROOT} must name a folder with a folder for each service. For JSON as Cloud Foundry writes it, set {VCAP_SERVICES_FILE_PATH} instead."
    )]
    BindingsFile { path: String },
    /// The file named by `VCAP_SERVICES_FILE_PATH` cannot be read.
    #[error("The file {path}, named by {VCAP_SERVICES_FILE_PATH}, {error}.")]
    ReadVcapFile { path: String, error: FileError },
    #[error("The file {} {error}.", .path.display())]
    ReadEmbedded { path: PathBuf, error: FileError },
    #[error(
        "{origin} {problem}\nExpected {{\"label\": [{{\"name\": \"…\", \"credentials\": {{…}}}}]}}, as Cloud Foundry writes it."
    )]
    Vcap { origin: Origin, problem: String },
}
