//! The session layer: PHP's drop-in, and the exec.d program that fills its variables at launch.
//! It takes no time to write, so it is never cached; equal input makes equal bytes.

use super::extension::ProvidedExtension;
use super::preflight::{Finding, preflight};
use super::verify::verify;
use crate::config::variables::{DISPLAY_ERRORS, EMBED_CREDENTIALS};
use crate::detect::SessionConfig;
use crate::launch::embedded::{self, EmbedError};
use crate::launch::record::{EXEC_D_PROGRAM, LaunchRecord, SESSION_CHECK, write_record};
use crate::php::connect::drop_ins;
use crate::php::ini::{Directive, DropIn, render};
use crate::php::{PHP_INI_SCAN_DIR, Php};
use crate::store::Store;
use crate::system::files::{self, WriteError};
use anyhow::Context;
use bullet_stream::global::print;
use libcnb::Buildpack;
use libcnb::build::BuildContext;
use libcnb::data::launch::{Launch, LaunchBuilder, Process, ProcessBuilder};
use libcnb::data::{layer_name, process_type};
use libcnb::layer::UncachedLayerDefinition;
use libcnb::layer_env::{LayerEnv, ModificationBehavior, Scope};
use std::path::Path;

const INI_FILE: &str = "php-session-store.ini";

/// Loads libsasl2's mechanisms into php-fpm's master.
const PRELOAD_FILE: &str = "preload.php";
const PRELOAD: &str = include_str!("preload.php");

/// The process type that says whether sessions are kept. `layer` is the session layer.
fn session_check_process(layer: &Path) -> Process {
    let program = layer.join("bin").join(SESSION_CHECK);
    ProcessBuilder::new(process_type!("session-check"), [program.display().to_string()]).build()
}

/// Contributes the layer: drop-ins that PHP has been seen to take, the exec.d program and `session-check`,
/// for which the launch gets a process type.
///
/// # Errors
///
/// Fails if the layer cannot be written, or PHP does not take the drop-in.
pub fn contribute_session_layer<B: Buildpack<Error = anyhow::Error>>(
    context: &BuildContext<B>,
    sessions: &SessionConfig,
    php: &Php,
    extension: &ProvidedExtension,
) -> libcnb::Result<Launch, anyhow::Error> {
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
    write_files(&path, &record, directives).map_err(anyhow::Error::from)?;
    let layer_env = environment(&path);
    let env = layer_env.apply(Scope::Launch, &extension.env);
    verify(php, &env, &path, &record, session_name).map_err(anyhow::Error::from)?;
    print::bullet("Session layer");
    print::sub_bullet(format!("PHP ({}) starts with the drop-in, without a warning", php.names()));
    if let Some(service) = &sessions.service {
        say(preflight(sessions.store, service, &record.extension_version));
    }
    embed_credentials(sessions, &path).map_err(anyhow::Error::from)?;
    if hide_errors {
        print::sub_bullet(format!(
            "Errors go to the log and not to the visitor's page, as PHP's warnings show the password ({DISPLAY_ERRORS}=keep leaves it to the app)"
        ));
    }
    layer.write_env(layer_env)?;
    let program = std::env::current_exe().context("The running program cannot be found")?;
    layer.write_exec_d_programs([(EXEC_D_PROGRAM, program)])?;
    link_session_check(&path).map_err(anyhow::Error::from)?;
    Ok(LaunchBuilder::new().process(session_check_process(&path)).build())
}

fn say(finding: Option<Finding>) {
    match finding {
        Some(Finding::Failure(error)) => print::warning(format!(
            "With the service as it is bound to this build, the app will not start:\n{error}"
        )),
        Some(Finding::Limit(limit)) => print::sub_bullet(limit),
        None => {}
    }
}

/// `session-check` is the exec.d program under another name.
fn link_session_check(layer: &Path) -> Result<(), WriteError> {
    let link = layer.join("bin").join(SESSION_CHECK);
    files::link(&Path::new("../exec.d").join(EXEC_D_PROGRAM), &link)
}

/// Lets the build's credentials into the image, where that is asked for.
fn embed_credentials(sessions: &SessionConfig, layer: &Path) -> Result<(), EmbedError> {
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
fn hides_errors(sessions: &SessionConfig, php: &Php) -> bool {
    sessions.store == Store::Redis
        && php.displays_errors()
        && !sessions.settings.keep_display_errors
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
    write_record(layer, record)
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
