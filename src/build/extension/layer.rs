//! The extension layer: the extension, if PHP does not have it, and what it needs. It is cached, and reused until
//! something changes that its contents depend on.

use super::installed;
use super::loading::enabled_in_vain;
use super::package::Package;
use super::provide::fill;
use super::request::{Extension, ExtensionRequest, directive};
use super::reuse::{LayerMetadata, key_of, renewed, restored, reusable};
use crate::build::sbom;
use crate::config::build::Provider;
use crate::config::variables::EXTENSION;
use crate::store::Store;
use crate::system::version::Version;
use bullet_stream::global::print;
use libcnb::Buildpack;
use libcnb::build::BuildContext;
use libcnb::data::layer_name;
use libcnb::layer::{CachedLayerDefinition, InvalidMetadataAction, RestoredLayerAction};
use std::path::Path;

/// What PHP must load.
#[derive(Debug)]
pub struct ProvidedExtension {
    pub(crate) version: Version,
    /// The values of PHP's `extension` directives.
    pub(crate) directives: Vec<String>,
    /// Whether PHP's streams support TLS with these directives.
    pub(crate) knows_tls: bool,
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
    if let Some(extension) = installed::find(request)? {
        return Ok(provided(request, &extension, None));
    }
    let key = key_of(request, &context.buildpack_descriptor.buildpack.version);
    let layer = context.cached_layer(
        layer_name!("extension"),
        CachedLayerDefinition {
            build: false,
            launch: true,
            invalid_metadata_action: &|_| InvalidMetadataAction::DeleteLayer,
            restored_layer_action: &|old: &LayerMetadata, path| match reusable(
                request, old, &key, path,
            ) {
                Ok(extension) => (RestoredLayerAction::KeepLayer, Ok((extension, old.clone()))),
                Err(reason) => (RestoredLayerAction::DeleteLayer, Err(reason)),
            },
        },
    )?;
    let path = layer.path();
    let (extension, packages) = match restored(&layer.state) {
        Ok((extension, old)) => {
            print::sub_bullet("Reusing the cached extension layer");
            match renewed(request, &path, &old) {
                Some(filled) => {
                    layer.write_metadata(LayerMetadata::of_today(key, &filled))?;
                    filled
                }
                None => (extension, old.packages),
            }
        }
        Err(reason) => {
            if !reason.is_empty() {
                print::sub_bullet(format!("Rebuilding the extension layer: {reason}"));
            }
            let filled = fill(request, &path)?;
            layer.write_metadata(LayerMetadata::of_today(key, &filled))?;
            filled
        }
    };
    layer.write_sboms(&sbom::of_packages("extension", &packages))?;
    Ok(provided(request, &extension, Some(&path)))
}

fn provided(
    request: &ExtensionRequest<'_>,
    extension: &Extension,
    layer: Option<&Path>,
) -> ProvidedExtension {
    let how = match extension.load.join(", ").as_str() {
        "" => ", which PHP already loads".to_owned(),
        load => format!("{} (loads {load})", extension.provider.origin()),
    };
    let name = request.store.extension_title();
    print::sub_bullet(format!("Using {name} {}{how}", extension.version));
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
    let load = extension.load.iter().map(|name| directive(request.php, name, layer));
    let directives = openssl.into_iter().chain(load).collect();
    let is_installed = extension.provider == Provider::Installed;
    let installed = is_installed.then(|| installed::package(request, extension)).flatten();
    let version = extension.version.clone();
    ProvidedExtension { version, directives, knows_tls, installed }
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
