//! The contract between build and launch: what the build records, and the names of programs.

use crate::frameworks::known::Framework;
use crate::services::search_keys::SearchKeys;
use crate::store::Store;
use crate::system::files::{self, at};
use crate::system::version::Version;
use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What the launch must know about the build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LaunchRecord {
    pub store: Store,
    /// The version of the store's extension.
    pub extension_version: Version,
    /// Whether PHP's streams support TLS.
    pub knows_tls: bool,
    /// PHP's own `openssl.cafile`; empty if it has none.
    pub openssl_cafile: String,
    /// PHP's own `openssl.capath`; empty if it has none.
    pub openssl_capath: String,
    /// `session.sid_length` at build; 0 if it is unknown.
    #[serde(default)]
    pub sid_length: usize,
    /// The keys that find the service.
    pub search_keys: SearchKeys,
    /// Whether PHP's strict mode for sessions is on, as of PHP 8.6 by default.
    #[serde(default)]
    pub strict_mode: bool,
    /// What the app sets and the session proxy cannot follow, as `setting (file)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_setting: Option<String>,
    /// The app's framework, if we know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framework: Option<Framework>,
    /// `PHP_INI_SCAN_DIR` as the build had it.
    #[serde(default)]
    pub scan_dirs: String,
    #[serde(default)]
    pub app: AppFacts,
}

/// What the app's own files say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AppFacts {
    /// Whether its framework takes the save path for a folder: then it must hold no secret.
    pub takes_save_path_for_folder: bool,
    /// Whether they name a variable that tells where sessions are.
    pub reads_store_variables: bool,
}

/// The session layer, which contains the running program.
pub(crate) fn layer_of_program() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()
        .map_err(|error| anyhow!("The program cannot find its own layer: {error}."))?;
    // <layer>/exec.d/session_env, <layer>/bin/session-check
    Ok(program.ancestors().nth(2).unwrap_or(&program).to_owned())
}

pub(crate) fn read_record(layer: &Path) -> anyhow::Result<LaunchRecord> {
    let path = layer.join(RECORD_FILE);
    let read = || -> anyhow::Result<_> { Ok(toml::from_str(&fs::read_to_string(&path)?)?) };
    read().map_err(|problem| {
        let path = path.display();
        anyhow!("The build's record {path} cannot be read: {problem}.\nBuild the image again.")
    })
}

/// The name of the exec.d program in the layer's `exec.d`.
pub const EXEC_D_PROGRAM: &str = "session_env";
/// The name of the program, and of the process type, that checks whether sessions are kept.
pub const SESSION_CHECK: &str = "session-check";
/// The name of the program, and of the process type, between PHP and Redis.
pub const SESSION_PROXY: &str = "session-proxy";
const RECORD_FILE: &str = "session.toml";

pub(crate) fn write_record(layer: &Path, record: &LaunchRecord) -> anyhow::Result<()> {
    let path = layer.join(RECORD_FILE);
    let text = toml::to_string(record).map_err(|error| at(&path)(io::Error::other(error)))?;
    files::write(&path, text)
}
