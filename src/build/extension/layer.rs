//! The extension layer: what PHP needs for the store and the run image may lack. It is cached, and reused until
//! something changes that its contents depend on.

use super::contents::{SASL_FOLDER, describe, fill};
use super::installed::{self, Installed};
use super::key::Key;
use super::loading::enabled_in_vain;
use super::package::Package;
use super::request::{Extension, ExtensionRequest};
use super::reuse::{Metadata, reasons_to_refill, refreshed, renewed, restored};
use crate::build::sbom;
use crate::config::build::Provider;
use crate::config::variables::EXTENSION;
use crate::store::Store;
use crate::system::sasl::{SASL_PATH, system_plugin_folders};
use crate::system::version::Version;
use bullet_stream::global::print;
use libcnb::build::BuildContext;
use libcnb::data::layer_name;
use libcnb::layer::{CachedLayerDefinition, InvalidMetadataAction, RestoredLayerAction};
use libcnb::layer_env::{LayerEnv, ModificationBehavior, Scope};
use libcnb::{Buildpack, Env};
use std::path::Path;

/// What PHP must load, and the environment it will run in.
#[derive(Debug)]
pub struct ProvidedExtension {
    pub(crate) version: Version,
    /// The values of PHP's `extension` directives.
    pub(crate) directives: Vec<String>,
    /// Whether PHP's streams support TLS with these directives.
    pub(crate) knows_tls: bool,
    /// The build's environment plus what the layer adds at launch.
    pub(crate) env: Env,
    /// The package of the image's own extension, which the layer's bill of materials does not list.
    pub(crate) installed: Option<Package>,
}

/// Makes sure that PHP can load the extension, from a layer if the image does not have it.
///
/// # Errors
/// Fails if no provider has the extension, or PHP cannot load it.
pub fn contribute_extension_layer<B: Buildpack<Error = anyhow::Error>>(
    context: &BuildContext<B>,
    request: &ExtensionRequest<'_>,
) -> libcnb::Result<ProvidedExtension, anyhow::Error> {
    let installed = installed::find(request)?;
    if let Installed::Usable(extension) = &installed {
        print::sub_bullet(describe(extension, request.store));
        if !request.login_may_come {
            return Ok(provided(request, extension, None, request.env.clone()));
        }
    }
    let version = &context.buildpack_descriptor.buildpack.version;
    let usable = matches!(installed, Installed::Usable(_));
    let key = Key::of(request, usable, version.to_string());
    let layer = context.cached_layer(
        layer_name!("extension"),
        CachedLayerDefinition {
            build: false,
            launch: true,
            invalid_metadata_action: &|_| InvalidMetadataAction::DeleteLayer,
            restored_layer_action: &|old: &Metadata, path| match reasons_to_refill(old, &key, path)
            {
                reasons if reasons.is_empty() => (RestoredLayerAction::KeepLayer, Ok(old.clone())),
                reasons => (RestoredLayerAction::DeleteLayer, Err(reasons.join(", "))),
            },
        },
    )?;
    let path = layer.path();
    let contents = match restored(&layer.state) {
        Ok(Metadata { contents, filled, .. }) => {
            print::sub_bullet("Reusing the cached extension layer");
            let contents = if usable { contents } else { refreshed(request, contents, &path)? };
            if let Some(contents) = renewed(request, &installed, &path, &contents, &filled) {
                layer.write_metadata(Metadata::of_today(key, &contents))?;
                contents
            } else {
                contents
            }
        }
        Err(reason) => {
            if !reason.is_empty() {
                print::sub_bullet(format!("Rebuilding the extension layer: {reason}"));
            }
            let filled = fill(request, &installed, &path)?;
            // An incomplete layer gets no metadata, so the next build fills it again.
            if filled.complete {
                layer.write_metadata(Metadata::of_today(key, &filled.contents))?;
            }
            filled.contents
        }
    };
    layer.write_sboms(&sbom::of_packages("extension", &contents.packages))?;
    layer.write_env(environment(&path))?;
    let env = layer.read_env()?.apply(Scope::Launch, request.env);
    let extension = match installed {
        Installed::Usable(extension) => extension,
        Installed::Not(_) | Installed::Unwanted { .. } => contents.extension,
    };
    Ok(provided(request, &extension, Some(&path), env))
}

fn provided(
    request: &ExtensionRequest<'_>,
    extension: &Extension,
    layer: Option<&Path>,
    env: Env,
) -> ProvidedExtension {
    if let Some(unmet) = request.unmet(&extension.version) {
        print::warning(format!(
            "{unmet}, the only version available. {EXTENSION}=source compiles a newer one if the image has a compiler"
        ));
    }
    if let Some(what) = enabled_in_vain(request, extension) {
        print::warning(what);
    }
    let openssl = openssl(request);
    let knows_tls = request.php.cli.knows_tls() || openssl.is_some();
    let directives = openssl.into_iter().chain(extension.directives(request.php, layer)).collect();
    let is_installed = extension.provider == Provider::Installed;
    let installed = is_installed.then(|| installed::package(request, extension)).flatten();
    let version = extension.version.clone();
    ProvidedExtension { version, directives, knows_tls, env, installed }
}

/// PHP's OpenSSL extension, if it is installed but not enabled (Paketo's PHP): without it, TLS fails on every
/// request. It is loaded for any Redis, because the launch may have another service than the build.
fn openssl(request: &ExtensionRequest<'_>) -> Option<String> {
    let cli = &request.php.cli;
    let object = cli.facts.extension_dir.join("openssl.so");
    if request.store == Store::Redis && !cli.knows_tls() && object.is_file() {
        print::sub_bullet("Enabling PHP's openssl extension, for Redis with TLS");
        return Some(cli.facts.object("openssl"));
    }
    None
}

/// What the layer adds to PHP's environment. Its libraries are found without it.
fn environment(layer: &Path) -> LayerEnv {
    let mechanisms = layer.join(SASL_FOLDER);
    if !mechanisms.is_dir() {
        return LayerEnv::new();
    }
    // If the variable is set, libsasl2 searches only these folders, so they include the system's.
    let mut folders = vec![mechanisms];
    folders.extend(system_plugin_folders());
    let value =
        folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(":");
    LayerEnv::new()
        .chainable_insert(Scope::Launch, ModificationBehavior::Delimiter, SASL_PATH, ":")
        .chainable_insert(Scope::Launch, ModificationBehavior::Prepend, SASL_PATH, value)
}
