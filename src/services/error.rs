//! Why the bound services cannot be read.

use super::origin::{Origin, VCAP_SERVICES_FILE_PATH};
use crate::config::environment::EnvironmentError;
use crate::system::files::FileError;
use std::io;
use std::path::PathBuf;

/// Why the bound services cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ServicesError {
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    #[error("The service bindings in {} cannot be listed: {error}.\nMake the folder readable for the app's user.", .path.display())]
    ListBindings { path: PathBuf, error: io::Error },
    /// The file named by `VCAP_SERVICES_FILE_PATH` cannot be read.
    #[error("The file {}, named by {VCAP_SERVICES_FILE_PATH}, {error}.", .path.display())]
    ReadVcapFile { path: PathBuf, error: FileError },
    #[error(
        "{origin} {problem}\nExpected {{\"label\": [{{\"name\": \"…\", \"credentials\": {{…}}}}]}}, as Cloud Foundry writes it."
    )]
    Vcap { origin: Origin, problem: String },
}
