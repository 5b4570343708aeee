//! The session layer: PHP's drop-in, and the exec.d program that fills its variables at launch.
//! It takes no time to write, so it is never cached; equal input makes equal bytes.

use crate::directives::{Directive, DropIn, drop_ins, render};
use crate::embedded::{self, EmbedError};
use crate::error::Error;
use crate::files::{self, WriteError, at};
use crate::forecast::{Notice, forecast};
use crate::intent::Sessions;
use crate::layers::extension::ProvidedExtension;
use crate::php::{PHP_INI_SCAN_DIR, Php};
use crate::proof::prove;
use crate::services::search_keys::SearchKeys;
use crate::settings::{DISPLAY_ERRORS, EMBED_CREDENTIALS};
use crate::store::Store;
use crate::version::Version;
use bullet_stream::global::print;
use libcnb::Buildpack;
use libcnb::additional_buildpack_binary_path;
use libcnb::build::BuildContext;
use libcnb::data::launch::{Launch, LaunchBuilder, Process, ProcessBuilder};
use libcnb::data::{layer_name, process_type};
use libcnb::layer::UncachedLayerDefinition;
use libcnb::layer_env::{LayerEnv, ModificationBehavior, Scope};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const INI_FILE: &str = "php-session-store.ini";
/// The program that says whether sessions are kept, and the process type that runs it.
const SESSION_CHECK: &str = "session-check";
const RECORD_FILE: &str = "session.toml";
/// Loads libsasl2's mechanisms into php-fpm's master.
const PRELOAD_FILE: &str = "preload.php";
const PRELOAD: &str = include_str!("preload.php");

/// The process type that says whether sessions are kept. `layer` is the session layer.
fn session_check_process(layer: &Path) -> Process {
    let program = layer.join("bin").join(SESSION_CHECK);
    ProcessBuilder::new(process_type!("session-check"), [program.display().to_string()]).build()
}

/// What the launch must know of the build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LaunchRecord {
    /// What the app was built for.
    pub store: Store,
    /// The version of the store's extension.
    pub extension_version: Version,
    /// Whether PHP may preload a script of ours: the app has none of its own.
    pub may_preload: bool,
    /// The keys by which the service is found.
    pub search_keys: SearchKeys,
}

/// Why the launch cannot know what the build knew.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The program does not know where it lies.
    #[error("This program cannot find its layer: {0}.")]
    Program(io::Error),
    /// The record cannot be read.
    #[error("The build's record {} cannot be read: {problem}.\nBuild the image again.", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// Contributes the layer: drop-ins that PHP has been seen to take, the exec.d program and `session-check`,
/// for which the launch gets a process type.
///
/// # Errors
///
/// Fails if the layer cannot be written, or PHP does not take the drop-in.
pub fn contribute_session_layer<B: Buildpack<Error = Error>>(
    context: &BuildContext<B>,
    sessions: &Sessions,
    php: &Php,
    extension: &ProvidedExtension,
) -> libcnb::Result<Launch, Error> {
    let definition = UncachedLayerDefinition { build: false, launch: true };
    let layer = context.uncached_layer(layer_name!("session"), definition)?;
    let path = layer.path();
    let record = LaunchRecord {
        store: sessions.store,
        extension_version: extension.version.clone(),
        may_preload: php.programs().all(|program| program.facts.preload.is_empty()),
        search_keys: sessions.search_keys.clone(),
    };
    let session_name = &sessions.settings.session_name;
    let hide_errors = hides_errors(sessions, php);
    let directives = first_directives(session_name, &extension.directives, hide_errors);
    write_files(&path, &record, directives).map_err(Error::from)?;
    let layer_env = environment(&path);
    let env = layer_env.apply(Scope::Launch, &extension.env);
    prove(php, &env, &path, &record, session_name).map_err(Error::from)?;
    print::bullet("Session layer");
    print::sub_bullet(format!("PHP ({}) starts with the drop-in, without a warning", php.names()));
    if let Some(service) = &sessions.service {
        say(forecast(sessions.store, service, &record.extension_version));
    }
    embed_credentials(sessions, &path).map_err(Error::from)?;
    if hide_errors {
        print::sub_bullet(format!(
            "Errors go to the log and not to the visitor's page, as PHP's warnings show the password ({DISPLAY_ERRORS}=keep leaves it to the app)"
        ));
    }
    layer.write_env(layer_env)?;
    let check = additional_buildpack_binary_path!("session_check");
    files::copy(&check, &path.join("bin").join(SESSION_CHECK)).map_err(Error::from)?;
    let program = additional_buildpack_binary_path!("session_env");
    layer.write_exec_d_programs([("session_env", program)])?;
    Ok(LaunchBuilder::new().process(session_check_process(&path)).build())
}

