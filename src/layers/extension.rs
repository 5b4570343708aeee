//! The extension layer: what PHP needs for the store and the run image may not have. Cached: as long
//! as nothing has changed that its bytes depend on, a build takes it as it is.

use super::extension_key::Key;
use crate::config::build::Provider;
use crate::extension::package::Package;
use crate::extension::{Extension, ExtensionError, Request, bring_mechanisms, installed, provide};
use crate::layers::sbom;
use crate::store::Store;
use crate::system::digest;
use crate::system::files::{WriteError, at};
use crate::system::version::Version;
use bullet_stream::global::print;
use libcnb::build::BuildContext;
use libcnb::data::layer_name;
use libcnb::layer::{
    CachedLayerDefinition, EmptyLayerCause, InvalidMetadataAction, LayerState, RestoredLayerAction,
};
use libcnb::layer_env::{LayerEnv, ModificationBehavior, Scope};
use libcnb::{Buildpack, Env};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::io;
use std::path::Path;

/// Where libsasl2 looks for its mechanism plugins.
const SASL_PATH: &str = "SASL_PATH";
const SASL_FOLDER: &str = "sasl2";
/// The folders of the layer that hold what we put in.
const CONTENT_FOLDERS: [&str; 3] = ["extensions", "lib", SASL_FOLDER];

/// What PHP must be told, and with which environment it will run.
#[derive(Debug)]
pub struct ProvidedExtension {
    /// The extension's version.
    pub version: Version,
    /// The values of PHP's `extension` directives.
    pub directives: Vec<String>,
    /// Whether PHP's streams can be encrypted, with these directives.
    pub knows_tls: bool,
    /// The build's environment, with what the layer adds to it at launch.
    pub env: Env,
    /// What the extension is that the image has already: no layer's bill names it.
    pub installed: Option<Package>,
}

/// What is in the layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Contents {
    extension: Extension,
    packages: Vec<Package>,
    /// SHA-256 of every file, so that a layer that was damaged in a cache is seen.
    files: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    key: Key,
    contents: Contents,
}

/// Makes sure that PHP can load the extension, from a layer where the image does not have it.
///
/// # Errors
///
/// Fails if nobody provides the extension, or PHP does not take it.
pub fn contribute_extension_layer<B: Buildpack<Error = anyhow::Error>>(
    context: &BuildContext<B>,
    request: &Request<'_>,
) -> libcnb::Result<ProvidedExtension, anyhow::Error> {
    let installed = installed::find(request).map_err(anyhow::Error::from)?;
    if let Some(extension) = &installed {
        print::sub_bullet(describe(extension, request.store));
        if request.store == Store::Redis {
            return Ok(provided(request, extension, None, request.env.clone()));
        }
    }
    let version = &context.buildpack_descriptor.buildpack.version;
    let key = Key::of(request, installed.is_some(), version.to_string());
    let layer = context.cached_layer(
        layer_name!("extension"),
        CachedLayerDefinition {
            build: false,
            launch: true,
            invalid_metadata_action: &|_| InvalidMetadataAction::DeleteLayer,
            restored_layer_action: &|old: &Metadata, path| match reasons_to_refill(old, &key, path)
            {
                reasons if reasons.is_empty() => {
                    (RestoredLayerAction::KeepLayer, Ok(old.contents.clone()))
                }
                reasons => (RestoredLayerAction::DeleteLayer, Err(reasons.join(", "))),
            },
        },
    )?;
    let path = layer.path();
    let contents = match restored_contents(&layer.state) {
        Ok(contents) => {
            print::sub_bullet("Reusing the cached extension layer");
            contents
        }
        Err(reason) => {
            if !reason.is_empty() {
                print::sub_bullet(format!("Rebuilding the extension layer: {reason}"));
            }
            let filled = fill(request, installed.clone(), &path).map_err(anyhow::Error::from)?;
            // Without metadata, a layer that lacks something is made anew by the next build.
            if filled.complete {
                layer.write_metadata(Metadata { key, contents: filled.contents.clone() })?;
            }
            filled.contents
        }
    };
    layer.write_sboms(&sbom::of_packages("extension", &contents.packages))?;
    layer.write_env(environment(&path))?;
    let env = layer.read_env()?.apply(Scope::Launch, request.env);
    Ok(provided(request, &installed.unwrap_or(contents.extension), Some(&path), env))
}

/// What is in a layer from the cache, or why it is not taken; nothing is said of a layer that is new.
fn restored_contents(state: &LayerState<(), Result<Contents, String>>) -> Result<Contents, String> {
    match state {
        LayerState::Restored { cause }
        | LayerState::Empty { cause: EmptyLayerCause::RestoredLayerAction { cause } } => {
            cause.clone()
        }
        LayerState::Empty { cause: EmptyLayerCause::InvalidMetadataAction { .. } } => {
            Err("the last build did not finish it".to_owned())
        }
        LayerState::Empty { cause: EmptyLayerCause::NewlyCreated } => Err(String::new()),
    }
}

