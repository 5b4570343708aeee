//! The contract between build and launch.

use crate::frameworks::known::Framework;
use crate::services::search_keys::SearchKeys;
use crate::store::Store;
use crate::system::files::{self, WriteError, at};
use crate::system::version::Version;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What the launch must know of the build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LaunchRecord {
    /// What the app was built for.
    pub store: Store,
    /// The version of the store's extension.
    pub extension_version: Version,
    /// Whether PHP's streams can be encrypted.
    pub knows_tls: bool,
    /// PHP's own `openssl.cafile`; empty if it has none.
    pub openssl_cafile: String,
    /// PHP's own `openssl.capath`; empty if it has none.
    pub openssl_capath: String,
    /// Whether PHP may preload a script of ours: the app has none of its own.
    pub may_preload: bool,
    /// The keys by which the service is found.
    pub search_keys: SearchKeys,
    /// The app's framework, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framework: Option<Framework>,
}

/// Why the launch cannot know what the build knew.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("This program cannot find its layer: {0}.")]
    Program(io::Error),
    #[error("The build's record {} cannot be read: {problem}.\nBuild the image again.", .path.display())]
    Unreadable { path: PathBuf, problem: String },
}

/// The session layer that the running program lies in.
///
/// # Errors
///
/// Fails if the system does not say where the program lies.
pub(crate) fn layer_of_program() -> Result<PathBuf, RecordError> {
    let program = std::env::current_exe().map_err(RecordError::Program)?;
    // <layer>/exec.d/session_env, <layer>/bin/session-check
    Ok(program.ancestors().nth(2).unwrap_or(&program).to_owned())
}

/// Reads what the build recorded in the layer.
///
/// # Errors
///
/// Fails if the record is missing or was written by something else.
pub(crate) fn read_record(layer: &Path) -> Result<LaunchRecord, RecordError> {
    let path = layer.join(RECORD_FILE);
    let read = fs::read_to_string(&path).map_err(|error| error.to_string());
    read.and_then(|text| toml::from_str(&text).map_err(|error| error.to_string()))
        .map_err(|problem| RecordError::Unreadable { path, problem })
}

/// The name of the exec.d program in the layer's `exec.d`.
pub const EXEC_D_PROGRAM: &str = "session_env";
/// The name of the program, and of the process type, that says whether sessions are kept.
pub const SESSION_CHECK: &str = "session-check";
/// The name of the program that stands between PHP and Redis.
pub const SESSION_PROXY: &str = "session-proxy";
const RECORD_FILE: &str = "session.toml";

/// Writes the record into the layer.
///
/// # Errors
///
/// Fails if it cannot be written.
pub(crate) fn write_record(layer: &Path, record: &LaunchRecord) -> Result<(), WriteError> {
    let path = layer.join(RECORD_FILE);
    let text = toml::to_string(record).map_err(|error| at(&path)(io::Error::other(error)))?;
    files::write(&path, text)
}
