//! Why PHP has no extension for the store.

use super::libraries::LibrariesError;
use crate::config::variables::{EXTENSION, MIRROR};
use crate::php::PhpError;
use crate::store::Store;
use crate::system::files::WriteError;
use crate::system::version::Version;

/// Why PHP has no extension for the store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExtensionError {
    #[error(
        "PHP's programs disagree about the {store} extension: {loading} loads it, {missing} does not.\nEnable it for all of them (on Debian: phpenmod {store}), or for none."
    )]
    Mixed { store: Store, loading: String, missing: String },
    #[error(
        "{EXTENSION} asks for another {0} extension than the one that PHP already loads, and PHP cannot load both.\nUnset {EXTENSION}, or disable PHP's own extension."
    )]
    LoadedAlready(Store),
    #[error("PHP cannot use the {store} extension from {origin}:\n{said}")]
    Unusable { store: Store, origin: String, said: String },
    #[error("{why}")]
    Unavailable { why: String },
    #[error(
        "PHP {php} has no {store} extension, and every way to get it failed:\n{refusals}\nInstall it in the build image and the run image ({install}), let the build reach the package mirror, or give it phpize and a compiler. Without a network, set {MIRROR} to a place with the source release."
    )]
    NoProvider { store: Store, php: Version, refusals: String, install: String },
    #[error(transparent)]
    Php(#[from] PhpError),
    #[error("The {store} extension cannot be used: {error}.")]
    Libraries { store: Store, error: LibrariesError },
    #[error(transparent)]
    Write(#[from] WriteError),
}