/// A layer that has just been filled.
struct Filled {
    contents: Contents,
    /// Whether nothing is missing.
    complete: bool,
}

fn fill(
    request: &Request<'_>,
    installed: Option<Extension>,
    layer: &Path,
) -> Result<Filled, ExtensionError> {
    let work = layer.join("work");
    let mut packages = Vec::new();
    let extension = if let Some(extension) = installed {
        extension
    } else {
        let (extension, its_packages) = provide(request, &work, layer)?;
        print::sub_bullet(describe(&extension, request.store));
        packages.extend(its_packages);
        extension
    };
    let mut complete = true;
    if request.store == Store::Memcached {
        match bring_mechanisms(request, &work, &layer.join(SASL_FOLDER)) {
            Ok(its_packages) => packages.extend(its_packages),
            Err(error) => {
                complete = false;
                print::warning(missing_mechanisms(&error));
            }
        }
    }
    packages.sort();
    packages.dedup();
    remove(&work)?;
    let files = checksums(layer)?;
    Ok(Filled { contents: Contents { extension, packages, files }, complete })
}

fn missing_mechanisms(error: &impl Display) -> String {
    format!(
        "libsasl2's mechanism plugins cannot be put into the image: {error}.\nA Memcached service with a password refuses every login where they are missing. Install them in the run image (on Debian: apt-get install libsasl2-modules)."
    )
}

fn describe(extension: &Extension, store: Store) -> String {
    let Extension { provider, version, load } = extension;
    let name = store.extension_title();
    match (provider, load.as_slice()) {
        (Provider::Installed, []) => format!("Using {name} {version}, which PHP loads already"),
        (Provider::Installed, load) => {
            format!("Using {name} {version} from the image (loads {})", load.join(", "))
        }
        (Provider::Apt, load) => {
            format!("Using {name} {version} from the distribution (loads {})", load.join(", "))
        }
        (Provider::Source, load) => {
            format!("Using {name} {version}, compiled from source (loads {})", load.join(", "))
        }
    }
}

fn provided(
    request: &Request<'_>,
    extension: &Extension,
    layer: Option<&Path>,
    env: Env,
) -> ProvidedExtension {
    let openssl = openssl(request);
    let knows_tls = request.php.cli.knows_tls() || openssl.is_some();
    let directives = openssl.into_iter().chain(extension.directives(layer)).collect();
    let is_installed = extension.provider == Provider::Installed;
    let installed = is_installed.then(|| installed::package(request, extension)).flatten();
    ProvidedExtension { version: extension.version.clone(), directives, knows_tls, env, installed }
}

/// PHP's OpenSSL extension, where it is there and not enabled (Paketo's PHP): without it, TLS fails at each
/// request. It is loaded for every Redis, as the launch may have another service than the build.
fn openssl(request: &Request<'_>) -> Option<String> {
    let cli = &request.php.cli;
    let object = cli.facts.extension_dir.join("openssl.so");
    if request.store == Store::Redis && !cli.knows_tls() && object.is_file() {
        print::sub_bullet("Enabling PHP's openssl extension, for Redis with TLS");
        return Some("openssl.so".to_owned());
    }
    None
}

/// What the layer adds to PHP's environment; the loader finds `lib` by itself.
fn environment(layer: &Path) -> LayerEnv {
    let mechanisms = layer.join(SASL_FOLDER);
    if !mechanisms.is_dir() {
        return LayerEnv::new();
    }
    LayerEnv::new()
        .chainable_insert(Scope::Launch, ModificationBehavior::Delimiter, SASL_PATH, ":")
        .chainable_insert(Scope::Launch, ModificationBehavior::Prepend, SASL_PATH, mechanisms)
}

/// Why a layer from the cache cannot be taken as it is; empty if it can.
fn reasons_to_refill(old: &Metadata, key: &Key, layer: &Path) -> Vec<String> {
    let differences = old.key.differences(key);
    if !differences.is_empty() {
        return differences;
    }
    match checksums(layer) {
        Ok(files) if files == old.contents.files => Vec::new(),
        Ok(_) => vec!["its files have changed since they were cached".to_owned()],
        Err(error) => vec![error.to_string()],
    }
}

/// The checksums of all that we put into the layer; libcnb writes the environment.
fn checksums(layer: &Path) -> Result<BTreeMap<String, String>, WriteError> {
    let mut files = BTreeMap::new();
    for folder in CONTENT_FOLDERS {
        let folder = layer.join(folder);
        for entry in folder.read_dir().into_iter().flatten() {
            let path = entry.map_err(at(&folder))?.path();
            let name = path.strip_prefix(layer).unwrap_or(&path).display().to_string();
            files.insert(name, digest::sha256_of_file(&path).map_err(at(&path))?);
        }
    }
    Ok(files)
}

fn remove(folder: &Path) -> Result<(), WriteError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(folder)(error)),
        _ => Ok(()),
    }
}
