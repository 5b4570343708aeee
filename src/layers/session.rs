//! The session layer: PHP's drop-in, and the exec.d program that fills its variables at launch.
//! It takes no time to write, so it is never cached; equal input makes equal bytes.

use crate::directives::{self, Directive};
use crate::error::Error;
use crate::extension::Extension;
use crate::intent::Sessions;
use crate::php::{PHP_INI_SCAN_DIR, Php};
use crate::proof::prove;
use crate::services::matching::SearchKeys;
use crate::store::Store;
use crate::version::Version;
use bullet_stream::global::print;
use libcnb::additional_buildpack_binary_path;
use libcnb::build::BuildContext;
use libcnb::data::layer_name;
use libcnb::layer::UncachedLayerDefinition;
use libcnb::layer_env::{LayerEnv, ModificationBehavior, Scope};
use libcnb::{Buildpack, Env};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The drop-in that is always read.
const DROP_IN: &str = "conf.d";
/// The drop-in that takes the sessions back to local files.
pub const FILES_DROP_IN: &str = "files.d";
const INI_FILE: &str = "php-session-store.ini";
const RECORD_FILE: &str = "session.toml";

/// What the launch must know of the build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LaunchRecord {
    /// What the app was built for.
    pub store: Store,
    /// The version of the store's extension.
    pub extension_version: Version,
    /// The keys by which the service is found.
    pub search_keys: SearchKeys,
}

/// Why the layer cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SessionLayerError {
    /// A file cannot be written.
    #[error("The file {} cannot be written: {error}.", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The program does not know where it lies.
    #[error("The exec.d program cannot find its layer: {0}.")]
    Program(io::Error),
    /// The record cannot be read at launch.
    #[error("The build's record {} cannot be read: {problem}.\nBuild the image again.", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// Contributes the layer: drop-ins that PHP has been seen to take, and the exec.d program.
///
/// # Errors
///
/// Fails if the layer cannot be written, or PHP does not take the drop-in.
pub fn contribute_session_layer<B: Buildpack<Error = Error>>(
    context: &BuildContext<B>,
    sessions: &Sessions,
    php: &Php,
    env: &Env,
    extension: &Extension,
) -> libcnb::Result<(), Error> {
    let definition = UncachedLayerDefinition { build: false, launch: true };
    let layer = context.uncached_layer(layer_name!("session"), definition)?;
    let path = layer.path();
    let Sessions { store, settings, .. } = sessions;
    write_drop_ins(&path, *store, &settings.session_name, extension).map_err(Error::from)?;
    let layer_env = environment(&path);
    let extension_version =
        prove(php, env, &layer_env, *store, &settings.session_name).map_err(Error::from)?;
    print::bullet("Session layer");
    print::sub_bullet(format!(
        "PHP starts with {store} {extension_version} and the drop-in, without a warning"
    ));
    let record = LaunchRecord {
        store: *store,
        extension_version,
        search_keys: sessions.search_keys.clone(),
    };
    write_record(&path, &record).map_err(Error::from)?;
    layer.write_env(layer_env)?;
    let program = additional_buildpack_binary_path!("session_env");
    layer.write_exec_d_programs([("session_env", program)])
}

/// The session layer that the running exec.d program lies in.
///
/// # Errors
///
/// Fails if the system does not say where the program lies.
pub fn layer_of_exec_d_program() -> Result<PathBuf, SessionLayerError> {
    let program = std::env::current_exe().map_err(SessionLayerError::Program)?;
    // <layer>/exec.d/session_env
    Ok(program.ancestors().nth(2).unwrap_or(&program).to_owned())
}

/// Writes the drop-ins into the layer.
fn write_drop_ins(
    layer: &Path,
    store: Store,
    session_name: &str,
    extension: &Extension,
) -> Result<(), SessionLayerError> {
    let files = [
        Directive::literal("session.save_handler", "files"),
        Directive::literal("session.save_path", ""),
    ];
    write_file(
        &layer.join(DROP_IN).join(INI_FILE),
        &directives::render(&drop_in(store, session_name, extension)),
    )?;
    write_file(&layer.join(FILES_DROP_IN).join(INI_FILE), &directives::render(&files))
}

/// Writes what the launch must know into the layer.
fn write_record(layer: &Path, record: &LaunchRecord) -> Result<(), SessionLayerError> {
    let path = layer.join(RECORD_FILE);
    let text = toml::to_string(record).map_err(|error| SessionLayerError::Write {
        path: path.clone(),
        error: io::Error::other(error),
    })?;
    write_file(&path, &text)
}

/// The layer's environment: PHP reads the drop-in after all others.
fn environment(layer: &Path) -> LayerEnv {
    // With an empty first element PHP reads its compiled-in directory as well.
    let value = format!(":{}", layer.join(DROP_IN).display());
    LayerEnv::new().chainable_insert(
        Scope::Launch,
        ModificationBehavior::Append,
        PHP_INI_SCAN_DIR,
        value,
    )
}

/// Reads what the build recorded in the layer.
///
/// # Errors
///
/// Fails if the record is missing or was written by something else.
pub fn read_record(layer: &Path) -> Result<LaunchRecord, SessionLayerError> {
    let path = layer.join(RECORD_FILE);
    let read = fs::read_to_string(&path).map_err(|error| error.to_string());
    read.and_then(|text| toml::from_str(&text).map_err(|error| error.to_string()))
        .map_err(|problem| SessionLayerError::Record { path, problem })
}

fn drop_in(store: Store, session_name: &str, extension: &Extension) -> Vec<Directive> {
    let mut drop_in = match extension {
        Extension::Loaded => Vec::new(),
        Extension::Present(names) => {
            names.iter().map(|name| Directive::literal("extension", format!("{name}.so"))).collect()
        }
    };
    drop_in.push(Directive::literal("session.name", session_name));
    drop_in.extend(match store {
        Store::Redis => directives::redis::drop_in(),
    });
    drop_in
}

fn write_file(path: &Path, content: &str) -> Result<(), SessionLayerError> {
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, content)
    };
    write().map_err(|error| SessionLayerError::Write { path: path.to_owned(), error })
}