fn say(notice: Option<Notice>) {
    match notice {
        Some(Notice::Failure(error)) => print::warning(format!(
            "With the service as it is bound to this build, the app will not start:\n{error}"
        )),
        Some(Notice::Limit(limit)) => print::sub_bullet(limit),
        None => {}
    }
}

/// Lets the build's credentials into the image, where that is asked for.
fn embed_credentials(sessions: &Sessions, layer: &Path) -> Result<(), EmbedError> {
    if !sessions.settings.embed_credentials {
        return Ok(());
    }
    let service = sessions.service.as_ref().ok_or(EmbedError::NoService)?;
    print::warning(format!(
        "The credentials of {service} go into the image, as {EMBED_CREDENTIALS} asks for: whoever has the image has them, and a new password takes a new build. A service that is bound at launch is used instead."
    ));
    embedded::write(layer, service)
}

/// What the base drop-in begins with. `extensions` are the values of PHP's `extension` directives.
#[must_use]
pub fn first_directives(
    session_name: &str,
    extensions: &[String],
    hide_errors: bool,
) -> Vec<Directive> {
    let mut first: Vec<Directive> =
        extensions.iter().map(|object| Directive::literal("extension", object)).collect();
    first.push(Directive::literal("session.name", session_name));
    if hide_errors {
        first.push(Directive::literal("display_errors", "Off"));
        first.push(Directive::literal("log_errors", "On"));
    }
    first
}

/// Whether PHP's warnings must be kept off the pages. When Redis cannot be reached, PHP's warning shows
/// the save path, and with it the password.
fn hides_errors(sessions: &Sessions, php: &Php) -> bool {
    sessions.store == Store::Redis
        && php.displays_errors()
        && !sessions.settings.keep_display_errors
}

/// The session layer that the running program lies in.
///
/// # Errors
///
/// Fails if the system does not say where the program lies.
pub fn layer_of_program() -> Result<PathBuf, RecordError> {
    let program = std::env::current_exe().map_err(RecordError::Program)?;
    // <layer>/exec.d/session_env, <layer>/bin/session-check
    Ok(program.ancestors().nth(2).unwrap_or(&program).to_owned())
}

/// Writes the layer's files: the drop-ins, each into its own folder, and what the launch must know.
/// `first` are directives for the base drop-in, before those of the store.
///
/// # Errors
///
/// Fails if a file cannot be written.
pub fn write_files(
    layer: &Path,
    record: &LaunchRecord,
    mut first: Vec<Directive>,
) -> Result<(), WriteError> {
    for (drop_in, mut directives) in drop_ins(record.store, &record.extension_version) {
        if drop_in == DropIn::Base {
            directives.splice(0..0, first.drain(..));
        }
        files::write(&layer.join(drop_in.folder()).join(INI_FILE), render(&directives))?;
    }
    if record.store == Store::Memcached {
        let script = layer.join(PRELOAD_FILE);
        files::write(&script, PRELOAD)?;
        let preload = [Directive::literal("opcache.preload", script.display().to_string())];
        let folder = layer.join(DropIn::Preload.folder());
        files::write(&folder.join(INI_FILE), render(&preload))?;
    }
    let path = layer.join(RECORD_FILE);
    let text = toml::to_string(record).map_err(|error| at(&path)(io::Error::other(error)))?;
    files::write(&path, text)
}

/// The layer's environment: PHP reads the drop-in after all others.
fn environment(layer: &Path) -> LayerEnv {
    // With an empty first element PHP reads its compiled-in directory as well.
    let value = format!(":{}", layer.join(DropIn::Base.folder()).display());
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
pub fn read_record(layer: &Path) -> Result<LaunchRecord, RecordError> {
    let path = layer.join(RECORD_FILE);
    let read = fs::read_to_string(&path).map_err(|error| error.to_string());
    read.and_then(|text| toml::from_str(&text).map_err(|error| error.to_string()))
        .map_err(|problem| RecordError::Unreadable { path, problem })
}
