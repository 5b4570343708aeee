//! The session layer: PHP's ini files, and the exec.d program that sets their variables at launch. It takes no
//! time to write, so it is never cached; the same input gives the same bytes.

use super::settings::SessionSettings;
use crate::build::extension::ProvidedExtension;
use crate::build::extension::package::{Package, PackageSource};
use crate::build::sbom;
use crate::launch::build_record::{
    EXEC_D_PROGRAM, LaunchRecord, SESSION_CHECK, SESSION_PROXY, write_record,
};
use crate::launch::embedded;
use crate::php::PHP_INI_SCAN_DIR;
use crate::php::directives::ini_files;
use crate::php::ini::{Directive, render};
use crate::php::ini_file::IniFile;
use crate::system::digest;
use crate::system::files::{self, at};
use anyhow::Context;
use libcnb::build::BuildContext;
use libcnb::data::launch::{Launch, LaunchBuilder, ProcessBuilder};
use libcnb::data::{layer_name, process_type};
use libcnb::layer::UncachedLayerDefinition;
use libcnb::layer_env::{LayerEnv, ModificationBehavior, Scope};
use libcnb::{Buildpack, Env};
use std::path::{Path, PathBuf};

const INI_FILE: &str = "php-session-store.ini";

/// The written layer.
#[derive(Debug)]
pub struct SessionLayer {
    pub(crate) path: PathBuf,
    /// The environment that the launcher passes to exec.d programs: the build's, with the layer applied.
    pub(crate) launch_env: Env,
    /// Adds `session-check` and `session-proxy` to the image's process types.
    pub launch: Launch,
}

/// Writes the layer: ini files, the launch record, the exec.d program, `session-check` and `session-proxy`. `env` is the
/// build's.
///
/// # Errors
/// Fails if a file cannot be written, or the credentials to embed cannot be read.
pub fn contribute_session_layer<B: Buildpack<Error = anyhow::Error>>(
    context: &BuildContext<B>,
    settings: &SessionSettings<'_>,
    extension: &ProvidedExtension,
    env: &Env,
) -> libcnb::Result<SessionLayer, anyhow::Error> {
    let definition = UncachedLayerDefinition { build: false, launch: true };
    let layer = context.uncached_layer(layer_name!("session"), definition)?;
    let path = layer.path();
    write_files(&path, &settings.record, settings.directives())?;
    if let Some(service) = settings.embedded_service {
        embedded::write(&path, service)?;
    }
    let layer_env = environment(&path);
    layer.write_env(&layer_env)?;
    let program = std::env::current_exe().context("Cannot find the running program")?;
    let checksum = digest::sha256_of_file(&program).map_err(at(&program))?;
    let launch_env = layer_env.apply(Scope::Launch, env);
    layer.write_exec_d_programs([(EXEC_D_PROGRAM, program)])?;
    layer.write_sboms(&sbom::of_packages("session", &packages(checksum, extension)))?;
    let launch = link_programs(&path)?;
    Ok(SessionLayer { path, launch_env, launch })
}

/// What the layer's bill of materials lists: our program, and the image's own extension, which no other bill lists.
fn packages(sha256: String, extension: &ProvidedExtension) -> Vec<Package> {
    let ours = Package {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        source: PackageSource::File,
        licences: vec![env!("CARGO_PKG_LICENSE").to_owned()],
        sha256,
    };
    [ours].into_iter().chain(extension.installed.clone()).collect()
}

/// `session-check` and `session-proxy`, the exec.d program under other names, are process types.
fn link_programs(layer: &Path) -> anyhow::Result<Launch> {
    let mut launch = LaunchBuilder::new();
    for (process, name) in [
        (process_type!("session-check"), SESSION_CHECK),
        (process_type!("session-proxy"), SESSION_PROXY),
    ] {
        let link = layer.join("bin").join(name);
        files::link(&Path::new("../exec.d").join(EXEC_D_PROGRAM), &link)?;
        launch.process(ProcessBuilder::new(process, [link.display().to_string()]).build());
    }
    Ok(launch.build())
}

/// Writes the layer's files: the ini files, each into its own folder, and the launch record.
/// `first` are directives for the base ini file, which precede those of the store.
///
/// # Errors
/// Fails if a file cannot be written.
pub fn write_files(
    layer: &Path,
    record: &LaunchRecord,
    mut first: Vec<Directive>,
) -> anyhow::Result<()> {
    for (ini_file, mut directives) in ini_files(record.store) {
        if ini_file == IniFile::Base {
            directives.splice(0..0, first.drain(..));
        }
        files::write(&layer.join(ini_file.folder()).join(INI_FILE), render(&directives))?;
    }
    write_record(layer, record)
}

/// The layer's environment: PHP reads our ini file after all others.
fn environment(layer: &Path) -> LayerEnv {
    // The empty first element makes PHP read its compiled-in directory as well.
    let value = format!(":{}", layer.join(IniFile::Base.folder()).display());
    LayerEnv::new().chainable_insert(
        Scope::Launch,
        ModificationBehavior::Append,
        PHP_INI_SCAN_DIR,
        value,
    )
}
