//! Why the bound services cannot be read.

use super::origin::{Origin, VCAP_SERVICES_FILE_PATH};
use crate::config::environment::EnvironmentError;
use crate::system::files::FileError;
use std::io;
use std::path::PathBuf;

/// Why the bound services cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ServicesError {
    /// A variable cannot be read.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The folder of bindings, or one of them, cannot be listed.
    #[error("The service bindings in {} cannot be listed: {error}.\nMake the folder readable for the app's user.", .path.display())]
    ListBindings {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file that `VCAP_SERVICES_FILE_PATH` names cannot be read.
    #[error("The file {}, which {VCAP_SERVICES_FILE_PATH} names, {error}.", .path.display())]
    ReadVcapFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: FileError,
    },
    /// Cloud Foundry's services are not what they should be.
    #[error(
        "{origin} {problem}\nExpected {{\"label\": [{{\"name\": \"…\", \"credentials\": {{…}}}}]}}, as Cloud Foundry writes it."
    )]
    Vcap {
        /// Which of the two it is.
        origin: Origin,
        /// What is wrong, and where.
        problem: String,
    },
}
